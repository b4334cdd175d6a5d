#include "backends/format/fits_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <limits>

#include "backends/format/fits_checksum.h"
#include "backends/format/numbers.h"

namespace astrofs {
namespace {

constexpr std::size_t kCard = 80;
constexpr std::size_t kBlock = 2880;
/// A string in a card has at most this between its quotes.
constexpr std::size_t kLongestText = 68;
constexpr std::string_view kUnsummed = "0000000000000000";

std::size_t width_of(const FitsColumn& column) {
  switch (column.type) {
    case FitsType::logical:
      return 1;
    case FitsType::int16:
      return 2;
    case FitsType::int32:
    case FitsType::float32:
      return 4;
    case FitsType::int64:
    case FitsType::float64:
      return 8;
    case FitsType::text:
      break;
  }
  return std::max<std::size_t>(column.width, 1);
}

std::string form_of(const FitsColumn& column) {
  constexpr std::string_view kLetters = "LIJKED";
  if (column.type == FitsType::text) return fmt::format("{}A", width_of(column));
  return std::string(1, kLetters[static_cast<std::size_t>(column.type)]);
}

std::optional<std::int64_t> null_of(FitsType type) {
  switch (type) {
    case FitsType::int16:
      return std::numeric_limits<std::int16_t>::min();
    case FitsType::int32:
      return std::numeric_limits<std::int32_t>::min();
    case FitsType::int64:
      return std::numeric_limits<std::int64_t>::min();
    default:
      return std::nullopt;
  }
}

/// In fixed format: the value of a number ends in column 30.
void add_card(std::string& header, std::string_view keyword, std::string_view value,
              std::string_view comment = {}) {
  std::string card = fmt::format("{:<8}= {:>20}", keyword, value);
  if (!comment.empty()) card += fmt::format(" / {}", comment);
  card.resize(kCard, ' ');
  header += card;
}

/// A stranger's text: what no card holds is a question mark, what is too long is cut.
std::string quoted(std::string_view text) {
  std::string inside;
  for (const char c : text) {
    const std::string letter = c == '\'' ? "''" : std::string(1, c >= ' ' && c <= '~' ? c : '?');
    if (inside.size() + letter.size() > kLongestText) break;
    inside += letter;
  }
  return fmt::format("{:<20}", fmt::format("'{:<8}'", inside));
}

/// Header of an HDU whose data have this sum, with both sums in it.
std::string summed(std::string header, fits::WordSum data) {
  add_card(header, "CHECKSUM", quoted(kUnsummed), "HDU checksum");
  add_card(header, "DATASUM", quoted(std::to_string(data.value())), "data unit checksum");
  header += "END";
  header.resize((header.size() + kBlock - 1) / kBlock * kBlock, ' ');
  fits::WordSum all = data;
  all.add(std::string_view(header));
  const std::string sum = fits::encode_checksum(all);
  return header.replace(header.find(kUnsummed), kUnsummed.size(), sum);
}

template <class Bits>
void put(std::string& into, Bits bits) {
  for (std::size_t i = sizeof bits; i > 0; --i) into += static_cast<char>(bits >> (8 * (i - 1)) & 0xFF);
}

void put_integer(std::string& into, FitsType type, std::int64_t value) {
  if (type == FitsType::int16) return put(into, static_cast<std::uint16_t>(value));
  if (type == FitsType::int32) return put(into, static_cast<std::uint32_t>(value));
  put(into, static_cast<std::uint64_t>(value));
}

bool holds(FitsType type, std::int64_t value) {
  if (type == FitsType::int16) return value == static_cast<std::int16_t>(value);
  return type == FitsType::int64 || value == static_cast<std::int32_t>(value);
}

}  // namespace

FitsTable::FitsTable(std::string name, std::vector<FitsColumn> columns)
    : name_(std::move(name)), columns_(std::move(columns)) {}

Result<void> FitsTable::add_cell(const FitsColumn& column, std::optional<std::string_view> cell) {
  const auto wrong = [&] {
    return fail(Errc::corrupt, fmt::format("\"{}\" is no value of the column {}", *cell, column.name));
  };
  // An empty text is a value of no number.
  if (cell && cell->empty() && column.type != FitsType::text) cell.reset();
  switch (column.type) {
    case FitsType::logical:
      if (cell && cell->find_first_not_of("tTfFruealsRUEALS") != std::string_view::npos) return wrong();
      rows_ += !cell ? '\0' : cell->front() == 't' || cell->front() == 'T' ? 'T' : 'F';
      return {};
    case FitsType::float32: {
      const auto value = cell ? number_in<float>(*cell) : std::numeric_limits<float>::quiet_NaN();
      if (!value) return wrong();
      put(rows_, std::bit_cast<std::uint32_t>(*value));
      return {};
    }
    case FitsType::float64: {
      const auto value = cell ? number_in<double>(*cell) : std::numeric_limits<double>::quiet_NaN();
      if (!value) return wrong();
      put(rows_, std::bit_cast<std::uint64_t>(*value));
      return {};
    }
    case FitsType::text: {
      const std::string_view text = cell.value_or("");
      if (text.size() > width_of(column)) return wrong();
      for (const char c : text) rows_ += c >= ' ' && c <= '~' ? c : '?';
      rows_.append(width_of(column) - text.size(), '\0');  // blanks would be taken for its own
      return {};
    }
    default: {
      const auto value = cell ? number_in<std::int64_t>(*cell) : null_of(column.type);
      if (!value || !holds(column.type, *value)) return wrong();
      put_integer(rows_, column.type, *value);
      return {};
    }
  }
}

Result<void> FitsTable::add_row(std::span<const std::optional<std::string_view>> cells) {
  if (cells.size() != columns_.size())
    return fail(Errc::corrupt,
                fmt::format("a row of {} cells in a table of {}", cells.size(), columns_.size()));
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (auto added = add_cell(columns_[i], cells[i]); !added) return added;
  }
  ++count_;
  return {};
}

