// `astrofs headers DATASET`: the header cards of a dataset's frames, as a table or drawn.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace astrofs {

struct HeadersOptions {
  std::string dataset;               ///< directory of a mount, or of a disk
  std::string where;                 ///< as in .select; "" = every frame
  std::vector<std::string> columns;  ///< empty = all
  bool as_text{false}, as_fits{false};
  std::string output;     ///< file; "" = the standard output. What ends in .fits is FITS
  std::string plot;       ///< a column to draw instead of a table
  std::string plot_file;  ///< .png or .svg, beside the terminal
};

[[nodiscard]] Result<void> show_headers(const HeadersOptions& options);

}  // namespace astrofs
