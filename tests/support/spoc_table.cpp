#include "tests/support/spoc_table.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>

namespace astrofs::sim {
namespace {

void put_big_endian(std::string& into, std::uint64_t bits, unsigned bytes) {
  for (unsigned left = bytes; left > 0; --left) into += static_cast<char>(bits >> (8 * (left - 1)) & 0xFFU);
}

void put(std::string& into, char type, double value) {
  if (type == 'D') {
    put_big_endian(into, std::bit_cast<std::uint64_t>(value), 8);
  } else if (type == 'E') {
    put_big_endian(into, std::bit_cast<std::uint32_t>(static_cast<float>(value)), 4);
  } else {
    put_big_endian(into, static_cast<std::uint32_t>(static_cast<std::int32_t>(std::lround(value))), 4);
  }
}

std::string with_header(CardList structure, const CardList& cards, std::string data) {
  structure.append(cards);
  data.resize(static_cast<std::size_t>(padded(data.size())), '\0');
  return structure.finish(0, word_sum(data)) + data;
}

}  // namespace

std::uint64_t row_bytes(const std::vector<TableColumn>& columns) {
  std::uint64_t bytes = 0;
  for (const TableColumn& column : columns)
    bytes += std::uint64_t{column.count} * (column.type == 'D' ? 8 : 4);
  return bytes;
}

std::string table_hdu(const std::vector<TableColumn>& columns, std::uint64_t rows, const CardList& cards,
                      const CellValue& value) {
  CardList structure;
  structure.add_text("XTENSION", "BINTABLE", "marks the beginning of a new HDU");
  structure.add("BITPIX", "8");
  structure.add("NAXIS", "2");
  structure.add("NAXIS1", std::to_string(row_bytes(columns)), "length of first array dimension");
  structure.add("NAXIS2", std::to_string(rows), "length of second array dimension");
  structure.add("PCOUNT", "0");
  structure.add("GCOUNT", "1");
  structure.add("TFIELDS", std::to_string(columns.size()), "number of table fields");
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const TableColumn& column = columns[i];
    const std::string number = std::to_string(i + 1);
    structure.add_text("TTYPE" + number, column.name);
    structure.add_text("TFORM" + number,
                       (column.count == 1 ? "" : std::to_string(column.count)) + column.type);
    if (!column.unit.empty()) structure.add_text("TUNIT" + number, column.unit);
    if (!column.display.empty()) structure.add_text("TDISP" + number, column.display);
    if (!column.dimensions.empty()) structure.add_text("TDIM" + number, column.dimensions);
    if (!column.null.empty()) structure.add("TNULL" + number, column.null);
  }
  std::string data;
  data.reserve(static_cast<std::size_t>(rows * row_bytes(columns)));
  for (std::uint64_t row = 0; row < rows; ++row) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      for (std::uint32_t element = 0; element < columns[i].count; ++element)
        put(data, columns[i].type, value(i, row, element));
    }
  }
  return with_header(std::move(structure), cards, std::move(data));
}

std::string integer_image_hdu(std::uint32_t width, std::uint32_t height, const CardList& cards,
                              const std::function<std::int32_t(std::uint32_t)>& value) {
  CardList structure;
  structure.add_text("XTENSION", "IMAGE", "marks the beginning of a new HDU");
  structure.add("BITPIX", "32");
  structure.add("NAXIS", "2");
  structure.add("NAXIS1", std::to_string(width));
  structure.add("NAXIS2", std::to_string(height));
  structure.add("PCOUNT", "0");
  structure.add("GCOUNT", "1");
  std::string data;
  for (std::uint32_t pixel = 0; pixel < width * height; ++pixel) put(data, 'J', value(pixel));
  return with_header(std::move(structure), cards, std::move(data));
}

}  // namespace astrofs::sim
