// The cards of one HDU of a placeholder while they are gathered, and those that every placeholder carries.
// Pure; any thread. For the placeholder's own files alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/archive.h"
#include "base/error.h"
#include "fs/placeholder.h"

namespace astrofs {

/// Which cards go first when the size of the file leaves no room for all, the last first.
enum class CardRank : std::uint8_t {
  needed,    ///< structure and the marks of a placeholder
  told,      ///< what the frame's name tells, or a table of the archive
  kept,      ///< the sibling's: what holds for the detector and its mode
  pointing,  ///< the sibling's sky coordinates: a good guess. Frames without any are shorter by exactly these
};

struct RankedCard {
  CardRank rank;
  std::string text;  ///< 80 letters, or a string of 80 letters for each card that continues it
};

/// Writes the cards of one HDU in order; the first card that cannot be written is the result.
class HeaderDraft {
 public:
  void add(CardRank rank, const FitsCard& card);
  void add_text(CardRank rank, std::string text) { cards_.push_back({rank, std::move(text)}); }
  /// A card out of a table: a string of any length. Left out: what is NaN, no value, or no keyword.
  void add_told(CardRank rank, FitsCard card);
  [[nodiscard]] Result<std::vector<RankedCard>> take();

 private:
  std::vector<RankedCard> cards_;
  std::optional<Error> error_;
  bool is_continued_{false};
};

/// Cards that say how an HDU is built: a placeholder writes its own.
[[nodiscard]] bool is_structure(std::string_view keyword);
/// Cards in which a placeholder says that it is one, and its sums and blank pixels.
[[nodiscard]] bool is_ours(std::string_view keyword);
/// BZERO that makes signed integers unsigned. Readers that see it look no longer at BLANK, and would show a
/// number.
[[nodiscard]] bool is_unsigned_offset(std::string_view keyword, std::string_view value, int bitpix);

/// The marks of a placeholder, at the end of each of its headers.
void add_marks(HeaderDraft& draft, MissingCause cause, std::string_view file_name);

}  // namespace astrofs
