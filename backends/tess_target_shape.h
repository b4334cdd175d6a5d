// What a lost light curve or target pixel file would have looked like: the columns that the pipeline writes,
// and what the name tells. Reports, and the tables of data validation, are never made up. Pure; any thread.
#pragma once

#include <string_view>

#include "backends/archive.h"
#include "backends/format/tess_target_name.h"
#include "base/error.h"

namespace astrofs::tess {

/// Errc::unsupported for other products.
[[nodiscard]] Result<FrameShape> target_shape_of(std::string_view name, const TableModel& model = {});
[[nodiscard]] Result<FrameShape> target_shape_of(const TargetName& target, const TableModel& model = {});

/// Curves and pixels of one sector and cadence have as many rows. "": a product that is never made up.
[[nodiscard]] std::string target_family(const TargetName& target);
/// "…_lc.fits" <-> "…_tp.fits", "…-lc.fits" <-> "…-tp.fits": they have the same stamp of pixels. "" for other
/// names.
[[nodiscard]] std::string target_twin(std::string_view name);

}  // namespace astrofs::tess
