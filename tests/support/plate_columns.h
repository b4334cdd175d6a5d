// The columns of APPLAUSE's tables, as its TAP service describes them. Values; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace astrofs::sim {

struct PlateColumn {
  std::string name;
  std::string datatype;  ///< of VOTable; "" = the service gives none (spoint)
  std::string unit;
  std::string ucd;
  int arraysize{0};  ///< letters of a char column; 0: as many as there are
};

/// Empty for a table that there is not. `table`: without its schema.
[[nodiscard]] std::span<const PlateColumn> plate_columns(std::string_view table);
/// Those that are served.
[[nodiscard]] std::vector<std::string_view> plate_tables();

}  // namespace astrofs::sim
