// Answers of MAST's portal API (api/v0/invoke, format json): text in, a table out. Keys come in any order,
// any cell may be null, a number may come as a string. Pure; any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace astrofs::mast {

/// As the answer writes it, but a string's quotes and escapes; nullopt: null.
using Cell = std::optional<std::string>;

struct Table {
  std::vector<std::string> columns;     ///< in the order of the answer's `fields`
  std::vector<std::vector<Cell>> rows;  ///< each as long as `columns`

  /// Place of a column, however its letters are cased: "obsid" is "obsID" elsewhere.
  [[nodiscard]] std::optional<std::size_t> column(std::string_view name) const;
  /// A cell's text; "" for null, for no such row, and for a column (see above) that is not there.
  [[nodiscard]] std::string_view text(std::size_t row, std::optional<std::size_t> column) const;
};

struct Answer {
  bool complete{false};  ///< false: EXECUTING; the same is to be asked again, and the table is not there yet
  Table table;
  std::size_t pages{1};  ///< how many there are with these filters
};

/// Errors: unavailable (MAST says ERROR, or nothing at all), corrupt (not JSON, cut off, no such answer),
/// too_large.
[[nodiscard]] Result<Answer> parse_answer(std::string_view json);

/// RFC 4180 with a line feed behind each row; null is an empty field. What the portal marks for its own page
/// ("_selected_") is left out.
[[nodiscard]] std::string to_csv(const Table& table);

}  // namespace astrofs::mast
