// The files of made-up TESS targets: light curves and pixels with the columns that the SPOC pipeline writes,
// and reports. Deterministic: the same name gives the same bytes. Pure functions.
#pragma once

#include <string>

#include "tests/support/mast_target.h"

namespace astrofs::sim {

[[nodiscard]] std::string target_file(const Target& target, const TargetProduct& product, int rows);

}  // namespace astrofs::sim
