// Characters in UTF-8. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace astrofs {

/// A code that is no character is written as U+FFFD.
void append_utf8(std::string& out, std::uint32_t code);

/// Takes the first character away and returns it; nullopt, and nothing is taken, where it is no UTF-8: cut
/// off, longer than need be, a surrogate, above U+10FFFF.
[[nodiscard]] std::optional<std::uint32_t> take_utf8(std::string_view& text);

}  // namespace astrofs
