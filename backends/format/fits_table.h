// A binary table as a conforming FITS file: an empty primary HDU and one BINTABLE, with sums. Cells come as
// text, as CSV and VOTable have them. Pure; one thread at a time per writer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace astrofs {

enum class FitsType : std::uint8_t { logical, int16, int32, int64, float32, float64, text };

struct FitsColumn {
  std::string name;
  FitsType type{FitsType::text};
  std::size_t width{1};   ///< letters of a text
  std::string unit, ucd;  ///< "" = none
};

class FitsTable {
 public:
  /// `name`: EXTNAME.
  FitsTable(std::string name, std::vector<FitsColumn> columns);

  /// One cell for each column; nullopt: integers their TNULL, the least there is, floats NaN, text none.
  /// Errc::corrupt: a cell that is no value of its column, or another number of them.
  [[nodiscard]] Result<void> add_row(std::span<const std::optional<std::string_view>> cells);
  /// The file. Equal rows give equal bytes.
  [[nodiscard]] std::string finish() &&;

 private:
  [[nodiscard]] Result<void> add_cell(const FitsColumn& column, std::optional<std::string_view> cell);

  const std::string name_;
  const std::vector<FitsColumn> columns_;
  std::string rows_;
  std::uint64_t count_{0};
};

}  // namespace astrofs
