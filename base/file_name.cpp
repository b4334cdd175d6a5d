#include "base/file_name.h"

#include <algorithm>
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

bool starts_with_any_case(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() &&
         std::equal(lower.begin(), lower.end(), text.begin(), [](char want, char have) {
           return want == (have >= 'A' && have <= 'Z' ? have + 32 : have);
         });
}

/// The name alone, given to a FITS tool in its directory, would be something else than this file.
bool is_trap_at_start(std::string_view raw) {
  if (raw.front() == '!' || raw.front() == '~' || raw.front() == ' ') return true;
  if (raw.front() == '-') return raw.size() == 1 || raw[1] == ' ' || raw[1] == '(' || raw[1] == '[';
  if (raw == "stdout" || raw == "STDOUT" || starts_with_any_case(raw, "stdin")) return true;
  static constexpr std::string_view kDrivers[] = {"ftp:", "gsiftp:", "http:", "mem:", "shmem:", "file:"};
  return std::ranges::any_of(kDrivers, [raw](std::string_view driver) { return raw.starts_with(driver); });
}

/// Where the number of an HDU would begin ("x.fits+3"); npos: nowhere.
std::size_t hdu_number(std::string_view raw) {
  constexpr std::size_t kMostDigits = 5;
  const std::size_t plus = raw.rfind('+');
  if (plus == std::string_view::npos || raw.size() - plus - 1 > kMostDigits) return std::string_view::npos;
  const bool is_number = std::all_of(raw.begin() + static_cast<std::ptrdiff_t>(plus) + 1, raw.end(),
                                     [](char digit) { return digit >= '0' && digit <= '9'; });
  return is_number ? plus : std::string_view::npos;
}

/// Every '(' has its ')' before the next '(', and none of these is followed by the end of the name: then no
/// path that is made of such names has an output file in it.
bool are_flat_pairs(std::string_view raw) {
  for (std::size_t open = raw.find('('); open != std::string_view::npos;) {
    const std::size_t close = raw.find(')', open);
    const std::size_t next = raw.find('(', open + 1);
    if (close == std::string_view::npos || next < close) return false;
    if (raw.find_first_not_of(' ', close + 1) == std::string_view::npos) return false;
    open = next;
  }
  return true;
}

/// Where a FITS tool would read more than a name.
struct FitsSyntax {
  explicit FitsSyntax(std::string_view raw)
      : start(is_trap_at_start(raw)),
        parentheses(!are_flat_pairs(raw)),
        plus(hdu_number(raw)),
        blank(raw.back() == ' ' ? raw.size() - 1 : std::string_view::npos) {}
  [[nodiscard]] bool at(std::string_view raw, std::size_t place) const {
    return raw[place] == '[' || (raw[place] == '(' && parentheses) || place == plus || place == blank ||
           (place == 0 && start);
  }
  bool start;
  bool parentheses;
  std::size_t plus;
  std::size_t blank;
};

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
  const FitsSyntax syntax(raw);
  for (std::size_t at = 0; at < raw.size();) {
    const std::size_t length = syntax.at(raw, at) ? 0 : plain_length(raw, at);
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
