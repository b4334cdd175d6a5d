// The little SQL that the stand-in of Daiquiri answers, which is what its users ask: SELECT of columns, * or
// COUNT(*), one JOIN USING, conditions joined by AND, GROUP BY, ORDER BY, LIMIT, OFFSET. Pure; any thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "tests/support/plate_columns.h"
#include "tests/support/plate_shelf.h"

namespace astrofs::sim {

struct QueryAnswer {
  std::vector<PlateColumn> columns;
  std::vector<PlateRow> rows;
  std::string table;  ///< the first one named
};

/// Errc::invalid with what the service would say.
[[nodiscard]] Result<QueryAnswer> run_query(std::string_view query, const PlateShelf& shelf);

}  // namespace astrofs::sim
