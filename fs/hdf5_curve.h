// A light curve out of a FITS file in memory, as a recipe wants it: values of columns as the file has them,
// in its big-endian order, and numbers of cards. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "backends/recipe.h"
#include "base/error.h"

namespace astrofs {

/// The letters of TFORM that are numbers.
enum class NumberForm : char { u1 = 'B', i2 = 'I', i4 = 'J', i8 = 'K', f4 = 'E', f8 = 'D' };
[[nodiscard]] std::size_t width_of(NumberForm form);

struct StoredColumn {
  NumberForm form{NumberForm::f8};
  std::vector<std::byte> values;  ///< big-endian, one for each row
};

struct StoredCurve {
  std::uint64_t rows{0};
  std::vector<StoredColumn> columns;  ///< of the recipe's datasets that are columns, in their order
  std::vector<double> cards;          ///< of those that are cards
};

/// Errors: corrupt (no FITS file, no table in it, or one that ends early), unsupported (a column that is
/// wanted is not there, or is not one plain number for each row).
[[nodiscard]] Result<StoredCurve> read_curve(std::span<const std::byte> file, const Recipe& recipe);

}  // namespace astrofs
