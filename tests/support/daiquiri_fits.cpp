// Daiquiri's FITS: read by cfitsio, and full of what fitsverify complains about.
#include <fmt/format.h>

#include <charconv>
#include <cstring>
#include <limits>

#include "tests/support/daiquiri_documents.h"
#include "tests/support/fits_cards.h"

namespace astrofs::sim {
namespace {

constexpr std::size_t kPointLetters = 64;

/// Keywords and values as they come, not in the columns that the standard fixes.
void add_card(std::string& header, std::string_view keyword, std::string_view value,
              std::string_view comment = {}) {
  std::string card = fmt::format("{:<8}= {:>6}  {}{}", keyword, value, comment.empty() ? "" : "/ ", comment);
  card.resize(kCard, ' ');
  header += card;
}

std::string quoted(std::string_view text) {
  return fmt::format("'{:<8}'", text);
}

std::string ended(std::string header) {
  header += "END";
  header.resize(static_cast<std::size_t>(padded(header.size())), ' ');
  return header;
}

std::size_t width_of(const PlateColumn& column) {
  if (column.datatype == "short") return 2;
  if (column.datatype == "int" || column.datatype == "float") return 4;
  if (column.datatype == "long" || column.datatype == "double") return 8;
  return column.arraysize > 0 ? static_cast<std::size_t>(column.arraysize) : kPointLetters;
}

std::string form_of(const PlateColumn& column) {
  if (column.datatype == "short") return "I";
  if (column.datatype == "int") return "J";
  if (column.datatype == "long") return "K";
  if (column.datatype == "float") return "E";
  if (column.datatype == "double") return "D";
  return std::to_string(width_of(column)) + "A";
}

void put_big_endian(std::string& into, std::uint64_t bits, std::size_t bytes) {
  for (std::size_t i = bytes; i > 0; --i) into += static_cast<char>(bits >> (8 * (i - 1)) & 0xFF);
}

template <class Number>
Number number_of(const std::string& text) {
  Number value{};
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// What stands for NULL is the largest number.
void put_cell(std::string& into, const PlateColumn& column, const PlateCell& cell) {
  const std::size_t width = width_of(column);
  if (column.datatype == "float") {
    const float value = cell ? number_of<float>(*cell) : std::numeric_limits<float>::quiet_NaN();
    std::uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    put_big_endian(into, bits, width);
  } else if (column.datatype == "double") {
    const double value = cell ? number_of<double>(*cell) : std::numeric_limits<double>::quiet_NaN();
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    put_big_endian(into, bits, width);
  } else if (form_of(column).ends_with('A')) {
    std::string text = cell.value_or("");
    text.resize(width, '\0');
    into += text;
  } else {
    const std::uint64_t null = (std::uint64_t{1} << (8 * width - 1)) - 1;
    put_big_endian(into, cell ? static_cast<std::uint64_t>(number_of<std::int64_t>(*cell)) : null, width);
  }
}

}  // namespace

std::string daiquiri_fits(const QueryAnswer& answer) {
  std::string primary;
  add_card(primary, "SIMPLE", "T", "conforms to FITS standard");
  add_card(primary, "BITPIX", "8", "array data type");
  add_card(primary, "NAXIS", "1", "number of array dimensions");
  add_card(primary, "NAXIS1", "2880", "number of characters");
  add_card(primary, "EXTEND", "T");
  std::string logo = "DAIQUIRI";
  logo.resize(kFitsBlock, ' ');
  std::string header;
  std::size_t width = 0;
  for (const PlateColumn& column : answer.columns) width += width_of(column);
  add_card(header, "XTENSION", "'BINTABLE'", "binary table extension");
  add_card(header, "BITPIX", "8", "array data type");
  add_card(header, "NAXIS", "2", "number of array dimensions");
  add_card(header, "NAXIS1", std::to_string(width), "length of dimension 1");
  add_card(header, "NAXIS2", std::to_string(answer.rows.size()), "length of dimension 2");
  add_card(header, "PCOUNT", "0", "number of group parameters");
  add_card(header, "GCOUNT", "1", "number of groups");
  add_card(header, "TFIELDS", std::to_string(answer.columns.size()), "number of table fields");
  for (std::size_t i = 0; i < answer.columns.size(); ++i) {
    const PlateColumn& column = answer.columns[i];
    const std::string number = std::to_string(i + 1);
    add_card(header, "TTYPE" + number, quoted(column.name), "label for col " + number);
    add_card(header, "TFORM" + number, quoted(form_of(column)), "format for col " + number);
    if (form_of(column).find_first_of("IJK") == 0)
      add_card(header, "TNULL" + number,
               std::to_string((std::uint64_t{1} << (8 * width_of(column) - 1)) - 1));
    if (!column.unit.empty()) add_card(header, "TUNIT" + number, quoted(column.unit));
  }
  std::string data;
  for (const PlateRow& row : answer.rows) {
    for (std::size_t i = 0; i < row.size(); ++i) put_cell(data, answer.columns[i], row[i]);
  }
  data.resize(static_cast<std::size_t>(padded(data.size())), '\0');
  return ended(primary) + logo + ended(header) + data;
}

}  // namespace astrofs::sim
