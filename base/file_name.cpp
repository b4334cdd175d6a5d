#include "base/file_name.h"

#include <cstddef>

namespace astrofs {
namespace {

constexpr std::size_t kLongestName =
    255;  // NAME_MAX of Linux, and what the kernel accepts from FUSE in practice

unsigned char byte_at(std::string_view text, std::size_t at) {
  return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
}

/// 0..15, or -1 for anything else. isxdigit would ask the locale.
int hex_value(unsigned char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

/// A '%' here would be read as an escape.
bool is_escape(std::string_view text, std::size_t at) {
  return byte_at(text, at) == '%' && hex_value(byte_at(text, at + 1)) >= 0 &&
         hex_value(byte_at(text, at + 2)) >= 0;
}

bool is_continuation(unsigned char byte) {
  return (byte & 0xc0U) == 0x80U;
}

/// Length of the character that starts at `at` if it may be shown as it is, else 0. The bounds of the second
/// byte are those of RFC 3629 (no overlong forms, no surrogates, nothing past U+10FFFF), and leave out the
/// controls U+0080..9F.
std::size_t plain_length(std::string_view text, std::size_t at) {
  const unsigned char first = byte_at(text, at);
  if (first < 0x80) {
    return first < 0x20 || first == 0x7f || first == '/' || is_escape(text, at) ? 0 : 1;
  }
  unsigned char low = 0x80;
  unsigned char high = 0xbf;
  std::size_t length = 0;
  if (first >= 0xc2 && first <= 0xdf) {
    length = 2;
    if (first == 0xc2) low = 0xa0;
  } else if (first >= 0xe0 && first <= 0xef) {
    length = 3;
    if (first == 0xe0) low = 0xa0;
    if (first == 0xed) high = 0x9f;
  } else if (first >= 0xf0 && first <= 0xf4) {
    length = 4;
    if (first == 0xf0) low = 0x90;
    if (first == 0xf4) high = 0x8f;
  } else {
    return 0;
  }
  if (byte_at(text, at + 1) < low || byte_at(text, at + 1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if (!is_continuation(byte_at(text, at + i))) return 0;
  }
  return length;
}

void append_escape(std::string& out, char letter) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  const auto code = static_cast<unsigned char>(letter);
  out += '%';
  out += kDigits[code >> 4U];
  out += kDigits[code & 0xfU];
}

}  // namespace

std::optional<std::string> encode_file_name(std::string_view raw) {
  if (raw.empty() || raw.size() > kLongestName) return std::nullopt;  // encoding never shortens
  std::string out;
  if (raw == "." || raw == "..") {
    for (const char dot : raw) append_escape(out, dot);
    return out;
  }
  for (std::size_t at = 0; at < raw.size();) {
    const std::size_t length = plain_length(raw, at);
    if (length == 0) {
      append_escape(out, raw[at]);
      ++at;
    } else {
      out.append(raw.substr(at, length));
      at += length;
    }
  }
  if (out.size() > kLongestName) return std::nullopt;
  return out;
}

std::string decode_file_name(std::string_view shown) {
  std::string out;
  out.reserve(shown.size());
  for (std::size_t at = 0; at < shown.size();) {
    if (is_escape(shown, at)) {
      out += static_cast<char>(hex_value(byte_at(shown, at + 1)) * 16 + hex_value(byte_at(shown, at + 2)));
      at += 3;
    } else {
      out += shown[at];
      ++at;
    }
  }
  return out;
}

}  // namespace astrofs
