#include "backends/format/percent.h"

#include <algorithm>
#include <array>

#include "backends/url.h"

namespace astrofs {
namespace {

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// RFC 3986: what a path component may hold as it is, without '%'. By the byte.
constexpr std::array<bool, 256> kMayStand = [] {
  std::array<bool, 256> stands{};
  for (const char c : std::string_view("-._~!$&'()*+,;=:@")) stands[static_cast<unsigned char>(c)] = true;
  for (unsigned char c = '0'; c <= '9'; ++c) stands[c] = true;
  for (unsigned char c = 'a'; c <= 'z'; ++c) stands[c] = true;
  for (unsigned char c = 'A'; c <= 'Z'; ++c) stands[c] = true;
  return stands;
}();

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
    const auto byte = static_cast<unsigned char>(c);
    if (escape || kMayStand[byte]) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4U];
      out += kHex[byte & 15U];
    }
  }
  return out;
}

}  // namespace astrofs
