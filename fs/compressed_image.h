// A tile-compressed image of blank pixels (FITS standard, section 10): a binary table of one row whose one
// tile is the whole image, compressed by GZIP_1 without loss. Pure; any thread. For fs/placeholder alone.
#pragma once

#include <string_view>

#include "backends/archive.h"
#include "base/error.h"
#include "fs/placeholder_header.h"

namespace astrofs {

/// The HDU of `shape`, its cards in their order. Errc::unsupported for images without pixels, of a type that
/// is not compressed anywhere, or larger than readers can take in one tile (2 GiB).
[[nodiscard]] Result<HduPlan> plan_compressed(const HduShape& shape, MissingCause cause,
                                              std::string_view file_name);

}  // namespace astrofs
