// A plot in letters, of Unicode: points as Braille dots, eight in a cell. Pure, but for terminal_size().
#pragma once

#include <cstddef>
#include <string>

#include "fs/ctl_plot.h"

namespace astrofs {

struct TerminalSize {
  std::size_t columns{80};
  std::size_t lines{24};
};

/// Of the standard output's terminal; where that is none, $COLUMNS, or 80.
[[nodiscard]] TerminalSize terminal_size();

/// Lines of at most `size.columns` letters, as many as fit in most terminals without scrolling.
[[nodiscard]] std::string draw_text(const Plot& plot, TerminalSize size);

}  // namespace astrofs
