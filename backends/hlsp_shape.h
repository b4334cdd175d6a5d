// What a lost light curve of TGLC, QLP or TESS-SPOC would have looked like: the columns that the pipeline
// writes, and what the name tells. Images and text are never made up. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "backends/archive.h"
#include "base/error.h"

namespace astrofs::hlsp {

/// Errc::unsupported for other products.
[[nodiscard]] Result<FrameShape> shape_of(std::string_view name, const TableModel& model = {});
/// Pipeline and sector: their curves, and TESS-SPOC's pixels, have as many rows. "" for other products.
[[nodiscard]] std::string family_of(std::string_view name);
/// As tess::target_twin(), for TESS-SPOC.
[[nodiscard]] std::string twin_of(std::string_view name);

}  // namespace astrofs::hlsp
