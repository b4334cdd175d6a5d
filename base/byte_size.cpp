#include "base/byte_size.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>
#include <optional>

namespace astrofs {
namespace {

constexpr std::string_view kPrefixes = "kmgtp";
constexpr std::size_t kMostDecimals = 3;  // 999 * 1 PiB still fits 64 bits, so all of this is exact
constexpr std::uint64_t kLargest = std::numeric_limits<std::int64_t>::max();

std::optional<std::uint64_t> unit_named(std::string_view name) {
  std::string lower;
  for (const char letter : name)
    lower += letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  if (lower.empty() || lower == "b") return 1;
  const std::size_t power = kPrefixes.find(lower.front());
  if (power == std::string_view::npos) return std::nullopt;
  const std::string_view rest = std::string_view(lower).substr(1);
  if (rest != "" && rest != "b" && rest != "ib") return std::nullopt;
  std::uint64_t unit = 1;
  for (std::size_t i = 0; i <= power; ++i) unit *= rest == "b" ? 1000 : 1024;
  return unit;
}

std::size_t count_digits(std::string_view text) {
  const std::size_t end = text.find_first_not_of("0123456789");
  return end == std::string_view::npos ? text.size() : end;
}

tl::unexpected<Error> bad_size(std::string_view text, std::string_view why) {
  return fail(Errc::invalid, fmt::format("'{}' is not a size: {}; write for example \"100 GiB\"", text, why));
}

}  // namespace

Result<std::uint64_t> parse_size(std::string_view text) {
  std::string_view rest = text;
  const std::size_t whole_digits = count_digits(rest);
  if (whole_digits == 0) return bad_size(text, "it does not begin with a digit");
  std::uint64_t whole = 0;
  if (std::from_chars(rest.data(), rest.data() + whole_digits, whole).ec != std::errc()) {
    return bad_size(text, "the number is too large");
  }
  rest.remove_prefix(whole_digits);

  std::uint64_t decimals = 0;
  std::uint64_t scale = 1;
  if (!rest.empty() && rest.front() == '.') {
    rest.remove_prefix(1);
    const std::size_t digits = count_digits(rest);
    if (digits == 0 || digits > kMostDecimals)
      return bad_size(text, "one to three digits may follow the point");
    for (const char digit : rest.substr(0, digits)) {
      decimals = decimals * 10 + static_cast<std::uint64_t>(digit - '0');
      scale *= 10;
    }
    rest.remove_prefix(digits);
  }

  while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  const std::optional<std::uint64_t> unit = unit_named(rest);
  if (!unit)
    return bad_size(text,
                    fmt::format("'{}' is not a unit (B, KiB, MiB, GiB, TiB, PiB, kB, MB, GB, TB, PB)", rest));
  if (*unit == 1 && decimals != 0) return bad_size(text, "there are no parts of a byte");
  if (whole > kLargest / *unit) return bad_size(text, "it is larger than any file system");
  const std::uint64_t bytes = whole * *unit + decimals * *unit / scale;
  if (bytes > kLargest) return bad_size(text, "it is larger than any file system");
  return bytes;
}

std::string format_size(std::uint64_t bytes) {
  static constexpr std::array<std::string_view, 6> kUnits{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  constexpr std::uint64_t kStep = 1024;
  if (bytes < kStep) return fmt::format("{} B", bytes);
  std::uint64_t unit = kStep;
  std::size_t power = 0;
  for (;;) {
    const std::uint64_t tenths = (bytes % unit * 10 + unit / 2) / unit + bytes / unit * 10;
    // What would round to 1024.0 belongs to the next unit.
    if (tenths < kStep * 10 || power + 1 == kUnits.size()) {
      return tenths % 10 == 0 ? fmt::format("{} {}", tenths / 10, kUnits[power])
                              : fmt::format("{}.{} {}", tenths / 10, tenths % 10, kUnits[power]);
    }
    unit *= kStep;
    ++power;
  }
}

}  // namespace astrofs
