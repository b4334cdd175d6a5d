#include "fs/hdf5_curve.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <limits>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "backends/format/fits_layout.h"

namespace astrofs {
namespace {

/// A light curve has three or four HDUs; the table is the second.
constexpr unsigned kMostHdus = 64;
/// The standard's own bound.
constexpr std::int64_t kMostColumns = 999;

struct TableColumn {
  std::string name;
  char letter{0};
  std::uint64_t repeat{1};
  std::uint64_t offset{0};  ///< in a row
  bool scaled{false};
};

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

/// Bytes of one value; 0: no letter of the standard's. 'X' counts bits.
std::uint64_t width_of_letter(char letter) {
  switch (letter) {
    case 'L':
    case 'B':
    case 'A':
      return 1;
    case 'I':
      return 2;
    case 'J':
    case 'E':
      return 4;
    case 'K':
    case 'D':
    case 'C':
    case 'P':
      return 8;
    case 'M':
    case 'Q':
      return 16;
    default:
      return 0;
  }
}

/// "1D", "D", "25E": what its value takes in a row; nullopt: not a form.
std::optional<std::uint64_t> read_form(std::string_view form, TableColumn& column) {
  const char* const end = form.data() + form.size();
  const auto [letter, error] = std::from_chars(form.data(), end, column.repeat);
  if (error == std::errc::result_out_of_range || letter == end) return std::nullopt;
  column.letter = *letter;
  constexpr std::uint64_t kMostRepeat = 1ULL << 32;
  if (column.repeat > kMostRepeat) return std::nullopt;
  if (column.letter == 'X') return (column.repeat + 7) / 8;
  const std::uint64_t width = width_of_letter(column.letter);
  if (width == 0) return std::nullopt;
  return width * column.repeat;
}

Result<std::vector<TableColumn>> columns_of(const FitsHeader& header) {
  const auto count = card_int(header, "TFIELDS");
  if (!count || *count < 0 || *count > kMostColumns || header.axes.size() != 2)
    return fail(Errc::corrupt, "its table has no columns");
  std::vector<TableColumn> columns;
  std::uint64_t offset = 0;
  for (std::int64_t i = 1; i <= *count; ++i) {
    TableColumn column;
    column.name = card_string(header, fmt::format("TTYPE{}", i)).value_or("");
    column.offset = offset;
    const auto width = read_form(card_string(header, fmt::format("TFORM{}", i)).value_or(""), column);
    if (!width) return fail(Errc::corrupt, fmt::format("its table has no form of column {}", i));
    column.scaled = card_float(header, fmt::format("TSCAL{}", i)).value_or(1) != 1 ||
                    card_float(header, fmt::format("TZERO{}", i)).value_or(0) != 0;
    offset += *width;
    columns.push_back(std::move(column));
  }
  if (offset != header.axes[0])
    return fail(Errc::corrupt,
                fmt::format("the rows of its table have {} bytes and not {}", header.axes[0], offset));
  return columns;
}

struct Table {
  FitsHeader primary;
  FitsHeader header;
  std::span<const std::byte> data;
};

Result<Table> find_table(std::span<const std::byte> file) {
  Table table;
  std::uint64_t at = 0;
  for (unsigned hdu = 0; hdu < kMostHdus && at < file.size(); ++hdu) {
    const std::span<const std::byte> rest = file.subspan(static_cast<std::size_t>(at));
    Result<FitsHeader> header = parse_fits_header(rest);
    if (!header) return tl::unexpected<Error>(header.error());
    if (!header->complete) return fail(Errc::corrupt, "it ends inside of a header");
    const std::uint64_t size = rest.size();
    if (header->header_length > size || header->data_bytes > size - header->header_length)
      return fail(Errc::corrupt, "it ends inside of its data");
    if (header->xtension == "BINTABLE" && !header->tile_compressed) {
      table.data = rest.subspan(static_cast<std::size_t>(header->header_length),
                                static_cast<std::size_t>(header->data_bytes));
      table.header = std::move(*header);
      return table;
    }
    at += header->header_length + header->data_length;
    if (hdu == 0) table.primary = std::move(*header);
  }
  return fail(Errc::corrupt, "it has no table");
}

Result<StoredColumn> read_column(const Table& table, const std::vector<TableColumn>& columns,
                                 std::string_view name) {
  const auto column = std::find_if(columns.begin(), columns.end(),
                                   [&](const TableColumn& each) { return same_name(each.name, name); });
  if (column == columns.end()) return fail(Errc::unsupported, fmt::format("it has no column {}", name));
  constexpr std::string_view kNumbers = "BIJKED";
  if (column->repeat != 1 || column->scaled || kNumbers.find(column->letter) == std::string_view::npos)
    return fail(Errc::unsupported, fmt::format("its column {} is not one plain number in each row", name));
  StoredColumn out;
  out.form = static_cast<NumberForm>(column->letter);
  const std::size_t width = width_of(out.form);
  const auto row_bytes = static_cast<std::size_t>(table.header.axes[0]);
  const auto rows = static_cast<std::size_t>(table.header.axes[1]);
  out.values.resize(width * rows);
  for (std::size_t row = 0; row < rows; ++row) {
    const auto value = table.data.subspan(row * row_bytes + static_cast<std::size_t>(column->offset), width);
    std::copy(value.begin(), value.end(), out.values.begin() + static_cast<std::ptrdiff_t>(row * width));
  }
  return out;
}

}  // namespace

std::size_t width_of(NumberForm form) {
  return static_cast<std::size_t>(width_of_letter(static_cast<char>(form)));
}

Result<StoredCurve> read_curve(std::span<const std::byte> file, const Recipe& recipe) {
  const Result<Table> table = find_table(file);
  if (!table) return tl::unexpected<Error>(table.error());
  const auto columns = columns_of(table->header);
  if (!columns) return tl::unexpected<Error>(columns.error());
  // Both axes are at most what lies in memory: find_table() has compared them with the file.
  if (table->header.axes[0] * table->header.axes[1] > table->data.size())
    return fail(Errc::corrupt, "it ends inside of its table");
  StoredCurve curve;
  curve.rows = table->header.axes[1];
  for (const Recipe::Dataset& dataset : recipe.datasets) {
    if (dataset.from == Recipe::From::column) {
      Result<StoredColumn> column = read_column(*table, *columns, dataset.key);
      if (!column) return tl::unexpected<Error>(column.error());
      curve.columns.push_back(std::move(*column));
    } else if (dataset.from == Recipe::From::card) {
      auto value = card_float(table->header, dataset.key);
      if (!value) value = card_float(table->primary, dataset.key);
      curve.cards.push_back(value.value_or(std::numeric_limits<double>::quiet_NaN()));
    }
  }
  return curve;
}

}  // namespace astrofs
