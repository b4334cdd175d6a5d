// `astrofs headers DATASET`: the table of header cards of a DKIST dataset, read from its ASDF file as any
// program would read it. Nothing of the frames is fetched.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace astrofs {

enum class TableFormat : unsigned char { csv, text };

struct HeadersWish {
  std::string dataset;               ///< directory of a mount, or of a disk
  std::string where;                 ///< as in .select; "" = every frame
  std::vector<std::string> columns;  ///< empty = all
  TableFormat format{TableFormat::csv};
};

/// To the standard output: a line of names, then one for each frame. Missing values are empty.
[[nodiscard]] Result<void> print_headers(const HeadersWish& wish);

}  // namespace astrofs
