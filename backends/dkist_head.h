// The beginning of a DKIST dataset's ASDF file: its YAML tree, which names the frames. The blocks behind it,
// a hundred times as long, stay where they are. For type "dkist" alone.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "backends/http/fetcher.h"
#include "base/error.h"

namespace astrofs::dkist {

/// The bytes from the file's first to the end of its tree. `size`: of the file. Blocks; not on the client's
/// thread. Errc::too_large: no tree ends where one should.
[[nodiscard]] Result<std::string> fetch_asdf_head(http::Fetcher& fetcher,
                                                  const std::vector<http::Request>& mirrors,
                                                  std::uint64_t size, std::stop_token stop);

}  // namespace astrofs::dkist
