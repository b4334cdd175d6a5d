// Directory pages of nginx with `autoindex_format json`: text in, entries out. Any thread.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "backends/archive.h"
#include "base/error.h"

namespace astrofs {

struct NginxListing {
  /// Names are the raw bytes, sizes exact, locators percent-encoded ('/' behind a directory). What is neither
  /// file nor directory ("other": a socket, a broken link) is left out.
  std::vector<Entry> entries;
  std::size_t dropped{0};  ///< entries whose name cannot be one component
};

/// Errors: corrupt (not JSON, cut off, or not such a list), too_large (more than 64 MiB, or nested).
[[nodiscard]] Result<NginxListing> parse_nginx_json(std::string_view json);

}  // namespace astrofs
