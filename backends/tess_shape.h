// What a full-frame image of TESS would have looked like, from its name alone: for placeholders of frames
// that are gone. Pure; any thread.
#pragma once

#include <string_view>

#include "backends/archive.h"
#include "base/error.h"

namespace astrofs::tess {

/// How a sector was exposed.
struct Cadence {
  unsigned seconds{0};      ///< from one stamp to the next: card TIMEDEL
  unsigned frames{0};       ///< of 2 s, summed in the spacecraft: card NUM_FRM
  double exposure_days{0};  ///< time on source: card EXPOSURE
};
[[nodiscard]] Cadence cadence_of(unsigned sector);

/// Calibrated (_ffic) and raw (_ffir) frames; Errc::unsupported for every other name.
[[nodiscard]] Result<FrameShape> shape_of(std::string_view name);

}  // namespace astrofs::tess
