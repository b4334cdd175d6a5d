// A plot as a picture. One thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "fs/ctl_plot.h"

namespace astrofs {

enum class ImageKind : unsigned char { png, svg };

/// By what the file's name ends in, .png or .svg.
[[nodiscard]] std::optional<ImageKind> image_kind_of(std::string_view file);

/// The bytes of the file. Errors: internal (of cairo, out of memory among them).
[[nodiscard]] Result<std::string> draw_image(const Plot& plot, ImageKind kind);

}  // namespace astrofs
