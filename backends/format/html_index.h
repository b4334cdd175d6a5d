// Directory pages that web servers make: Apache (fancy, table, plain list), nginx, lighttpd, Python's
// http.server. Text in, entries out; no state. Any thread. The only door to libxml2.
//
// A page is a stranger's text: at most 64 MiB of it, parsed flat (nesting cannot grow), in bounded memory and
// processor time.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "backends/archive.h"
#include "base/error.h"

namespace astrofs {

struct HtmlIndex {
  /// Children of the page in its order. Name: the raw bytes behind one percent-decode. Size: only where the
  /// page gives exact bytes. Locator: the component as the href has it, percent-encoded, with '/' at the end
  /// for a directory.
  std::vector<Entry> entries;
  std::size_t dropped{0};  ///< links to a child whose name cannot be one component: "..", "a%2Fb", NUL
  /// The page says of itself that it is a directory: its title, or a link to its parent, or links that sort
  /// its columns. An empty page that is not recognised is more likely a login or an error page than an empty
  /// directory.
  bool recognised{false};
  /// False: the page begins with <html> and has no </html>, so it was cut off and entries may be missing.
  bool complete{true};
};

/// `page_url` is where the page came from after redirects: http(s), query and fragment are ignored.
/// Errors: invalid (page_url), too_large (page, or the work that it would make).
[[nodiscard]] Result<HtmlIndex> parse_html_index(std::string_view html, std::string_view page_url);

}  // namespace astrofs
