// Numbers as text, all of it or none. Pure; any thread.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>

namespace astrofs {

/// The whole text is a number that T holds: no blanks, no sign but '-'.
template <class T>
[[nodiscard]] std::optional<T> number_in(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The same, but '+' may stand before it.
template <class T>
[[nodiscard]] std::optional<T> signed_number_in(std::string_view text) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  return number_in<T>(text);
}

}  // namespace astrofs
