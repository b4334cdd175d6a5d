// What a full-frame image looked like, from its name alone; tests/fs/placeholder_test.cpp makes files of it.
#include "backends/tess_shape.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace astrofs::tess {
namespace {

TEST(TessShape, KnowsTheExposureOfASector) {
  for (const auto& [sector, seconds, frames] :
       std::vector<std::tuple<unsigned, unsigned, unsigned>>{{1, 1800, 900},
                                                             {26, 1800, 900},
                                                             {27, 600, 300},
                                                             {55, 600, 300},
                                                             {56, 200, 100},
                                                             {1751, 200, 100}}) {
    EXPECT_EQ(cadence_of(sector).seconds, seconds) << sector;
    EXPECT_EQ(cadence_of(sector).frames, frames) << sector;
  }
  EXPECT_NEAR(cadence_of(4).exposure_days, 0.016499995959, 1e-8);  // card EXPOSURE of a real frame
}

TEST(TessShape, SaysEachKeywordOnce) {
  for (const char* const name :
       {"tess2018292095939-s0004-1-1-0124-s_ffic.fits", "tess2018292095939-s0004-1-1-0124-s_ffir.fits"}) {
    const auto shape = shape_of(name);
    ASSERT_TRUE(shape) << shape.error().message;
    for (const HduShape& hdu : shape->hdus) {
      std::set<std::string> keywords;
      for (const FitsCard& card : hdu.cards)
        EXPECT_TRUE(keywords.insert(card.keyword).second) << card.keyword;
    }
  }
}

}  // namespace
}  // namespace astrofs::tess
