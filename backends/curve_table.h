// Light curves and target pixel files that are lost: the columns that SPOC writes, and a table of any
// columns, without rows where nobody tells how many. For the shapes of archives; pure; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/archive.h"

namespace astrofs {

struct CurveColumn {
  std::string name;
  char type{'E'};                     ///< of FITS: D, E, J or I
  std::uint64_t width{1}, height{1};  ///< cells in a row
  std::string_view unit{};
  std::string_view display{"E14.7"};  ///< TDISP; "" = none
};

/// Pixels of a stamp each way: of all but bright stars.
inline constexpr std::uint64_t kStampSide = 11;

/// Of SPOC's light curves, and of its target pixel files.
[[nodiscard]] const std::vector<CurveColumn>& light_curve_columns();
[[nodiscard]] std::vector<CurveColumn> pixel_columns(std::uint64_t width, std::uint64_t height);

/// 'text', as a card has it.
[[nodiscard]] std::string quoted_value(std::string_view text);

/// A table of so many rows; 0: of as many as the file's size has room for. Cells of integers are -1: a
/// cadence that no real file has, and all bits of a quality.
[[nodiscard]] HduShape curve_table(std::span<const CurveColumn> columns, std::vector<FitsCard> cards,
                                   std::uint64_t rows = 0);

}  // namespace astrofs
