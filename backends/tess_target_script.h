// The bulk scripts of a sector's targets: which targets it has, and what one of them has. Those of light
// curves and pixels have lines of one width and are searched by Range where they are sorted by target; that
// of the data validation has not, and is short. Names only. Blocks; any thread but the client's.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "backends/http/fetcher.h"
#include "base/error.h"

namespace astrofs::tess {

/// TICs of the sector's 2-minute targets, ascending. not_found: it has no script of light curves.
[[nodiscard]] Result<std::vector<std::uint64_t>> script_targets(http::Fetcher& fetcher,
                                                                const std::string& archive, unsigned sector,
                                                                std::stop_token stop);

/// Names of a target's products in all scripts of the sector; empty when none names it.
[[nodiscard]] Result<std::vector<std::string>> script_products(http::Fetcher& fetcher,
                                                               const std::string& archive, unsigned sector,
                                                               std::uint64_t tic, std::stop_token stop);

}  // namespace astrofs::tess
