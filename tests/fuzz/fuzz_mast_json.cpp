// parse_answer: a table whose rows are as long as its columns, or a cause; and CSV of it has a line for each
// row.
#include <cstdint>
#include <cstdlib>

#include "backends/format/mast_json.h"
#include "backends/format/mast_user.h"
#include "backends/format/tess_target_name.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto answer = astrofs::mast::parse_answer(text);
  if (!answer) {
    if (answer.error().message.empty()) std::abort();
  } else {
    const astrofs::mast::Table& table = answer->table;
    for (const auto& row : table.rows) {
      if (row.size() != table.columns.size()) std::abort();
    }
    if (answer->complete && astrofs::mast::to_csv(table).empty()) std::abort();
  }
  const auto user = astrofs::mast::parse_user(text);
  if (user && user->name.find('\n') != std::string::npos) std::abort();
  const auto target = astrofs::tess::parse_target_name(text);
  if (target && target->first_sector == target->last_sector &&
      !astrofs::tess::is_target_path(astrofs::tess::target_path(text)))
    std::abort();
  return 0;
}
