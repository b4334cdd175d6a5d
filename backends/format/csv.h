// Comma-separated values (RFC 4180) as they stream by: the first row, then each other, of as many cells.
// Lines end with CRLF or LF; quoted cells may hold both. One thread at a time per reader.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace astrofs {

/// A cell that says the reader's word for NULL, without quotes, is nullopt. Valid during the call.
using CsvRow = std::span<const std::optional<std::string_view>>;

struct CsvTerms {
  std::string null{};           ///< Daiquiri writes NULL as this word; "" = no word means it
  std::size_t row{1ULL << 20};  ///< bytes of one row; the widest that are known have some hundred
  std::size_t cells{4096};      ///< of a row
};

class CsvReader {
 public:
  /// Of each row, that of the names too. An error ends the parse and is what feed() returns.
  using TakeRow = std::function<Result<void>(CsvRow)>;

  explicit CsvReader(TakeRow take, CsvTerms terms = {}) : take_(std::move(take)), terms_(std::move(terms)) {}

  /// The next piece, cut anywhere. Errors: corrupt (another number of cells than the first row has, text
  /// behind a closing quote), too_large, or the taker's; after one every call returns it again.
  [[nodiscard]] Result<void> feed(std::string_view piece);
  /// No more comes; how many rows there were, the first one too. corrupt: the text is cut off in a row.
  [[nodiscard]] Result<std::uint64_t> finish();

 private:
  enum class State : std::uint8_t { fresh, plain, quoted, after_quote, after_return };
  [[nodiscard]] Result<void> step(char c);
  [[nodiscard]] Result<void> end_cell();
  [[nodiscard]] Result<void> end_row();

  struct Cell {
    std::size_t begin, length;
    bool is_null;
  };
  const TakeRow take_;
  const CsvTerms terms_;
  State state_{State::fresh};
  bool was_quoted_{false};
  std::string text_;      ///< of the row so far
  std::size_t begin_{0};  ///< of the cell so far
  std::vector<Cell> cells_;
  std::vector<std::optional<std::string_view>> row_;
  std::optional<std::size_t> width_;
  std::uint64_t rows_{0};
  std::optional<Error> failed_;
};

/// Text that is in memory whole.
[[nodiscard]] Result<std::uint64_t> read_csv(std::string_view text, const CsvReader::TakeRow& take,
                                             CsvTerms terms = {});

/// Appends a cell, in quotes only where it must be.
void append_csv_cell(std::string& line, std::string_view cell);

}  // namespace astrofs
