#include "backends/format/percent.h"

#include <algorithm>

#include "backends/url.h"

namespace astrofs {
namespace {

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool may_stand(char c) {
  // RFC 3986: what a path component may hold as it is, without '%'.
  constexpr std::string_view kSigns = "-._~!$&'()*+,;=:@";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         kSigns.find(c) != std::string_view::npos;
}

}  // namespace

std::string percent_decode_plus(std::string_view text) {
  std::string spaced(text);
  std::replace(spaced.begin(), spaced.end(), '+', ' ');
  return url::decode(spaced);
}

std::string percent_repair(std::string_view component) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  out.reserve(component.size());
  for (std::size_t i = 0; i < component.size(); ++i) {
    const char c = component[i];
    const bool escape =
        c == '%' && i + 2 < component.size() && is_hex(component[i + 1]) && is_hex(component[i + 2]);
    if (escape || may_stand(c)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kHex[byte >> 4U];
      out += kHex[byte & 15U];
    }
  }
  return out;
}

}  // namespace astrofs
