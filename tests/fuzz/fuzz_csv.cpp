// CsvReader: rows of one width, the same in pieces, and the same once more when they are written again.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "backends/format/csv.h"

namespace {

using Rows = std::vector<std::vector<std::string>>;

astrofs::CsvReader::TakeRow into(Rows& rows) {
  return [&rows](astrofs::CsvRow cells) -> astrofs::Result<void> {
    auto& row = rows.emplace_back();
    for (const auto& cell : cells) row.emplace_back(cell.value_or(""));
    if (row.size() != rows.front().size()) std::abort();
    return {};
  };
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const astrofs::CsvTerms terms{.null = "NULL", .row = 1 << 12, .cells = 100};
  Rows whole;
  const auto count = astrofs::read_csv(text, into(whole), terms);
  if (!count && count.error().message.empty()) std::abort();

  Rows cut;
  astrofs::CsvReader reader(into(cut), terms);
  const std::size_t step = 1 + size / 7;
  for (std::size_t at = 0; at < size; at += step) {
    if (!reader.feed(text.substr(at, step))) break;
  }
  if (reader.finish().has_value() != count.has_value() || cut != whole) std::abort();

  if (!count) return 0;
  std::string again;
  for (const auto& row : whole) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) again += ',';
      astrofs::append_csv_cell(again, row[i]);
    }
    again += '\n';
  }
  Rows reread;
  if (!astrofs::read_csv(again, into(reread)) || reread != whole) std::abort();
  return 0;
}
