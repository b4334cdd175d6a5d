#include "fs/ctl_table_text.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "base/one_line.h"

namespace astrofs {
namespace {

std::string shown(const TableColumn& column, std::size_t row) {
  if (column.values.missing[row]) return {};
  struct Writer {
    std::size_t width;
    std::string operator()(std::int64_t number) const { return std::to_string(number); }
    std::string operator()(double number) const {
      return width == sizeof(float) ? fmt::format("{}", static_cast<float>(number))
                                    : fmt::format("{}", number);
    }
    std::string operator()(bool flag) const { return flag ? "T" : "F"; }
    std::string operator()(const std::string& text) const { return text; }
  };
  return std::visit(Writer{column.width}, column.values.at(row));
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string field = "\"";
  for (const char c : text) field += c == '"' ? std::string("\"\"") : std::string(1, c);
  return field + "\"";
}

/// Letters, for a text in UTF-8: bytes that begin one.
std::size_t letters(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned>(c) & 0xc0U) != 0x80U; }));
}

}  // namespace

void write_csv(const Table& table, Output& out) {
  // What an archive said must not steer a terminal; a file gets it as it is.
  const bool plain = out.is_terminal();
  const auto write_field = [&](std::size_t i, const std::string& text) {
    out.write(i == 0 ? "" : ",");
    out.write(csv_field(plain ? one_line(text) : text));
  };
  const std::vector<TableColumn>& columns = table.columns;
  for (std::size_t i = 0; i < columns.size(); ++i) write_field(i, columns[i].name);
  out.write("\n");
  for (std::size_t row = 0; row < table.rows(); ++row) {
    for (std::size_t i = 0; i < columns.size(); ++i) write_field(i, shown(columns[i], row));
    out.write("\n");
  }
}

void write_aligned(const Table& table, Output& out) {
  std::vector<std::size_t> widths;
  for (const TableColumn& column : table.columns) {
    std::size_t width = letters(one_line(column.name));
    for (std::size_t row = 0; row < table.rows(); ++row)
      width = std::max(width, letters(one_line(shown(column, row))));
    widths.push_back(width);
  }
  const auto write_line = [&](const auto& field) {
    std::string line;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      const std::string text = one_line(field(table.columns[i]));
      line += text + std::string(widths[i] - letters(text) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out.write(line + "\n");
  };
  write_line([](const TableColumn& column) { return column.name; });
  for (std::size_t row = 0; row < table.rows(); ++row)
    write_line([row](const TableColumn& column) { return shown(column, row); });
}

}  // namespace astrofs
