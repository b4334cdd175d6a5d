// Choosing frames by the cards of their headers: `ATMOS_R0<0.15,stokes==I`. Text in, conditions out;
// conditions and columns in, frames out. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/format/column_values.h"
#include "backends/format/dkist_headers.h"
#include "base/error.h"

namespace astrofs {

enum class Comparison : std::uint8_t { less, less_equal, greater, greater_equal, equal, not_equal };

struct FrameCondition {
  std::string column;  ///< as written: case does not matter
  Comparison comparison{Comparison::equal};
  std::string value;  ///< without its quotes
  friend bool operator==(const FrameCondition&, const FrameCondition&) = default;
};

inline constexpr std::size_t kLongestSelection = 4'096;  ///< bytes; a name in a directory has 255
inline constexpr std::size_t kMostConditions = 64;       ///< one per three letters of such a name, nearly

/// CONDITION[,CONDITION]...: all of them must hold. A condition is COLUMN OPERATOR VALUE, with one of
/// < <= > >= == = !=, and blanks around each. A value with a comma, an operator or blanks at its ends stands
/// in ' or ", which are doubled inside. Errors: invalid (with what is wrong where), too_large.
[[nodiscard]] Result<std::vector<FrameCondition>> parse_frame_select(std::string_view text);

/// What is selected from.
struct FrameColumns {
  std::uint64_t rows{0};
  std::vector<DkistColumn> columns;
  std::function<Result<ColumnValues>(std::string_view name)> read;  ///< as many values as rows
};
/// `headers` outlives the result.
[[nodiscard]] FrameColumns columns_of(const DkistHeaders& headers);

/// The frames, in order, of which all conditions hold; each column is read once. A value that is missing or
/// no number satisfies no condition, != neither.
/// - Numbers compare as numbers. Truth values (T, F, true, false, 1, 0) are equal or not.
/// - A text compares letter by letter, unless both sides are times: then what is written is a period, of a
///   day, an hour, a minute, as far as it goes, and a frame lies before it, in it (==, <=, >=) or behind it.
/// - `stokes`, where there is no such column: I, Q, U, V are 1 to 4 along the axis n whose DTYPEn is STOKES.
/// Errors: not_found (no such column; names those that there are), invalid (a value that its column cannot
/// have), those of read.
[[nodiscard]] Result<std::vector<std::uint64_t>> select_frames(const std::vector<FrameCondition>& conditions,
                                                               const FrameColumns& from);

}  // namespace astrofs
