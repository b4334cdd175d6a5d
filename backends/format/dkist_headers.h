// The header tables of a DKIST dataset: one row of FITS cards for each frame, columns in blocks of their own.
// Nothing is kept in memory but where the columns lie. Any thread, as often at once as the file's ReadAt
// allows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/format/asdf_array.h"
#include "backends/format/asdf_blocks.h"
#include "backends/format/column_values.h"
#include "backends/format/yaml_tree.h"
#include "base/error.h"

namespace astrofs {

struct DkistColumn {
  std::string name;  ///< as written; mostly FITS keywords, but COMMENT and the like may be here too
  ColumnType type{ColumnType::text};
  std::size_t width{
      8};  ///< bytes of a signed number that holds any of the file's; without a meaning for others
};

/// A card of a header: `TAZIMUTH= -31.2`.
struct HeaderCard {
  std::string name;
  CellValue value;
};

class DkistHeaders {
 public:
  explicit DkistHeaders(std::shared_ptr<const AsdfBlocks> blocks) : blocks_(std::move(blocks)) {}

  // Made by dkist_dataset, before others see it.

  /// A table of astropy: its number, for add_frames(). Columns that are no plain list (arrays, objects) are
  /// left out, and so are those of another length than most. Errors: too_large, those of AsdfBlocks.
  [[nodiscard]] Result<std::size_t> add_table(const YamlNode& table);
  [[nodiscard]] std::uint64_t rows_of(std::size_t table) const { return tables_[table].rows; }
  /// The next frames have these rows. False: the table has no such rows.
  bool add_frames(std::size_t table, std::uint64_t first_row, std::uint64_t count);
  /// The next frames have no header.
  void add_frames_without(std::uint64_t count);

  /// Frames; row i is that of frame i.
  [[nodiscard]] std::uint64_t rows() const { return parts_.empty() ? 0 : parts_.back().end; }
  /// In the order of the file.
  [[nodiscard]] const std::vector<DkistColumn>& columns() const { return columns_; }
  [[nodiscard]] std::optional<std::size_t> find(
      std::string_view name) const;  ///< upper and lower case are one

  /// One value for each frame; missing where a frame has no such card. Reads that column's blocks, each once.
  /// Errors: not_found (with the names of all columns), corrupt, too_large, those of the file.
  [[nodiscard]] Result<ColumnValues> column(std::string_view name) const;

  /// The cards of a frame, in the order of the columns, without those that are missing or no number (FITS has
  /// none). It reads one value out of each column's block: 254 reads of some bytes, 20 KB. One pass over the
  /// table would be 28 MB for a frame, and keeping it 28 MB for as long as the dataset is mounted, while the
  /// small reads come from pages that are in memory after the first frame. Where blocks are compressed, which
  /// no DKIST file does, each value costs its column. The MD5 of a block is compared by column() alone.
  [[nodiscard]] Result<std::vector<HeaderCard>> row(std::uint64_t i) const;

 private:
  struct Table {
    std::uint64_t rows{0};
    std::vector<std::optional<AsdfArray>> arrays;  ///< as columns_; may be shorter
  };
  struct Part {
    std::optional<std::size_t> table;
    std::uint64_t first_row;
    std::uint64_t begin, end;  ///< frames
  };
  std::size_t column_number(std::string_view name, const AsdfArray& array);
  [[nodiscard]] Result<ColumnValues> part_of_column(const Part& part, std::size_t column) const;

  std::shared_ptr<const AsdfBlocks> blocks_;
  std::vector<DkistColumn> columns_;
  std::map<std::string, std::size_t, std::less<>> numbers_;  ///< of columns_, by name in upper case
  std::vector<Table> tables_;
  std::vector<Part> parts_;
  std::size_t arrays_{0};  ///< of all tables
};

}  // namespace astrofs
