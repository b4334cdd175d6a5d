// The links of an HTML page with the text that follows each, in order: what html_index reads a directory
// from. Part of html_index; implemented where libxml2 is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace astrofs {

struct HtmlLink {
  std::string href;  ///< entities decoded; bytes above 0x7F and NUL of the page are written %XX
  std::string tail;  ///< text behind the link up to the next one, at most kLongestTail; cells are set apart
                     ///< by a space
};

struct HtmlLinks {
  std::string heading;  ///< text before the first link, the title's too, at most kLongestTail
  std::vector<HtmlLink> links;
};

/// A date, a size and a description fit; more is not looked at.
inline constexpr std::size_t kLongestTail = 512;

/// Errors: too_large.
[[nodiscard]] Result<HtmlLinks> read_html_links(std::string_view html);

}  // namespace astrofs
