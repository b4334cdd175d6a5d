// One 80-letter card of a FITS header: written, and taken apart.
// Pure functions on text; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/archive.h"
#include "base/error.h"

namespace astrofs::fits {

inline constexpr std::size_t kCardSize = 80;
inline constexpr std::size_t kBlockSize = 2880;  ///< headers and data units are padded to this
inline constexpr std::size_t kCardsPerBlock = kBlockSize / kCardSize;

/// "NAXIS1", "COMMENT", "" for a blank card.
[[nodiscard]] std::string_view keyword_of(std::string_view card);

/// NAXIS12 is a numbered NAXIS.
[[nodiscard]] bool is_numbered(std::string_view keyword, std::string_view stem);

struct ValueAndComment {
  std::string_view value, comment;  ///< both without the blanks around them; value "" = none
};
/// Of a card with a value indicator ("= " in columns 9 and 10); nothing for the others.
[[nodiscard]] std::optional<ValueAndComment> split_card(std::string_view card);

/// The value of an integer card; nothing when it is none.
[[nodiscard]] std::optional<std::int64_t> integer_value(std::string_view card);

/// 80 letters in fixed format. COMMENT, HISTORY and the empty keyword take `comment` as their text. A comment
/// that is too long is cut; a keyword or value that is no FITS is refused.
[[nodiscard]] Result<std::string> format_card(const FitsCard& card);

/// The same for a string of any length: what one card does not hold goes into CONTINUE cards behind it.
[[nodiscard]] Result<std::string> format_long_card(const FitsCard& card);

/// HISTORY cards for a text of any length, broken at 72 letters.
[[nodiscard]] std::vector<std::string> history_cards(std::string_view text);

}  // namespace astrofs::fits
