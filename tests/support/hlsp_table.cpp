#include "tests/support/hlsp_table.h"

#include <fmt/format.h>

#include <bit>

namespace astrofs::sim {
namespace {

int width_of(char form) {
  return form == 'D' ? 8 : form == 'I' ? 2 : 4;
}

}  // namespace

void append_value(std::string& out, char form, double value) {
  switch (form) {
    case 'D':
      return append_big_endian(out, std::bit_cast<std::uint64_t>(value));
    case 'E':
      return append_big_endian(out, std::bit_cast<std::uint32_t>(static_cast<float>(value)));
    case 'J':
      return append_big_endian(out, static_cast<std::uint32_t>(static_cast<std::int32_t>(value)));
    default:
      return append_big_endian(out, static_cast<std::uint16_t>(static_cast<std::int16_t>(value)));
  }
}

std::string table_data(const std::vector<FitsColumn>& columns, int rows) {
  std::string data;
  for (int row = 0; row < rows; ++row) {
    for (const FitsColumn& column : columns) append_value(data, column.form, column.value(row));
  }
  data.resize(static_cast<std::size_t>(padded(data.size())), '\0');
  return data;
}

CardList table_cards(const std::vector<FitsColumn>& columns, int rows, std::string_view name) {
  int width = 0;
  for (const FitsColumn& column : columns) width += width_of(column.form);
  CardList cards;
  cards.add_text("XTENSION", "BINTABLE", "binary table extension");
  cards.add("BITPIX", "8", "array data type");
  cards.add("NAXIS", "2", "number of array dimensions");
  cards.add("NAXIS1", std::to_string(width), "length of dimension 1");
  cards.add("NAXIS2", std::to_string(rows), "length of dimension 2");
  cards.add("PCOUNT", "0", "number of group parameters");
  cards.add("GCOUNT", "1", "number of groups");
  cards.add("TFIELDS", std::to_string(columns.size()), "number of table fields");
  for (std::size_t i = 0; i < columns.size(); ++i) {
    cards.add_text(fmt::format("TTYPE{}", i + 1), columns[i].name);
    cards.add_text(fmt::format("TFORM{}", i + 1), std::string(1, columns[i].form));
    if (!columns[i].unit.empty()) cards.add_text(fmt::format("TUNIT{}", i + 1), columns[i].unit);
  }
  cards.add_text("EXTNAME", name, "name of extension");
  return cards;
}

}  // namespace astrofs::sim
