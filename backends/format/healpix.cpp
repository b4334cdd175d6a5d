#include "backends/format/healpix.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace astrofs::healpix {
namespace {

/// Where a direction lies on one of the twelve faces, which are squares of kNside by kNside pixels: x to the
/// north-east, y to the north-west.
struct Place {
  std::uint32_t face{0}, x{0}, y{0};
};

/// The z of the circles at which the polar caps begin.
constexpr double kCap = 2.0 / 3.0;

/// `quarters`: of the circle, 0 to 4.
Place in_belt(double z, double quarters) {
  constexpr double kSide = kNside;
  // Counted along the two diagonals, on which the edges of all pixels of the belt lie.
  const auto down = static_cast<std::uint32_t>(kSide * (0.5 + quarters - 0.75 * z));
  const auto up = static_cast<std::uint32_t>(kSide * (0.5 + quarters + 0.75 * z));
  const std::uint32_t face_down = down / kNside;
  const std::uint32_t face_up = up / kNside;
  Place place;
  if (face_down == face_up) {
    place.face = face_up % 4 + 4;
  } else {
    place.face = face_down < face_up ? face_down % 4 : face_up % 4 + 8;
  }
  place.x = up % kNside;
  place.y = kNside - 1 - down % kNside;
  return place;
}

/// `distance`: from the pole, as a part of the cap's radius, 0 to 1.
Place in_cap(bool north, double quarters, double distance) {
  const double whole = std::min(3.0, std::floor(quarters));
  const auto step = [distance](double part) {
    return std::min(kNside - 1, static_cast<std::uint32_t>(part * kNside * distance));
  };
  const std::uint32_t east = step(quarters - whole);
  const std::uint32_t west = step(1 - (quarters - whole));
  const auto face = static_cast<std::uint32_t>(whole);
  if (north) return {face, kNside - 1 - west, kNside - 1 - east};
  return {face + 8, east, west};
}

/// The bits of a number, each followed by a zero.
std::uint32_t spread(std::uint32_t value) {
  std::uint32_t out = 0;
  for (unsigned bit = 0; (kNside >> bit) > 1; ++bit) out |= (value >> bit & 1U) << (2 * bit);
  return out;
}

}  // namespace

std::optional<std::uint32_t> nested_pixel(double ra, double dec) {
  constexpr double kRightAngle = 90;
  if (!std::isfinite(ra) || !(std::abs(dec) <= kRightAngle)) return std::nullopt;
  double quarters = std::fmod(ra / kRightAngle, 4.0);
  if (quarters < 0) quarters += 4;
  if (quarters >= 4) quarters = 0;  // a hair below 0
  const double radians = std::numbers::pi / 180;
  const double theta = std::numbers::pi / 2 - dec * radians;
  const double z = std::cos(theta);
  Place place;
  if (std::abs(z) <= kCap) {
    place = in_belt(z, quarters);
  } else {
    // sqrt(3 (1 - |z|)), which near the pole would be the difference of two numbers that are all but equal.
    place = in_cap(z > 0, quarters, std::sin(theta) / std::sqrt((1 + std::abs(z)) / 3));
  }
  return place.face * kNside * kNside + spread(place.x) + 2 * spread(place.y);
}

}  // namespace astrofs::healpix
