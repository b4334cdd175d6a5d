// What MAST's TAP service knows of a target of TESS, for when its portal is silent: names of products, and
// nothing that would deny one. Part of type "tess". Blocks; any thread but the client's.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "backends/http/fetcher.h"
#include "base/error.h"

namespace astrofs::mast {

/// Names of a target's products, by one request. `base`: of the archive, without a slash at its end. Empty:
/// the service names none.
[[nodiscard]] Result<std::vector<std::string>> tap_products(http::Fetcher& fetcher, const std::string& base,
                                                            std::uint64_t tic, std::stop_token stop);

}  // namespace astrofs::mast
