// The little ADQL that the stand-in of a Virtual Observatory archive answers: TOP, columns or COUNT(*), one
// table, conditions joined by AND and OR, GROUP BY and ORDER BY of one column. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace astrofs::sim {

/// `narrow` is told to be a double and is not, as views of PostgreSQL are.
enum class VoKind : unsigned char { text, whole, real, single, narrow, boolean, time };
struct VoColumn {
  std::string name;
  VoKind kind{VoKind::text};
  std::string unit{}, description{};
};
using VoCell = std::optional<std::string>;
using VoRow = std::vector<VoCell>;
struct VoRows {
  std::vector<VoColumn> columns;
  std::vector<VoRow> rows;
};

/// Errc::invalid with what a service would say.
[[nodiscard]] Result<VoRows> run_adql(std::string_view adql, std::string_view table, const VoRows& content);

}  // namespace astrofs::sim
