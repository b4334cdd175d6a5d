// The rows of a VOTable as a file of their own: FITS, VOTable or CSV. Equal rows give equal bytes, whatever a
// service writes of the day beside them. The rows are read twice, for a FITS table has room for the longest
// text before it has the first. Pure; one thread at a time per object.
#pragma once

#include <bitset>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/format/fits_table.h"
#include "backends/format/query_file.h"
#include "backends/format/votable.h"
#include "base/error.h"

namespace astrofs {

/// How FITS has the values of a column.
[[nodiscard]] FitsType fits_type(const VoField& field);

/// What is to be known of a table before it is written.
class TableMeasure final : public VoTableHandler {
 public:
  struct Column {
    std::size_t longest{0};  ///< bytes of a cell
    bool has_null{false}, has_least{false}, is_ascii{true};
  };
  /// too_large: rows that would make a file beyond `most` bytes in any form.
  explicit TableMeasure(std::uint64_t most) : most_(most) {}

  Result<void> table(const VoTable& table) override;
  Result<void> row(VoRow cells) override;

  [[nodiscard]] const VoTable& told() const { return table_; }
  [[nodiscard]] const std::vector<Column>& columns() const { return columns_; }
  [[nodiscard]] std::uint64_t rows() const { return rows_; }

 private:
  std::uint64_t most_;
  VoTable table_;
  std::vector<Column> columns_;
  std::uint64_t rows_{0}, bytes_{0};
};

/// Where a table comes from: told in the file, where its form has a place for it.
struct TableOrigin {
  std::string service, query;
};

/// `read` shows the same rows once more. too_large: more than `most` bytes; unsupported: FITS has no such
/// table; corrupt: a cell that is no value of its column.
[[nodiscard]] Result<std::string> write_table(TableForm form, const TableMeasure& measure,
                                              const TableOrigin& origin, std::uint64_t most,
                                              const std::function<Result<VoOutcome>(VoTableHandler&)>& read);

}  // namespace astrofs
