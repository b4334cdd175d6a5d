#include "backends/format/table_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "backends/format/csv.h"
#include "backends/format/numbers.h"
#include "backends/format/utf8.h"

namespace astrofs {
namespace {

/// Of the standard (TFIELDS).
constexpr std::size_t kMostFitsColumns = 999;

tl::unexpected<Error> beyond(std::uint64_t most) {
  return fail(Errc::too_large, fmt::format("the answer makes a file of more than {} MiB", most >> 20U));
}

// ---- FITS

/// Is a value of the cell the one that means none in its column of FITS, unless the service says what does?
bool has_default_null(FitsType type, std::string_view cell) {
  const auto null = default_null(type);
  if (!null) return false;
  for (std::string_view rest = cell; !rest.empty();) {  // an array has several
    const std::string_view word = rest.substr(0, rest.find(' '));
    if (word.starts_with('-') && number_in<std::int64_t>(word) == null) return true;
    rest.remove_prefix(std::min(word.size() + 1, rest.size()));
  }
  return false;
}

std::optional<std::int64_t> null_of(const VoField& field, FitsType type) {
  const auto said = field.null ? signed_number_in<std::int64_t>(*field.null) : std::nullopt;
  const bool fits = said && (type == FitsType::int64 ||
                             (type == FitsType::int32 && *said == static_cast<std::int32_t>(*said)) ||
                             (type == FitsType::int16 && *said == static_cast<std::int16_t>(*said)));
  return fits ? said : std::nullopt;
}

FitsColumn fits_column(const VoField& field, const TableMeasure::Column& measured) {
  FitsColumn column;
  column.name = field.name;
  column.type = fits_type(field);
  column.ucd = field.ucd;
  column.description = field.description;
  if (column.type == FitsType::text) {
    // Of times and positions as text the service says how they are written, which is no unit of FITS.
    column.width = measured.longest;
    return column;
  }
  column.unit = field.unit;
  column.null = null_of(field, column.type);
  column.has_null = measured.has_null;
  column.complex = field.type == VoType::complex64 || field.type == VoType::complex128;
  column.variable = field.variable;
  column.count = field.variable ? 1 : field.count;
  if (!field.variable && field.arraysize.find('x') != std::string::npos) {
    column.dimensions = field.arraysize;
    std::ranges::replace(column.dimensions, 'x', ',');
  }
  return column;
}

class FitsRows final : public VoTableHandler {
 public:
  FitsRows(FitsTable table, std::uint64_t most) : made(std::move(table)), most_(most) {}
  FitsTable made;
  Result<void> table(const VoTable&) override { return {}; }
  Result<void> row(VoRow cells) override {
    if (auto added = made.add_row(cells); !added) return added;
    return made.size() > most_ ? beyond(most_) : Result<void>{};
  }

 private:
  const std::uint64_t most_;
};

Result<FitsTable> fits_table(const TableMeasure& measure, const TableOrigin& origin, std::uint64_t most) {
  const auto& fields = measure.told().fields;
  if (fields.size() > kMostFitsColumns)
    return fail(Errc::unsupported, fmt::format("{} columns, and a FITS table has {} at most: a name that "
                                               "ends with .vot or .csv has them all",
                                               fields.size(), kMostFitsColumns));
  std::vector<FitsColumn> columns;
  std::uint64_t width = 0;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    // A row of nulls has all elements too, of up to 16 bytes.
    width += std::min(fields[i].count, most);
    if (width > most / 16) return beyond(most);
    columns.push_back(fits_column(fields[i], measure.columns()[i]));
    const FitsColumn& column = columns.back();
    const auto& said = measure.columns()[i];
    if (said.has_null && said.has_least && !column.null && !column.variable)
      return fail(Errc::unsupported, "no value of the column " + column.name +
                                         " is left to mean none: a "
                                         "name that ends with .vot or .csv has them all");
  }
  return FitsTable("RESULT", std::move(columns), {{"SERVICE", origin.service}, {"ADQL", origin.query}});
}

// ---- VOTable

/// What XML cannot hold is a question mark.
std::string escaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::string_view before = text;
    const auto code = take_utf8(text);
    const std::string_view letter = before.substr(0, before.size() - text.size());
    const bool is_blank = code == '\t' || code == '\n' || code == '\r';
    if (!code) {
      text.remove_prefix(1);
      out += '?';
    } else if (is_blank || *code == '<' || *code == '>' || *code == '&' || *code == '"') {
      out += fmt::format("&#{};", *code);
    } else {
      out += *code < ' ' || *code == 0xFFFE || *code == 0xFFFF ? "?" : letter;
    }
  }
  return out;
}

std::string_view datatype_of(const VoField& field, bool is_ascii) {
  constexpr std::array<std::string_view, 13> kNames{
      "boolean",     "bit",   "unsignedByte", "short",        "int",           "long", "char",
      "unicodeChar", "float", "double",       "floatComplex", "doubleComplex", "char"};
  return field.is_text() && !is_ascii ? "unicodeChar" : kNames.at(static_cast<std::size_t>(field.type));
}

std::string field_element(const VoField& field, const TableMeasure::Column& measured) {
  std::string out = "<FIELD";
  const auto add = [&out](std::string_view name, std::string_view value) {
    if (!value.empty()) out += fmt::format(" {}=\"{}\"", name, escaped(value));
  };
  add("ID", field.id);
  add("name", field.name);
  add("datatype", datatype_of(field, measured.is_ascii));
  // Bytes that are letters of several are other numbers of letters.
  const bool is_letter = field.is_text() && field.arraysize.empty() && measured.longest <= 1;
  add("arraysize", field.is_text() && !is_letter ? "*" : std::string_view(field.arraysize));
  add("unit", field.unit);
  add("ucd", field.ucd);
  add("utype", field.utype);
  add("xtype", field.xtype);
  out += '>';
  if (!field.description.empty()) out += "<DESCRIPTION>" + escaped(field.description) + "</DESCRIPTION>";
  if (field.null && null_of(field, FitsType::int64) && fits_type(field) != FitsType::text)
    out += "<VALUES null=\"" + escaped(*field.null) + "\"/>";
  return out + "</FIELD>\n";
}

