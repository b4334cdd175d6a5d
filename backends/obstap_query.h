// What type "obstap" asks of a table of ObsCore: the values of a level, and the data sets below one. Pure;
// any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "backends/obstap_place.h"
#include "base/error.h"

namespace astrofs::obstap {

struct Table {
  std::string name{"ivoa.obscore"};
  std::vector<std::string> levels;  ///< columns, outermost first
  std::string where;                ///< ADQL; "" = all
};

/// "{obs_collection}/{target_name}/{obs_id}" -> its columns. invalid: anything else.
[[nodiscard]] Result<std::vector<std::string>> parse_tree(std::string_view tree);

/// Is that column of ObsCore a number? nullopt: the standard does not know it.
[[nodiscard]] std::optional<bool> is_number_column(std::string_view column);

/// Values of the level below `place` that come after `after` (all: nullopt), and how many rows each has.
[[nodiscard]] std::string values_query(const Table& table, const Place& place,
                                       const std::optional<Value>& after);
/// One row, n: the rows below `place`.
[[nodiscard]] std::string count_query(const Table& table, const Place& place);
/// Data sets of `place` whose identifiers come after `after`.
[[nodiscard]] std::string rows_query(const Table& table, const Place& place, std::string_view after);
/// No row, but the type of a column.
[[nodiscard]] std::string type_query(const Table& table, std::string_view column);

}  // namespace astrofs::obstap
