#include "base/path_below.h"

#include <gtest/gtest.h>

namespace astrofs {
namespace {

TEST(PathBelow, ADirectoryIsItsOwnBeginning) {
  EXPECT_EQ(path_below("/data", "/data"), "");
  EXPECT_EQ(path_below("/", "/"), "");
  EXPECT_EQ(path_below("", ""), "");
}

TEST(PathBelow, WhatLiesInItIsWhatIsLeft) {
  EXPECT_EQ(path_below("/data/tess/4", "/data"), "tess/4");
  EXPECT_EQ(path_below("/data", "/"), "data");
  EXPECT_EQ(path_below("tess/4", "tess"), "4");
  EXPECT_EQ(path_below("tess/4", ""), "tess/4");
  EXPECT_EQ(path_below("/data/tess", "/data/"), "tess") << "a directory written with its slash";
}

TEST(PathBelow, ANameThatOnlyBeginsAlikeLiesElsewhere) {
  EXPECT_EQ(path_below("/database", "/data"), std::nullopt);
  EXPECT_EQ(path_below("/data", "/data/tess"), std::nullopt);
  EXPECT_EQ(path_below("/other", "/data"), std::nullopt);
}

}  // namespace
}  // namespace astrofs
