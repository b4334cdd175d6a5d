#include "backends/dkist_frames.h"

#include <gtest/gtest.h>

#include "tests/support/dkist_asdf.h"
#include "tests/support/dkist_dataset.h"

namespace astrofs::dkist {
namespace {

TEST(DkistFrames, ALocatorHasAllThatAPlaceholderNeeds) {
  const Frame frame{"VISP_I_BEOGN_L1.fits", 17, 1, "float64", {1, 976, 2555}};
  const std::string locator = locator_of(frame, "data/pid_1_123/BEOGN");
  EXPECT_EQ(locator, "frame/17/1/float64/1x976x2555/data/pid_1_123/BEOGN/VISP_I_BEOGN_L1.fits");
  const auto located = parse_locator(locator);
  ASSERT_TRUE(located);
  EXPECT_EQ(located->folder, "data/pid_1_123/BEOGN");
  EXPECT_EQ(locator_of(located->frame, located->folder), locator);
  const auto shape = shape_of(located->frame);
  ASSERT_TRUE(shape);
  ASSERT_EQ(shape->hdus.size(), 2U);
  EXPECT_TRUE(shape->hdus[0].axes.empty());
  EXPECT_EQ(shape->hdus[1].bitpix, -64);
  EXPECT_EQ(shape->hdus[1].axes, (std::vector<std::uint64_t>{2555, 976, 1}));
}

TEST(DkistFrames, WhatIsNoLocatorIsNone) {
  for (const char* const text :
       {"", "frame/", "frame/1/1/float64", "frame/x/1/float64/2x3/a/b/C/n", "frame/1/-1/float64/2/a/n",
        "frame/1/1/float64/2xx3/a/n", "asdf/BEOGN", "frame/18446744073709551616/1/float64/2/a/n"})
    EXPECT_FALSE(parse_locator(text)) << text;
}

TEST(DkistFrames, OnlyLevelOneFramesHavePlaceholders) {
  for (const auto& [type, hdu] : {std::pair("several", 1U), std::pair("complex64", 1U),
                                  std::pair("float32", 0U), std::pair("float32", 2U)})
    EXPECT_EQ(shape_of({"n", 0, hdu, type, {2, 3}}).error().code, Errc::unsupported) << type << hdu;
  EXPECT_EQ(shape_of({"n", 0, 1, "float32", {}}).error().code, Errc::unsupported);
}

TEST(DkistFrames, AreNamedByTheTreeAlone) {
  const sim::DkistDataset dataset = sim::make_dataset(0, {.datasets = 1, .frames = 8});
  const std::string file = sim::asdf_file(dataset);
  const std::string tree = file.substr(0, file.find("\n...") + 5);
  ASSERT_LT(tree.size(), file.size() / 2);
  const auto frames = frames_in(tree);
  ASSERT_TRUE(frames) << frames.error().message;
  ASSERT_EQ(frames->size(), 8U);
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_EQ((*frames)[i].name, dataset.names->all[i]);
    EXPECT_EQ((*frames)[i].row, i);
    EXPECT_EQ((*frames)[i].type, "float64");
  }
  EXPECT_FALSE(frames_in("#ASDF 1.0.0\n"));
}

TEST(DkistFrames, ARowIsWrittenAsCards) {
  const auto cards = cards_of(
      {{"NAXIS", std::int64_t{3}}, {"ATMOS_R0", 0.15}, {"AO_LOCK", false}, {"OBJECT", std::string("it's")}});
  ASSERT_EQ(cards.size(), 4U);
  EXPECT_EQ(cards[0].value, "3");
  EXPECT_EQ(cards[1].value, "0.15");
  EXPECT_EQ(cards[2].value, "F");
  EXPECT_EQ(cards[3].value, "'it''s'");
}

}  // namespace
}  // namespace astrofs::dkist
