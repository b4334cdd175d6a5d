// Pixels against libchealpix, in which nothing of this project is.
#include "backends/format/healpix.h"

#include <chealpix.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <random>

namespace astrofs::healpix {
namespace {

long oracle(double ra, double dec) {
  long pixel = -1;
  ang2pix_nest(kNside, (90 - dec) * std::numbers::pi / 180, ra * std::numbers::pi / 180, &pixel);
  return pixel;
}

TEST(Healpix, AgreesWithTheLibraryAllOverTheSky) {
  std::mt19937_64 random(16);
  std::uniform_real_distribution<double> ra(0, 360);
  std::uniform_real_distribution<double> z(-1, 1);
  std::vector<bool> seen(kPixels);
  for (int i = 0; i < 200'000; ++i) {
    const double at = ra(random);
    const double dec = std::asin(z(random)) * 180 / std::numbers::pi;
    const auto pixel = nested_pixel(at, dec);
    ASSERT_TRUE(pixel && *pixel < kPixels);
    ASSERT_EQ(static_cast<long>(*pixel), oracle(at, dec)) << at << " " << dec;
    seen[*pixel] = true;
  }
  EXPECT_EQ(std::count(seen.begin(), seen.end(), true), kPixels);
}

TEST(Healpix, AgreesAtThePolesAndRoundTheCircle) {
  std::mt19937_64 random(17);
  std::uniform_real_distribution<double> ra(0, 360);
  for (const double dec : {89.9, 89.9999, -89.9, -89.9999, 41.9, -41.9, 0.001}) {
    for (int i = 0; i < 2000; ++i) {
      const double at = ra(random);
      ASSERT_EQ(static_cast<long>(*nested_pixel(at, dec)), oracle(at, dec)) << at << " " << dec;
      EXPECT_EQ(nested_pixel(at, dec), nested_pixel(at - 360, dec));
    }
  }
}

TEST(Healpix, WhatIsNoDirectionHasNoPixel) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const auto& [ra, dec] : {std::pair(0.0, 90.5), {0.0, -91.0}, {nan, 0.0}, {0.0, nan}, {INFINITY, 0.0}})
    EXPECT_FALSE(nested_pixel(ra, dec));
  EXPECT_TRUE(nested_pixel(360, 90));
  EXPECT_TRUE(nested_pixel(-1e-300, -90));
}

}  // namespace
}  // namespace astrofs::healpix
