// A web server's listing of a directory, whatever form it has: HTML or nginx's JSON, told apart by content
// type and first byte. Used by types "index" and "tess". Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "backends/archive.h"
#include "backends/http/client.h"
#include "base/error.h"

namespace astrofs {

/// Children of the page, names raw, locators one percent-encoded component (with '/' at the end for a
/// directory). Errc::corrupt: the answer is no directory listing (a login page, an error page, a file).
[[nodiscard]] Result<std::vector<Entry>> read_directory_page(const http::Response& response);

}  // namespace astrofs
