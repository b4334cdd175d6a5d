#include "backends/format/target_list.h"

#include <gtest/gtest.h>

#include <vector>

namespace astrofs::hlsp {
namespace {

struct Read {
  Result<void> result;
  std::vector<Target> targets;
  std::size_t dropped{0};
};

Read read(const std::string& text, std::size_t piece) {
  Read out;
  TargetList list;
  const auto keep = [&out](const Target& target) { out.targets.push_back(target); };
  for (std::size_t at = 0; out.result && at < text.size(); at += piece)
    out.result = list.feed(std::string_view(text).substr(at, piece), keep);
  if (out.result) out.result = list.finish(keep);
  out.dropped = list.dropped();
  return out;
}

TEST(TargetList, ReadsColumnsByNameHoweverItIsCut) {
  const std::string text =
      "#GAIADR3_ID, TIC_ID ,ra,Dec,TESSMAG\r\n  123,  45, 1.5,-2.25,9\r\n7,8,359.9,+1e1,x";
  for (const std::size_t piece : {1U, 2U, 3U, 7U, 1000U}) {
    const Read got = read(text, piece);
    ASSERT_TRUE(got.result) << got.result.error().message;
    ASSERT_EQ(got.targets.size(), 2U);
    EXPECT_EQ(got.targets[0].gaia, 123U);
    EXPECT_EQ(got.targets[0].tic, 45U);
    EXPECT_EQ(got.targets[0].ra, 1.5);
    EXPECT_EQ(got.targets[0].dec, -2.25);
    EXPECT_EQ(got.targets[1].dec, 10);
  }
}

TEST(TargetList, LeavesOutLinesThatNameNothing) {
  const Read got = read("#TIC_ID,RA,DEC\n1,2,3\n\nx,2,3\n2,,3\n3,4\n-1,2,3\n5,6,7,8\n", 9);
  ASSERT_TRUE(got.result);
  ASSERT_EQ(got.targets.size(), 2U);
  EXPECT_EQ(got.targets[1].tic, 5U);
  EXPECT_EQ(got.targets[1].gaia, 0U);
  EXPECT_EQ(got.dropped, 4U);
}

TEST(TargetList, AStarNeedNotBeATarget) {
  const Read got = read("#GAIADR3_ID,TIC_ID,RA,DEC\n17,,2,3\n,5,2,3\n", 100);
  ASSERT_TRUE(got.result);
  ASSERT_EQ(got.targets.size(), 1U);
  EXPECT_EQ(got.targets[0].gaia, 17U);
  EXPECT_EQ(got.targets[0].tic, 0U);
}

TEST(TargetList, IsNotEmptyWhereAPageOfHtmlCame) {
  for (const std::string text : {"<html>\n<body>1,2,3</body>\n", "", "\n\n", "#TIC_ID,RA\n1,2\n"})
    EXPECT_EQ(read(text, 5).result.error().code, Errc::corrupt) << text;
  EXPECT_EQ(read("#TIC_ID,RA,DEC\n" + std::string(100'000, '1'), 4096).result.error().code, Errc::corrupt);
}

}  // namespace
}  // namespace astrofs::hlsp
