// What is to be drawn of a table: one column over time, or over the frames. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "fs/ctl_header_table.h"
#include "fs/ctl_plot_axis.h"

namespace astrofs {

/// Frames lie along the middle of their exposures, where the table has it.
inline constexpr const char* kTimeColumn = "DATE-AVG";

struct PlotPoint {
  double x{0}, y{0};
};

struct Plot {
  std::string title;     ///< what is drawn
  std::string subtitle;  ///< of what
  Axis x, y;
  std::vector<PlotPoint> points;  ///< by x
};

/// The first letters of a stranger's text, fit to be drawn: one line, all of it UTF-8 (cairo draws nothing
/// more after what is none).
[[nodiscard]] std::string drawn(const std::string& text, std::size_t most = std::string::npos);

/// The last column, over the column kTimeColumn if that is another one and has times, else over the numbers
/// of frames. `about`: a dataset, and what was selected. Frames without a value, and those with one far from
/// all others, are counted in the subtitle. Errors: invalid (no numbers), not_found (no frame with a value).
[[nodiscard]] Result<Plot> plot_of(const Table& table, const std::string& about);

}  // namespace astrofs