std::string FitsTable::finish() && {
  std::string primary;
  add_card(primary, "SIMPLE", "T", "conforms to FITS standard");
  add_card(primary, "BITPIX", "8");
  add_card(primary, "NAXIS", "0");
  add_card(primary, "EXTEND", "T");
  std::string header;
  std::size_t width = 0;
  for (const FitsColumn& column : columns_) width += width_of(column);
  add_card(header, "XTENSION", quoted("BINTABLE"), "binary table");
  add_card(header, "BITPIX", "8");
  add_card(header, "NAXIS", "2");
  add_card(header, "NAXIS1", std::to_string(width), "bytes of a row");
  add_card(header, "NAXIS2", std::to_string(count_), "rows");
  add_card(header, "PCOUNT", "0");
  add_card(header, "GCOUNT", "1");
  add_card(header, "TFIELDS", std::to_string(columns_.size()), "columns");
  add_card(header, "EXTNAME", quoted(name_));
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const FitsColumn& column = columns_[i];
    const auto key = [i](std::string_view stem) { return fmt::format("{}{}", stem, i + 1); };
    add_card(header, key("TTYPE"), quoted(column.name));
    add_card(header, key("TFORM"), quoted(form_of(column)));
    if (const auto null = null_of(column.type)) add_card(header, key("TNULL"), std::to_string(*null));
    if (!column.unit.empty()) add_card(header, key("TUNIT"), quoted(column.unit));
    if (!column.ucd.empty()) add_card(header, key("TUCD"), quoted(column.ucd));
  }
  rows_.resize((rows_.size() + kBlock - 1) / kBlock * kBlock, '\0');
  fits::WordSum data;
  data.add(std::string_view(rows_));
  std::string file = summed(std::move(primary), {}) + summed(std::move(header), data);
  file.reserve(file.size() + rows_.size());
  return file += rows_;
}

}  // namespace astrofs
