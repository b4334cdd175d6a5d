#include "tests/support/dkist_asdf.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "tests/support/asdf_writer.h"

namespace astrofs::sim {
namespace {

/// The versions of tags that were written together.
struct Tags {
  std::string_view library, extension, dataset, files, table, column, array;
};
constexpr Tags kNew{"5.4.0", "1.7.0", "1.3.0", "1.1.0", "1.3.0", "1.2.0", "1.1.0"};
constexpr Tags kOld{"2.15.0", "1.2.0", "1.2.0", "1.0.0", "1.0.0", "1.0.0", "1.0.0"};

/// One column of the header table, over all rows.
struct Column {
  std::string name;
  std::size_t kind{0};               ///< index in Field of the values that are there
  std::string raw;                   ///< numbers little-endian; texts one after the other
  std::vector<std::uint16_t> sizes;  ///< of the texts
  std::string mask;                  ///< one byte per row
};

void append_little_endian(std::string& out, std::uint64_t word, std::size_t bytes) {
  for (std::size_t byte = 0; byte < bytes; ++byte) out += static_cast<char>(word >> (8 * byte));
}

/// What is masked still has a value. It is zero: whoever overlooks the mask finds the best seeing there.
void append(Column& column, const Field& field) {
  const bool missing = std::holds_alternative<std::monostate>(field);
  column.mask += missing ? '\1' : '\0';
  if (!missing) column.kind = field.index();
  if (const auto* truth = std::get_if<bool>(&field)) {
    column.raw += *truth ? '\1' : '\0';
  } else if (const auto* text = std::get_if<std::string>(&field)) {
    column.raw += *text;
    column.sizes.push_back(static_cast<std::uint16_t>(text->size()));
  } else {
    const auto* whole = std::get_if<std::int64_t>(&field);
    const auto* real = std::get_if<double>(&field);
    append_little_endian(column.raw,
                         whole != nullptr  ? static_cast<std::uint64_t>(*whole)
                         : real != nullptr ? std::bit_cast<std::uint64_t>(*real)
                                           : 0,
                         8);
  }
}

std::vector<Column> columns_of(const DkistDataset& dataset) {
  std::vector<Column> columns;
  for (int frame = 0; frame < dataset.frames(); ++frame) {
    const Row row = row_of(dataset, frame);
    columns.resize(row.size());
    for (std::size_t at = 0; at < row.size(); ++at) {
      columns[at].name = row[at].first;
      append(columns[at], row[at].second);
    }
  }
  return columns;
}

/// UTF-32, each row as wide as the longest, zeros behind.
std::string ucs4_of(const Column& column, std::size_t width) {
  std::string out;
  out.reserve(column.sizes.size() * width * 4);
  std::size_t at = 0;
  for (const std::uint16_t size : column.sizes) {
    for (std::size_t letter = 0; letter < width; ++letter)
      append_little_endian(out, letter < size ? static_cast<unsigned char>(column.raw[at + letter]) : 0U, 4);
    at += size;
  }
  return out;
}

void add_column(std::string& head, AsdfWriter& blocks, Column& column, std::size_t rows, const Tags& tags) {
  std::string type = "float64";
  if (column.kind == Field(true).index()) type = "bool8";
  if (column.kind == Field(std::int64_t{0}).index()) type = "int64";
  if (!column.sizes.empty()) {
    const std::size_t width = std::max<std::size_t>(1, *std::ranges::max_element(column.sizes));
    type = fmt::format("[ucs4, {}]", width);
    column.raw = ucs4_of(column, width);
  }
  head += fmt::format("      - !{}/column-{}\n        data: !core/ndarray-{}\n          source: {}\n",
                      tags.column == "1.0.0" ? "core" : "table", tags.column, tags.array,
                      blocks.add_block(column.raw));
  if (column.mask.find('\1') != std::string::npos) {
    head += fmt::format(
        "          mask: !core/ndarray-{}\n            source: {}\n            datatype: bool8\n"
        "            byteorder: big\n            shape: [{}]\n",
        tags.array, blocks.add_block(column.mask), rows);
  }
  head += fmt::format(
      "          datatype: {}\n          byteorder: {}\n          shape: [{}]\n        name: {}\n", type,
      type == "bool8" ? "big" : "little", rows, column.name);
}

/// The nested lists below `key:`, which stands at `indent`; leaves are flow sequences, the others blocks.
std::string nested(const DkistDataset& dataset, std::size_t axis, std::size_t& next, std::size_t indent,
                   std::size_t column) {
  const auto length = static_cast<std::size_t>(dataset.axes[axis]);
  if (axis + 1 == dataset.axes.size()) {
    const auto first = dataset.names->all.begin() + static_cast<std::ptrdiff_t>(next);
    next += length;
    return yaml_flow({first, first + static_cast<std::ptrdiff_t>(length)}, column, indent) + '\n';
  }
  std::string out;
  for (std::size_t at = 0; at < length; ++at) {
    if (at > 0) out += std::string(indent - 2, ' ');
    out += "- " + nested(dataset, axis + 1, next, indent + 2, column + 2);
  }
  return out;
}

std::string yaml_field(const Field& field, std::size_t column, std::size_t indent) {
  if (const auto* truth = std::get_if<bool>(&field)) return *truth ? "true" : "false";
  if (const auto* whole = std::get_if<std::int64_t>(&field)) return std::to_string(*whole);
  if (const auto* text = std::get_if<std::string>(&field)) return yaml_text(*text, column, indent);
  if (const auto* list = std::get_if<std::vector<std::string>>(&field))
    return yaml_flow(*list, column, indent);
  if (const auto* real = std::get_if<double>(&field)) {
    const std::string digits = fmt::format("{}", *real);
    return digits.find_first_of(".e") == std::string::npos ? digits + ".0" : digits;
  }
  return "null";
}

std::string inventory_of(const DkistDataset& dataset) {
  std::string out = "    inventory:\n";
  for (const auto& [name, field] : record_of(dataset)) {
    if (name == "status" || name == "isDownloadable" || name == "updateDate")
      continue;  // of the service, not of the data
    const std::string key = fmt::format("      {}: ", name);
    out += key + yaml_field(field, key.size(), 8) + '\n';
  }
  return out;
}

std::string front_of(const DkistDataset& dataset, const Tags& tags) {
  std::string head = fmt::format(
      "asdf_library: !core/software-1.0.0 {{author: The ASDF Developers, homepage: "
      "'http://github.com/asdf-format/asdf',\n"
      "  name: asdf, version: {}}}\n"
      "history:\n  extensions:\n  - !core/extension_metadata-1.0.0\n"
      "    extension_class: asdf.extension._manifest.ManifestExtension\n"
      "    extension_uri: asdf://dkist.nso.edu/dkist/extensions/dkist-{}\n"
      "    software: !core/software-1.0.0 {{name: dkist, version: 1.19.{}}}\n",
      tags.library, tags.extension, dataset.revision);
  head += fmt::format(
      "dataset: !<asdf://dkist.nso.edu/tags/dataset-{}>\n"
      "  data: !<asdf://dkist.nso.edu/tags/file_manager-{}>\n    datatype: {}\n    fileuris:",
      tags.dataset, tags.files, dataset.single ? "float32" : "float64");
  std::size_t next = 0;
  head += dataset.axes.size() == 1 ? " " + nested(dataset, 0, next, 6, 14)
                                   : "\n    " + nested(dataset, 0, next, 6, 4);
  return head + fmt::format("    shape: [1, {}, {}]\n    target: 1\n", dataset.rows, dataset.columns);
}

/// A world coordinate system with an array of its own, strided as a column of a larger table is: what stands
/// behind the headers also has blocks.
std::string wcs_of(const DkistDataset& dataset, AsdfWriter& blocks, const Tags& tags) {
  std::string table;
  for (int at = 0; at < 2 * dataset.rows; ++at)
    append_little_endian(table, std::bit_cast<std::uint64_t>(198.5 + 0.25 * at), 8);
  return fmt::format(
      "  unit: !unit/unit-1.0.0 count\n  wcs: !<tag:stsci.edu:gwcs/wcs-1.1.0>\n    name: ''\n"
      "    pixel_shape: [{}, {}]\n    steps:\n    - frame: pixel\n      transform:\n"
      "        lookup_table: !core/ndarray-{}\n          source: {}\n          datatype: float64\n"
      "          byteorder: little\n          shape: [{}]\n          strides: [16]\n",
      dataset.columns, dataset.rows, tags.array, blocks.add_block(table), dataset.rows);
}

}  // namespace

std::string asdf_file(const DkistDataset& dataset) {
  const Tags& tags = dataset.number % 2 == 0 ? kOld : kNew;
  AsdfWriter blocks;
  std::vector<Column> columns = columns_of(dataset);
  std::vector<std::string> names;
  for (const Column& column : columns) names.push_back(column.name);
  std::string file = front_of(dataset, tags);
  file += fmt::format("  meta:\n    headers: !<tag:astropy.org:astropy/table/table-{}>\n      colnames: ",
                      tags.table);
  file += yaml_flow(names, 16, 8) + "\n      columns:\n";
  for (Column& column : columns)
    add_column(file, blocks, column, static_cast<std::size_t>(dataset.frames()), tags);
  file += "      qtable: false\n" + inventory_of(dataset) + wcs_of(dataset, blocks, tags);
  return blocks.file(file);
}

}  // namespace astrofs::sim
