// MAST's TAP service as the stand-in archive plays it: synchronous queries of ivoa.obscore about made-up
// targets, a row for each product. VOTables whatever format is asked for. Pure; any thread.
#pragma once

#include <string_view>
#include <vector>

#include "tests/support/mast_target.h"
#include "tests/support/sim_reply.h"

namespace astrofs::sim {

inline constexpr std::string_view kMastTap = "/vo-tap/api/v0.1/caom/sync";

[[nodiscard]] Reply mast_tap(const HttpRequest& request, const std::vector<Target>& targets);

}  // namespace astrofs::sim
