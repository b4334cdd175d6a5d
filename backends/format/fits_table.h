// A binary table as a conforming FITS file: an empty primary HDU and one BINTABLE, with sums. Cells come as
// text, as CSV and VOTable have them. Pure; one thread at a time per writer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/format/fits_checksum.h"
#include "base/error.h"

namespace astrofs {

/// What a reader of the file may want to know beside its rows: a keyword, and a text of any length.
using FitsNotes = std::vector<std::pair<std::string, std::string>>;

enum class FitsType : std::uint8_t { logical, int16, int32, int64, float32, float64, text };

struct FitsColumn {
  std::string name;
  FitsType type{FitsType::text};
  std::size_t width{1};                ///< letters of a text
  std::string unit{}, ucd{};           ///< "" = none
  std::size_t count{1};                ///< elements of a cell that is no text
  bool variable{false};                ///< each cell has a number of its own of them
  bool complex{false};                 ///< an element is two numbers: floats alone
  std::string dimensions{};            ///< "2,3" = TDIM; "" = none
  std::optional<std::int64_t> null{};  ///< of integers the value that means none; default: the least there is
  std::string description{};
  bool has_null{true};  ///< cells of integers may have no value. False: their least value is one
};

/// Of a column of integers the value that means none unless it says another; nullopt: it has no integers.
[[nodiscard]] std::optional<std::int64_t> default_null(FitsType type);

class FitsTable {
 public:
  /// `name`: EXTNAME.
  FitsTable(std::string name, std::vector<FitsColumn> columns, FitsNotes notes = {});

  /// One cell for each column; nullopt: integers their TNULL, floats NaN, text none. Elements of an array
  /// stand apart by one blank; numbers nearer to zero than their type holds are zero. Errc::corrupt: a cell
  /// that is no value of its column, or another number of them; internal: none where there was to be none.
  [[nodiscard]] Result<void> add_row(std::span<const std::optional<std::string_view>> cells);
  /// Bytes so far, without what fills up blocks.
  [[nodiscard]] std::size_t size() const { return file_.size() + heap_.size(); }
  /// The file. Equal rows give equal bytes.
  [[nodiscard]] std::string finish() &&;

 private:
  using Cell = std::optional<std::string_view>;
  [[nodiscard]] Result<void> add_cell(std::size_t column, Cell cell);
  [[nodiscard]] Result<std::uint64_t> add_array(const FitsColumn& column, std::string_view words,
                                                std::string& into);
  [[nodiscard]] std::string headers(std::uint64_t heap, fits::WordSum data) const;

  const std::string name_;
  const std::vector<FitsColumn> columns_;
  const FitsNotes notes_;
  std::vector<std::uint64_t> longest_;  ///< of each variable column, the elements of a cell
  std::string file_;                    ///< room for the headers, whose length is known, and the rows
  std::string heap_;                    ///< of variable columns
  const std::size_t data_;              ///< where the rows begin
  std::uint64_t count_{0};
};

}  // namespace astrofs
