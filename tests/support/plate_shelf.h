// The made-up plates of APPLAUSE: archives, plates, scans, pictures, and the sources on each plate. All of it
// follows from numbers; nothing is stored. Immutable; any thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/plate_scan.h"
#include "tests/support/sim_content.h"

namespace astrofs::sim {

struct PlateOptions {
  int plates{0};  ///< of the first archive, 102; the other two have three each. 0: there is no APPLAUSE
  int rows{40};   ///< sources of a plate
  std::uint32_t width{600}, height{500};  ///< of a scan
};

using PlateCell = std::optional<std::string>;  ///< nothing: NULL
using PlateRow = std::vector<PlateCell>;

class PlateShelf {
 public:
  explicit PlateShelf(PlateOptions options) : options_(options) {}

  /// Rows of a table in the order of its columns, of this plate only where `plate` is given and the table
  /// knows plates. Times are written as "+00".
  [[nodiscard]] std::vector<PlateRow> rows(std::string_view table, std::optional<int> plate) const;
  /// A path below /files/; nullptr when there is none.
  [[nodiscard]] ResourcePtr file(std::string_view path) const;

 private:
  struct Plate {
    int id{0}, archive{0};
  };
  [[nodiscard]] std::vector<Plate> plates(std::optional<int> only) const;
  [[nodiscard]] std::vector<PlateScan> scans(const Plate& plate) const;
  [[nodiscard]] std::vector<PlateRow> rows_of(const Plate& plate, std::string_view table) const;
  [[nodiscard]] std::vector<PlateRow> scan_rows(const Plate& plate) const;
  [[nodiscard]] std::vector<PlateRow> log_pages() const;
  [[nodiscard]] std::vector<PlateRow> sources(const Plate& plate, bool calibrated) const;

  const PlateOptions options_;
};

}  // namespace astrofs::sim
