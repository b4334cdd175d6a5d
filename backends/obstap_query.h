// What type "obstap" asks of a table of ObsCore: the values of a level, and the data sets below one. Pure;
// any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "backends/format/votable.h"
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

/// Of a column of ObsCore; nullopt: the standard does not know it, or services differ in their precision.
[[nodiscard]] std::optional<Kind> kind_of_column(std::string_view column);
/// Of a column as an answer describes it.
[[nodiscard]] Kind kind_of(const VoField& field);

/// Values of the level below `place` that come after `after` (all: nullopt), and how many rows each has.
[[nodiscard]] std::string values_query(const Table& table, const Place& place,
                                       const std::optional<Value>& after);
/// One row, n: the rows below `place`.
[[nodiscard]] std::string count_query(const Table& table, const Place& place);
/// Data sets of `place` whose identifiers come after `after`.
[[nodiscard]] std::string rows_query(const Table& table, const Place& place, std::string_view after);
/// Those of its data sets in whose identifiers that text is, and some more.
[[nodiscard]] std::string named_query(const Table& table, const Place& place, std::string_view part);
/// No row, but the type of a column.
[[nodiscard]] std::string type_query(const Table& table, std::string_view column);

}  // namespace astrofs::obstap