std::string votable_head(const TableMeasure& measure, const TableOrigin& origin) {
  std::string out =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<VOTABLE version=\"1.4\" "
      "xmlns=\"http://www.ivoa.net/xml/VOTable/v1.3\">\n<RESOURCE type=\"results\">\n"
      "<INFO name=\"QUERY_STATUS\" value=\"OK\"/>\n";
  out += fmt::format("<INFO name=\"SERVICE\" value=\"{}\"/>\n", escaped(origin.service));
  out += fmt::format("<INFO name=\"QUERY\" value=\"{}\"/>\n", escaped(origin.query));
  out += fmt::format("<TABLE nrows=\"{}\">\n", measure.rows());
  const auto& fields = measure.told().fields;
  for (std::size_t i = 0; i < fields.size(); ++i) out += field_element(fields[i], measure.columns()[i]);
  return out + "<DATA><TABLEDATA>\n";
}
constexpr std::string_view kVotableTail = "</TABLEDATA></DATA>\n</TABLE>\n</RESOURCE>\n</VOTABLE>\n";

void add_votable_row(std::string& out, VoRow cells) {
  out += "<TR>";
  for (const auto& cell : cells) out += cell ? "<TD>" + escaped(*cell) + "</TD>" : "<TD/>";
  out += "</TR>\n";
}

// ---- CSV

/// A line of blanks is no row to pandas and astropy: the one cell of a row says that it is there.
void end_csv_row(std::string& out, std::size_t begin, std::size_t cells) {
  if (cells == 1 && out.find_first_not_of(" \t", begin) == std::string::npos) {
    out.insert(begin, 1, '"');
    out += '"';
  }
  out += '\n';
}

void add_csv_row(std::string& out, VoRow cells) {
  const std::size_t begin = out.size();
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) out += ',';
    append_csv_cell(out, cells[i].value_or(""));
  }
  end_csv_row(out, begin, cells.size());
}

std::string csv_head(const VoTable& table) {
  std::string out;
  for (const VoField& field : table.fields) {
    if (&field != &table.fields.front()) out += ',';
    append_csv_cell(out, field.name);
  }
  end_csv_row(out, 0, table.fields.size());
  return out;
}

class TextRows final : public VoTableHandler {
 public:
  using Add = void (*)(std::string&, VoRow);
  TextRows(std::string head, Add add, std::uint64_t most) : made(std::move(head)), add_(add), most_(most) {}
  std::string made;
  Result<void> table(const VoTable&) override { return {}; }
  Result<void> row(VoRow cells) override {
    add_(made, cells);
    return made.size() > most_ ? beyond(most_) : Result<void>{};
  }

 private:
  const Add add_;
  const std::uint64_t most_;
};

}  // namespace

FitsType fits_type(const VoField& field) {
  switch (field.type) {
    case VoType::bit:  // how several are written is not agreed upon
      return field.variable || field.count != 1 ? FitsType::text : FitsType::logical;
    case VoType::boolean:
      return FitsType::logical;
    case VoType::byte:  // a byte of FITS has no value left that could mean none
    case VoType::int16:
      return FitsType::int16;
    case VoType::int32:
      return FitsType::int32;
    case VoType::int64:
      return FitsType::int64;
    case VoType::float32:
    case VoType::complex64:
      return FitsType::float32;
    case VoType::float64:
    case VoType::complex128:
      return FitsType::float64;
    default:
      return FitsType::text;
  }
}

Result<void> TableMeasure::table(const VoTable& table) {
  table_ = table;
  columns_.resize(table.fields.size());
  return {};
}

Result<void> TableMeasure::row(VoRow cells) {
  ++rows_;
  bytes_ += cells.size();  // a byte and more for each in any form
  for (std::size_t i = 0; i < cells.size(); ++i) {
    Column& column = columns_[i];
    if (!cells[i]) {
      column.has_null = true;
      continue;
    }
    const std::string_view cell = *cells[i];
    column.longest = std::max(column.longest, cell.size());
    const bool is_text = table_.fields[i].is_text();
    if (is_text) {
      bytes_ += cell.size();
      column.is_ascii = column.is_ascii && std::ranges::all_of(cell, [](char c) { return (c & 0x80) == 0; });
    } else if (!column.has_least) {
      column.has_least = has_default_null(fits_type(table_.fields[i]), cell);
    }
  }
  return bytes_ > most_ ? beyond(most_) : Result<void>{};
}

Result<std::string> write_table(TableForm form, const TableMeasure& measure, const TableOrigin& origin,
                                std::uint64_t most,
                                const std::function<Result<VoOutcome>(VoTableHandler&)>& read) {
  if (form == TableForm::fits) {
    auto table = fits_table(measure, origin, most);
    if (!table) return tl::unexpected(table.error());
    FitsRows rows(std::move(*table), most);
    if (const auto outcome = read(rows); !outcome) return tl::unexpected(outcome.error());
    return std::move(rows.made).finish();
  }
  const bool is_csv = form == TableForm::csv;
  TextRows rows(is_csv ? csv_head(measure.told()) : votable_head(measure, origin),
                is_csv ? add_csv_row : add_votable_row, most);
  if (const auto outcome = read(rows); !outcome) return tl::unexpected(outcome.error());
  if (!is_csv) rows.made += kVotableTail;
  return std::move(rows.made);
}

}  // namespace astrofs
