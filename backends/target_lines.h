// One target's lines in bulk scripts that are sorted by target: all scripts are searched together, so that
// they take as many requests one after the other as the longest of them. Part of type "tess". Blocks; any
// thread but the client's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backends/script_lines.h"
#include "base/error.h"

namespace astrofs::tess {

/// Names of the target's products, script by script. A script that is not sorted, or whose server serves no
/// ranges, is read whole; too_large where that is too much for one target's names.
[[nodiscard]] Result<std::vector<std::string>> lines_of_target(const std::vector<RemoteScript>& scripts,
                                                               std::uint64_t tic);

}  // namespace astrofs::tess
