#include "backends/part_token.h"

#include "backends/format/numbers.h"

namespace astrofs {
namespace {

constexpr std::string_view kPartial = " partial";
constexpr std::string_view kRows = " rows=";

}  // namespace

PartToken::PartToken(std::string_view token) : content(token.substr(0, token.find(' '))) {
  whole = token.find(kPartial) == std::string_view::npos;
  const auto at = token.find(kRows);
  if (at != std::string_view::npos) {
    rows = number_in<std::uint64_t>(token.substr(at + kRows.size())).value_or(0);
  }
}

std::string PartToken::text() const {
  std::string out = content;
  if (!whole) out += kPartial;
  out += kRows;
  return out + std::to_string(rows);
}

}  // namespace astrofs
