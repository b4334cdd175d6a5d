// The cards of a DKIST dataset's frames as a table, read from its ASDF file as any program would read it.
// Nothing of the frames is fetched. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "backends/format/column_values.h"
#include "backends/format/dkist_dataset.h"
#include "base/error.h"

namespace astrofs {

struct TableColumn {
  std::string name;      ///< as the file writes it
  std::size_t width{8};  ///< bytes of a number, as DkistColumn has it
  ColumnValues values;
};

struct Table {
  std::vector<std::uint64_t> frames;  ///< of each row, counted from 0
  std::vector<TableColumn> columns;   ///< a value for each row

  [[nodiscard]] std::size_t rows() const { return frames.size(); }
};

/// The first column: the names of the frames' files.
inline constexpr const char* kFileColumn = "file";

class HeaderTable {
 public:
  /// `directory`: of a dataset, in a mount or on a disk. Errors: those of the file and its parsers, not_found
  /// (no ASDF file, no headers in it).
  [[nodiscard]] static Result<HeaderTable> open(const std::string& directory);

  [[nodiscard]] bool has(std::string_view column) const {
    return dataset_.headers().find(column).has_value();
  }
  /// Rows that `where` selects, as .select does ("" = all); names, and then these columns in this order (none
  /// = all). Errors: not_found (no such column; says which there are), invalid (`where`), those of the file.
  [[nodiscard]] Result<Table> select(const std::string& where, std::vector<std::string> columns) const;

 private:
  explicit HeaderTable(DkistDataset dataset) : dataset_(std::move(dataset)) {}
  [[nodiscard]] Result<std::vector<std::uint64_t>> frames(const std::string& where) const;

  DkistDataset dataset_;
};

}  // namespace astrofs
