#include "backends/format/column_values.h"

#include <type_traits>

namespace astrofs {

CellValue ColumnValues::at(std::size_t i) const {
  return std::visit([&](const auto& list) -> CellValue { return list[i]; }, values);
}

bool ColumnValues::append(const ColumnValues& more) {
  if (type() != more.type()) return false;
  std::visit(
      [&](auto& list) {
        const auto& other = std::get<std::decay_t<decltype(list)>>(more.values);
        list.insert(list.end(), other.begin(), other.end());
      },
      values);
  missing.insert(missing.end(), more.missing.begin(), more.missing.end());
  return true;
}

ColumnValues ColumnValues::nothing(ColumnType type, std::size_t count) {
  ColumnValues out;
  switch (type) {
    case ColumnType::integer:
      out.values.emplace<0>(count);
      break;
    case ColumnType::real:
      out.values.emplace<1>(count);
      break;
    case ColumnType::boolean:
      out.values.emplace<2>(count);
      break;
    case ColumnType::text:
      out.values.emplace<3>(count);
      break;
  }
  out.missing.assign(count, true);
  return out;
}

}  // namespace astrofs
