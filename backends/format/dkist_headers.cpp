#include "backends/format/dkist_headers.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace astrofs {
namespace {

constexpr std::size_t kMostArrays = 400'000;  // 60 MB of places; 100 tiles of 254 columns are 25,400

std::string upper(std::string_view name) {
  std::string out(name);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return out;
}

/// astropy may wrap a column's values, with their unit or in another frame of time.
YamlNode values_node(const YamlNode& column) {
  const YamlNode data = column["data"];
  return data ? data : column["value"];
}

bool is_number(const CellValue& value) {
  const auto* real = std::get_if<double>(&value);
  return real == nullptr || std::isfinite(*real);
}

/// An unsigned number needs the next larger one to have a sign.
std::size_t signed_width(const AsdfArray& array) {
  const bool grows = array.element == AsdfArray::Element::unsigned_integer;
  return grows ? std::min(2 * array.width, sizeof(std::int64_t)) : array.width;
}

/// Integers of one tile beside floats of another.
ColumnValues as_real(const ColumnValues& integers) {
  const auto& from = std::get<std::vector<std::int64_t>>(integers.values);
  ColumnValues out;
  out.values = std::vector<double>(from.begin(), from.end());
  out.missing = integers.missing;
  return out;
}

}  // namespace

Result<std::size_t> DkistHeaders::add_table(const YamlNode& table) {
  const YamlNode list = table["columns"];
  struct Found {
    std::string_view name;
    AsdfArray array;
    std::uint64_t rows;
  };
  std::vector<Found> found;
  std::map<std::uint64_t, std::size_t> lengths;
  if (list.size() > kMostArrays - arrays_) return fail(Errc::too_large, "a dataset with too many columns");
  arrays_ += list.size();
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto array = parse_asdf_array(values_node(list.at(i)));
    if (!array && array.error().code == Errc::too_large) return tl::unexpected(std::move(array.error()));
    const std::string_view name = list.at(i)["name"].text();
    if (!array || name.empty()) continue;
    const auto rows = asdf_rows(*blocks_, *array);
    if (!rows) return tl::unexpected(rows.error());
    ++lengths[*rows];
    found.push_back({name, std::move(*array), *rows});
  }
  Table made;
  const auto most = std::max_element(lengths.begin(), lengths.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  if (most != lengths.end()) made.rows = most->first;
  for (Found& column : found) {
    if (column.rows != made.rows) continue;
    const std::size_t number = column_number(column.name, column.array);
    if (made.arrays.size() <= number) made.arrays.resize(number + 1);
    if (!made.arrays[number]) made.arrays[number] = std::move(column.array);
  }
  tables_.push_back(std::move(made));
  return tables_.size() - 1;
}

/// A column that has whole numbers in one tile and others in the next has the type of the others.
std::size_t DkistHeaders::column_number(std::string_view name, const AsdfArray& array) {
  const auto [at, is_new] = numbers_.emplace(upper(name), columns_.size());
  if (is_new) {
    columns_.push_back({std::string(name), array.type(), signed_width(array)});
    return at->second;
  }
  DkistColumn& known = columns_[at->second];
  known.width = known.type == array.type() ? std::max(known.width, signed_width(array)) : sizeof(double);
  if (known.type == ColumnType::integer && array.type() == ColumnType::real) known.type = ColumnType::real;
  return at->second;
}

bool DkistHeaders::add_frames(std::size_t table, std::uint64_t first_row, std::uint64_t count) {
  const std::uint64_t most = tables_[table].rows;
  if (first_row > most || count > most - first_row) return false;
  if (count > 0) parts_.push_back({table, first_row, rows(), rows() + count});
  return true;
}

void DkistHeaders::add_frames_without(std::uint64_t count) {
  if (count > 0) parts_.push_back({std::nullopt, 0, rows(), rows() + count});
}

std::optional<std::size_t> DkistHeaders::find(std::string_view name) const {
  const auto at = numbers_.find(upper(name));
  return at == numbers_.end() ? std::nullopt : std::optional(at->second);
}

Result<ColumnValues> DkistHeaders::part_of_column(const Part& part, std::size_t column) const {
  const ColumnType type = columns_[column].type;
  const std::uint64_t count = part.end - part.begin;
  const Table* table = part.table ? &tables_[*part.table] : nullptr;
  if (table == nullptr || column >= table->arrays.size() || !table->arrays[column]) {
    return ColumnValues::nothing(type, count);
  }
  auto values = read_asdf_values(*blocks_, *table->arrays[column], part.first_row, count);
  if (values && type == ColumnType::real && values->type() == ColumnType::integer) return as_real(*values);
  return values;
}

Result<ColumnValues> DkistHeaders::column(std::string_view name) const {
  const auto number = find(name);
  if (!number) {
    std::string names;
    for (const DkistColumn& column : columns_) names += (names.empty() ? "" : " ") + column.name;
    return fail(Errc::not_found, "no column " + std::string(name) + "; there are: " + names);
  }
  ColumnValues out = ColumnValues::nothing(columns_[*number].type, 0);
  for (const Part& part : parts_) {
    auto values = part_of_column(part, *number);
    if (!values) return values;
    if (!out.append(*values)) {
      return fail(Errc::unsupported, "the column " + std::string(name) + " has another type in another tile");
    }
  }
  return out;
}

Result<std::vector<HeaderCard>> DkistHeaders::row(std::uint64_t i) const {
  const auto part = std::upper_bound(parts_.begin(), parts_.end(), i,
                                     [](std::uint64_t frame, const Part& p) { return frame < p.end; });
  std::vector<HeaderCard> cards;
  if (part == parts_.end() || !part->table) return cards;
  const Table& table = tables_[*part->table];
  for (std::size_t column = 0; column < table.arrays.size(); ++column) {
    if (!table.arrays[column]) continue;
    const auto value =
        read_asdf_values(*blocks_, *table.arrays[column], part->first_row + (i - part->begin), 1);
    if (!value) return tl::unexpected(value.error());
    if (value->missing[0]) continue;
    CellValue cell = value->at(0);
    if (is_number(cell)) cards.push_back({columns_[column].name, std::move(cell)});
  }
  return cards;
}

}  // namespace astrofs
