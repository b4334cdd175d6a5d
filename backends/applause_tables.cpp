#include "backends/applause_tables.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/format/csv.h"
#include "backends/format/numbers.h"
#include "backends/format/table_file.h"

namespace astrofs::applause {
namespace {

constexpr std::string_view kNull = "NULL";
/// Where the usual queue does not give a query enough time.
constexpr std::string_view kLongQueue = "1h";

/// What Daiquiri writes into a table for people, as a table for programs has it.
Result<std::uint64_t> without_null(std::string_view said, std::string& out) {
  const auto take = [&out](CsvRow cells) -> Result<void> {
    bool first = true;
    for (const auto& cell : cells) {
      if (!first) out += ',';
      first = false;
      append_csv_cell(out, cell.value_or(""));
    }
    out += '\n';
    return {};
  };
  return read_csv(said, take, {.null = std::string(kNull)});
}

}  // namespace

bool is_source_table(std::string_view table) {
  return table == "source" || table == "source_calib";
}

Result<std::string> SourceTables::fetch(std::string_view table, PlateId plate, const std::stop_token& stop) {
  tap::JobTerms terms;
  terms.query =
      fmt::format("SELECT * FROM applause_dr4.{} WHERE plate_id = {} ORDER BY source_id", table, plate);
  terms.language = "PostgreSQL";
  terms.format = "csv";
  Result<tap::JobResult> result = jobs_.run(terms, stop);
  if (!result && result.error().code == Errc::timed_out &&
      result.error().message.find("statement timeout") != std::string::npos) {
    terms.queue = kLongQueue;
    Result<tap::JobResult> again = jobs_.run(terms, stop);
    if (again) result = std::move(again);
  }
  if (!result) return tl::unexpected<Error>(result.error());
  std::string out;
  out.reserve(result->body.size());
  const Result<std::uint64_t> lines = without_null(result->body, out);
  if (!lines) return tl::unexpected<Error>(lines.error());
  if (*lines == 0) return fail(Errc::corrupt, "a table without the names of its columns");
  std::optional<std::uint64_t> expected = result->rows;
  if (!expected) {
    const auto counted = plates_.ask(
        fmt::format("SELECT COUNT(*) FROM applause_dr4.{} WHERE plate_id = {}", table, plate), stop);
    if (!counted) return tl::unexpected<Error>(counted.error());
    if (!counted->rows.empty()) expected = number_in<std::uint64_t>(counted->text(0, 0));
  }
  if (expected != *lines - 1)
    return fail(
        Errc::corrupt,
        fmt::format("{} of {} rows of applause_dr4.{} came: the service leaves out rows in which a line "
                    "breaks, and what is beyond its limit",
                    *lines - 1, expected.value_or(0), table));
  return out;
}

Result<KeptTexts::Text> SourceTables::rows(std::string_view table, PlateId plate,
                                           const std::stop_token& stop) {
  return kept_.get(
      fmt::format("{}/{}", table, plate), [&] { return fetch(table, plate, stop); }, stop);
}

Result<std::string> SourceTables::csv(std::string_view table, PlateId plate, const std::stop_token& stop) {
  return rows(table, plate, stop).map([](const KeptTexts::Text& text) { return *text; });
}

Result<std::vector<FitsColumn>> SourceTables::columns(const std::string& table, PlateId plate,
                                                      const std::stop_token& stop) {
  {
    const MutexLock lock(mutex_);
    if (const auto known = columns_.find(table); known != columns_.end()) return known->second;
  }
  const auto answer = plates_.ask(
      fmt::format("SELECT * FROM applause_dr4.{} WHERE plate_id = {} LIMIT 1", table, plate), stop);
  if (!answer) return tl::unexpected<Error>(answer.error());
  std::vector<FitsColumn> columns;
  for (const VoField& field : answer->table.fields) {
    FitsColumn column{field.name, fits_type(field), 1, field.unit, field.ucd};
    // Of times and positions as text the service says how they are written, which is no unit of FITS.
    if (column.type == FitsType::text) column.unit.clear();
    if (column.type == FitsType::text && !field.variable) column.width = field.count;
    columns.push_back(std::move(column));
  }
  const MutexLock lock(mutex_);
  columns_[table] = columns;
  return columns;
}

Result<std::string> SourceTables::fits(std::string_view table, PlateId plate, const std::stop_token& stop) {
  const Result<KeptTexts::Text> text = rows(table, plate, stop);
  if (!text) return tl::unexpected<Error>(text.error());
  Result<std::vector<FitsColumn>> columns = this->columns(std::string(table), plate, stop);
  if (!columns) return tl::unexpected<Error>(columns.error());
  // The names must be the same, in the same order; texts that are longer than was said are given room.
  bool first = true;
  const auto measure = [&](CsvRow cells) -> Result<void> {
    if (cells.size() != columns->size()) return fail(Errc::corrupt, "the table has other columns by now");
    for (std::size_t i = 0; i < cells.size(); ++i) {
      FitsColumn& column = (*columns)[i];
      if (first && *cells[i] != column.name)
        return fail(Errc::corrupt, fmt::format("a column {} where {} was expected", *cells[i], column.name));
      if (!first && column.type == FitsType::text) column.width = std::max(column.width, cells[i]->size());
    }
    first = false;
    return {};
  };
  if (const auto measured = read_csv(**text, measure); !measured)
    return tl::unexpected<Error>(measured.error());
  FitsTable made(std::string(table), std::move(*columns));
  first = true;
  const auto add = [&](CsvRow cells) -> Result<void> {
    if (std::exchange(first, false)) return {};
    return made.add_row(cells);
  };
  if (const auto added = read_csv(**text, add); !added) return tl::unexpected<Error>(added.error());
  return std::move(made).finish();
}

}  // namespace astrofs::applause
