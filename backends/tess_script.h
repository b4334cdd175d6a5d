// The bulk download scripts of TESS as a table of names: one line for each frame of a sector, all lines of
// one length, so that a HEAD gives the count and a Range any line. Names only: no size, no validator. Blocks;
// any thread but the client's.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "backends/http/fetcher.h"
#include "backends/tess_frames.h"
#include "base/error.h"

namespace astrofs::tess {

/// not_found: this sector has no script of calibrated frames.
[[nodiscard]] Result<void> script_exists(http::Fetcher& fetcher, const std::string& archive, unsigned sector,
                                         std::stop_token stop);

/// Names of a chip, in the script's order. `product` is "ffic" or "ffir".
[[nodiscard]] Result<std::vector<std::string>> script_names(http::Fetcher& fetcher,
                                                            const std::string& archive, const Chip& chip,
                                                            std::string_view product, std::stop_token stop);

}  // namespace astrofs::tess
