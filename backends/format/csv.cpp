#include "backends/format/csv.h"

#include <fmt/format.h>

namespace astrofs {

Result<void> CsvReader::end_cell() {
  const std::string_view cell = std::string_view(text_).substr(begin_);
  cells_.push_back({begin_, cell.size(), !was_quoted_ && !terms_.null.empty() && cell == terms_.null});
  begin_ = text_.size();
  was_quoted_ = false;
  state_ = State::fresh;
  if (cells_.size() > terms_.cells) return fail(Errc::too_large, "a row of too many cells");
  return {};
}

Result<void> CsvReader::end_row() {
  if (auto ended = end_cell(); !ended) return ended;
  if (!width_) width_ = cells_.size();
  if (cells_.size() != *width_)
    return fail(Errc::corrupt,
                fmt::format("row {} has {} cells where the first has {}", rows_ + 1, cells_.size(), *width_));
  row_.clear();
  for (const Cell& cell : cells_) {
    if (cell.is_null)
      row_.emplace_back(std::nullopt);
    else
      row_.emplace_back(std::string_view(text_).substr(cell.begin, cell.length));
  }
  ++rows_;
  auto taken = take_(row_);
  text_.clear();
  cells_.clear();
  begin_ = 0;
  return taken;
}

Result<void> CsvReader::step(char c) {
  if (state_ == State::quoted) {
    if (c == '"')
      state_ = State::after_quote;
    else
      text_ += c;
    return {};
  }
  if (state_ == State::after_return) {
    if (c == '\n') return end_row();
    return fail(Errc::corrupt, "a carriage return within a row");
  }
  if (c == ',') return end_cell();
  if (c == '\n') return end_row();
  if (c == '\r') {
    state_ = State::after_return;
    return {};
  }
  if (state_ == State::after_quote) {
    if (c != '"') return fail(Errc::corrupt, "text behind a closing quote");
    text_ += c;  // a doubled quote is one of the text
    state_ = State::quoted;
    return {};
  }
  if (state_ == State::fresh && c == '"') {
    was_quoted_ = true;
    state_ = State::quoted;
    return {};
  }
  text_ += c;
  state_ = State::plain;
  return {};
}

Result<void> CsvReader::feed(std::string_view piece) {
  if (failed_) return tl::unexpected<Error>(*failed_);
  Result<void> result;
  for (const char c : piece) {
    result = step(c);
    if (result && text_.size() > terms_.row) result = fail(Errc::too_large, "a row is too long");
    if (!result) break;
  }
  if (!result) failed_ = result.error();
  return result;
}

Result<std::uint64_t> CsvReader::finish() {
  if (!failed_ && (state_ != State::fresh || !cells_.empty()))
    failed_ = Error{Errc::corrupt, "the text is cut off in a row"};
  if (failed_) return tl::unexpected<Error>(*failed_);
  return rows_;
}

Result<std::uint64_t> read_csv(std::string_view text, const CsvReader::TakeRow& take, CsvTerms terms) {
  CsvReader reader(take, std::move(terms));
  if (auto fed = reader.feed(text); !fed) return tl::unexpected<Error>(fed.error());
  return reader.finish();
}

void append_csv_cell(std::string& line, std::string_view cell) {
  if (cell.find_first_of("\",\r\n") == std::string_view::npos) {
    line += cell;
    return;
  }
  line += '"';
  for (const char c : cell) {
    if (c == '"') line += '"';
    line += c;
  }
  line += '"';
}

}  // namespace astrofs
