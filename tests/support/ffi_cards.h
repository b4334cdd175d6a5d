// The header cards of a TESS full-frame image, in the order of the real files. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "tests/support/ffi_frame.h"
#include "tests/support/fits_cards.h"

namespace astrofs::sim {

[[nodiscard]] CardList primary_cards(const FrameSpec& spec);
/// `type` is "cal" or "uncert". So many that CHECKSUM, DATASUM and END still fit into the header that
/// spec.data_offset wants; there, too, lies what of the WCS is present.
[[nodiscard]] CardList image_cards(const FrameSpec& spec, std::string_view type);

}  // namespace astrofs::sim
