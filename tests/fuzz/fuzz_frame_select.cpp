// Selections: what parses is what was written, and its negation selects the other frames that have a value.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>

#include "backends/format/frame_select.h"

namespace {

using namespace astrofs;

FrameColumns some_columns() {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto column = [nan](std::string_view name) -> Result<ColumnValues> {
    ColumnValues out;
    if (name == "N") out.values = std::vector<std::int64_t>{1, -2, 3, INT64_MAX};
    if (name == "R") out.values = std::vector<double>{0.1, -1e30, nan, 1.7};
    if (name == "B") out.values = std::vector<bool>{true, false, true, false};
    if (name == "T")
      out.values = std::vector<std::string>{"", "STOKES", "2022-10-24T20:00:01.5", "2022-10-24"};
    out.missing = {false, false, false, name == "N"};
    return out;
  };
  return {4,
          {{"N", ColumnType::integer},
           {"R", ColumnType::real},
           {"B", ColumnType::boolean},
           {"T", ColumnType::text}},
          column};
}

Comparison opposite(Comparison comparison) {
  switch (comparison) {
    case Comparison::less:
      return Comparison::greater_equal;
    case Comparison::less_equal:
      return Comparison::greater;
    case Comparison::greater:
      return Comparison::less_equal;
    case Comparison::greater_equal:
      return Comparison::less;
    case Comparison::equal:
      return Comparison::not_equal;
    case Comparison::not_equal:
      break;
  }
  return Comparison::equal;
}

std::string written(const FrameCondition& condition) {
  static constexpr std::string_view kText[] = {"<", "<=", ">", ">=", "==", "!="};
  std::string out =
      condition.column + std::string(kText[static_cast<std::size_t>(condition.comparison)]) + '"';
  for (const char c : condition.value) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + '"';
}

void try_negation(const FrameCondition& condition) {
  const FrameColumns columns = some_columns();
  const auto yes = select_frames({condition}, columns);
  const auto no =
      select_frames({{condition.column, opposite(condition.comparison), condition.value}}, columns);
  if (yes.has_value() != no.has_value()) std::abort();
  if (!yes) {
    if (yes.error().message.empty()) std::abort();
    return;
  }
  const std::size_t valued =
      condition.column == "N" || condition.column == "n" || condition.column == "R" || condition.column == "r"
          ? 3
          : 4;
  if (yes->size() + no->size() != valued) std::abort();
  for (const std::uint64_t frame : *yes) {
    if (frame > 3 || std::find(no->begin(), no->end(), frame) != no->end()) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto conditions = parse_frame_select(text);
  if (!conditions) {
    if (conditions.error().message.empty()) std::abort();
    return 0;
  }
  if (conditions->empty() || conditions->size() > kMostConditions) std::abort();
  std::string again;
  for (const FrameCondition& condition : *conditions) {
    again += (again.empty() ? "" : ",") + written(condition);
    try_negation(condition);
  }
  const auto same = parse_frame_select(again);
  if (again.size() <= kLongestSelection && (!same || *same != *conditions)) std::abort();
  static_cast<void>(select_frames(*conditions, some_columns()));
  return 0;
}
