// Values of a table's column, of one type, some of which may be missing. Plain data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace astrofs {

/// In the order of the alternatives of ColumnValues::values and CellValue.
enum class ColumnType : std::uint8_t { integer, real, boolean, text };

using CellValue = std::variant<std::int64_t, double, bool, std::string>;

struct ColumnValues {
  std::variant<std::vector<std::int64_t>, std::vector<double>, std::vector<bool>, std::vector<std::string>>
      values;
  std::vector<bool> missing;  ///< of each value: there is none. As long as the values

  [[nodiscard]] ColumnType type() const { return static_cast<ColumnType>(values.index()); }
  [[nodiscard]] std::size_t size() const { return missing.size(); }
  [[nodiscard]] CellValue at(std::size_t i) const;
  /// The values of `more` behind these. False: another type, and nothing was done.
  bool append(const ColumnValues& more);
  /// Values that are all missing.
  [[nodiscard]] static ColumnValues nothing(ColumnType type, std::size_t count);
};

}  // namespace astrofs
