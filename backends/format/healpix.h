// The pixels of HEALPix in which catalogues of the sky are cut up: which one a direction is in, by the nested
// numbering. (libchealpix would do it, and brings cfitsio into every daemon; it is the tests' oracle.)
// Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>

namespace astrofs::healpix {

/// 3072 pixels of 13.4 square degrees.
inline constexpr std::uint32_t kNside = 16;
inline constexpr std::uint32_t kPixels = 12 * kNside * kNside;

/// Degrees. nullopt: no direction (a declination beyond a pole, NaN).
[[nodiscard]] std::optional<std::uint32_t> nested_pixel(double ra, double dec);

}  // namespace astrofs::healpix
