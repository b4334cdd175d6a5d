#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "tests/cache/index_fixture.h"

namespace astrofs::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class IndexTree : public testing::Test {
 protected:
  FreshDir dir_;
  Index index_{dir_.path()};
};

TEST_F(IndexTree, ANewIndexHasARootThatWasNeverListed) {
  const auto root = index_.catalog().node(kRootNode);
  ASSERT_TRUE(root);
  EXPECT_EQ(root->kind, NodeKind::directory);
  EXPECT_EQ(index_.catalog().path(kRootNode).value(), "");
  EXPECT_EQ(index_.catalog().listing(kRootNode).error().code, Errc::not_found);
  EXPECT_EQ(index_.catalog().child(kRootNode, "x").error().code, Errc::not_found);
}

TEST_F(IndexTree, AListingIsShownInOrderOfNameBytes) {
  ASSERT_TRUE(
      index_.list(kRootNode, {file_entry("b"), file_entry("a"), file_entry("\xc3\xa4"), file_entry("B")}));
  EXPECT_THAT(index_.names(kRootNode), ElementsAre("B", "a", "b", "\xc3\xa4"));
  EXPECT_EQ(index_.catalog().listing(kRootNode)->count, 4U);
}

TEST_F(IndexTree, NodesKeepTheirNumbersOverListingsAndRestarts) {
  ASSERT_TRUE(index_.list(kRootNode, {file_entry("a"), file_entry("b")}));
  const NodeId a = index_.child(kRootNode, "a").id;
  ASSERT_TRUE(index_.list(kRootNode, {file_entry("0"), file_entry("a"), file_entry("c")}));
  index_.reopen();
  EXPECT_EQ(index_.child(kRootNode, "a").id, a);
  EXPECT_THAT(index_.names(kRootNode), ElementsAre("0", "a", "c"));
}

TEST_F(IndexTree, TheSameListingAgainChangesNothing) {
  ASSERT_TRUE(index_.list(kRootNode, {file_entry("a"), dir_entry("d")}));
  const auto change = index_.list(kRootNode, {file_entry("a"), dir_entry("d")});
  ASSERT_TRUE(change);
  EXPECT_THAT(change->removed, IsEmpty());
  EXPECT_THAT(change->changed, IsEmpty());
  EXPECT_FALSE(change->added);
}

TEST_F(IndexTree, AnotherSizeOrValidatorIsAnotherGeneration) {
  ASSERT_TRUE(
      index_.list(kRootNode, {file_entry("size", 1), file_entry("tag", 1, "\"1\""), file_entry("same", 1)}));
  const auto change =
      index_.list(kRootNode, {file_entry("size", 2), file_entry("tag", 1, "\"2\""), file_entry("same", 1)});
  ASSERT_TRUE(change);
  EXPECT_EQ(change->changed.size(), 2U);
  EXPECT_EQ(index_.child(kRootNode, "size").generation, 2U);
  EXPECT_EQ(index_.child(kRootNode, "size").size, 2U);
  EXPECT_EQ(index_.child(kRootNode, "tag").generation, 2U);
  EXPECT_EQ(index_.child(kRootNode, "tag").validator, "\"2\"");
  EXPECT_EQ(index_.child(kRootNode, "same").generation, 1U);
}

TEST_F(IndexTree, ASizeThatBecomesKnownIsNoOtherContent) {
  ASSERT_TRUE(index_.list(kRootNode, {file_entry("a", std::nullopt, ""), file_entry("b", std::nullopt, "")}));
  ASSERT_TRUE(index_.list(kRootNode, {file_entry("a", 5, ""), file_entry("b", std::nullopt, "")}));
  EXPECT_EQ(index_.child(kRootNode, "a").generation, 1U);
  EXPECT_EQ(index_.child(kRootNode, "a").size, 5U);
  ASSERT_TRUE(index_.set_size(index_.child(kRootNode, "b").id, 7, "\"b\""));
  EXPECT_EQ(index_.child(kRootNode, "b").generation, 1U);
  // A listing without sizes does not take back what was asked for on its own.
  ASSERT_TRUE(index_.list(kRootNode, {file_entry("a", 5, ""), file_entry("b", std::nullopt, "")}));
  EXPECT_EQ(index_.child(kRootNode, "b").size, 7U);
  EXPECT_EQ(index_.child(kRootNode, "b").validator, "\"b\"");
  EXPECT_EQ(index_.child(kRootNode, "b").generation, 1U);
  ASSERT_TRUE(index_.list(kRootNode, {file_entry("a", 5, ""), file_entry("b", 8, "")}));
  EXPECT_EQ(index_.child(kRootNode, "b").generation, 2U);
}

TEST_F(IndexTree, ATimeAloneIsAnotherContentOnlyWhereNothingElseTells) {
  ListedEntry bare = file_entry("bare", 1, "");
  ListedEntry tagged = file_entry("tagged", 1, "\"t\"");
  ASSERT_TRUE(index_.list(kRootNode, {bare, tagged}));
  bare.mtime += seconds(1);
  tagged.mtime += seconds(1);
  const auto change = index_.list(kRootNode, {bare, tagged});
  ASSERT_TRUE(change);
  EXPECT_EQ(change->changed.size(), 2U);
  EXPECT_EQ(index_.child(kRootNode, "bare").generation, 2U);
  EXPECT_EQ(index_.child(kRootNode, "tagged").generation, 1U);
  EXPECT_EQ(index_.child(kRootNode, "tagged").mtime, tagged.mtime);
}

TEST_F(IndexTree, AnUnlistedNodeIsHiddenButReadableAndComesBackAsItself) {
  ASSERT_TRUE(index_.list(kRootNode, {file_entry("a"), file_entry("b"), file_entry("c")}));
  const NodeId b = index_.child(kRootNode, "b").id;
  const auto change = index_.list(kRootNode, {file_entry("a"), file_entry("c")});
  ASSERT_TRUE(change);
  EXPECT_THAT(change->removed, ElementsAre("b"));
  EXPECT_EQ(index_.catalog().child(kRootNode, "b").error().code, Errc::not_found);
  ASSERT_TRUE(index_.catalog().node(b));
  EXPECT_FALSE(index_.catalog().node(b)->listed);
  EXPECT_THAT(index_.names(kRootNode, b), ElementsAre("c")) << "a place in readdir outlives its name";
  const auto again =
      index_.list(kRootNode, {file_entry("a"), file_entry("b"), file_entry("c"), file_entry("d")});
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->added);
  EXPECT_THAT(again->appeared, ElementsAre("b", "d"));
  EXPECT_EQ(index_.child(kRootNode, "b").id, b);
}

TEST_F(IndexTree, AFileThatBecomesADirectoryIsAnotherInode) {
  ASSERT_TRUE(index_.list(kRootNode, {file_entry("x")}));
  const NodeId file = index_.child(kRootNode, "x").id;
  const auto change = index_.list(kRootNode, {dir_entry("x")});
  ASSERT_TRUE(change);
  EXPECT_THAT(change->removed, ElementsAre("x"));
  EXPECT_TRUE(change->added);
  EXPECT_NE(index_.child(kRootNode, "x").id, file);
  EXPECT_EQ(index_.child(kRootNode, "x").kind, NodeKind::directory);
  EXPECT_FALSE(index_.catalog().node(file)->listed);
}

TEST_F(IndexTree, AListingWithAnUnfitOrDoubledNameChangesNothing) {
  ASSERT_TRUE(index_.list(kRootNode, {file_entry("a")}));
  for (const std::string& name : {std::string(""), std::string("."), std::string(".."), std::string("x/y"),
                                  std::string("n\0l", 3), std::string(256, 'n'), std::string("b")}) {
    EXPECT_EQ(index_.list(kRootNode, {file_entry("b"), file_entry(name)}).error().code, Errc::invalid)
        << name;
  }
  EXPECT_THAT(index_.names(kRootNode), ElementsAre("a"));
  EXPECT_TRUE(index_.list(kRootNode, {file_entry(std::string(255, 'n'))}));
}

TEST_F(IndexTree, OnlyADirectoryCanBeListed) {
  ASSERT_TRUE(index_.list(kRootNode, {file_entry("a")}));
  EXPECT_EQ(index_.list(index_.child(kRootNode, "a").id, {}).error().code, Errc::not_directory);
  EXPECT_EQ(index_.list(4711, {}).error().code, Errc::not_found);
}

TEST_F(IndexTree, AMissingFrameIsAnotherGenerationOfItsListedSizeAndBackAgain) {
  ASSERT_TRUE(index_.list(kRootNode, {file_entry("a", 10)}));
  const NodeId a = index_.child(kRootNode, "a").id;
  index_.writer().set_missing(a, 1, true, "");
  ASSERT_TRUE(index_.writer().flush());
  EXPECT_TRUE(index_.child(kRootNode, "a").missing);
  EXPECT_EQ(index_.child(kRootNode, "a").generation, 2U);
  EXPECT_EQ(index_.child(kRootNode, "a").size, 10U);
  ASSERT_TRUE(index_.list(kRootNode, {file_entry("a", 10)}));
  EXPECT_TRUE(index_.child(kRootNode, "a").missing) << "the same listing does not bring it back";
  ASSERT_TRUE(index_.list(kRootNode, {file_entry("a", 11)}));
  EXPECT_FALSE(index_.child(kRootNode, "a").missing);
  EXPECT_EQ(index_.child(kRootNode, "a").generation, 3U);
}

TEST_F(IndexTree, WhatWasDeniedOfAnOldGenerationDoesNotLoseTheNewOne) {
  ASSERT_TRUE(index_.list(kRootNode, {file_entry("a", 10)}));
  const NodeId a = index_.child(kRootNode, "a").id;
  ASSERT_TRUE(index_.list(kRootNode, {file_entry("a", 11)}));
  index_.writer().set_missing(a, 1, true, "");
  ASSERT_TRUE(index_.writer().flush());
  EXPECT_FALSE(index_.child(kRootNode, "a").missing);
  EXPECT_EQ(index_.child(kRootNode, "a").generation, 2U);
}

TEST_F(IndexTree, AStaleGenerationGivesWayOnce) {
  ASSERT_TRUE(index_.list(kRootNode, {file_entry("a", 10)}));
  const NodeId a = index_.child(kRootNode, "a").id;
  index_.writer().set_stale(a, 1);
  index_.writer().set_stale(a, 1);
  ASSERT_TRUE(index_.writer().flush());
  EXPECT_EQ(index_.child(kRootNode, "a").generation, 2U);
  EXPECT_EQ(index_.child(kRootNode, "a").size, std::nullopt);
  ASSERT_TRUE(index_.set_size(a, 12, "\"new\""));
  EXPECT_EQ(index_.child(kRootNode, "a").generation, 2U);
}

TEST_F(IndexTree, ASizeBeyondBeliefIsRefusedHoweverItComes) {
  ASSERT_TRUE(index_.list(kRootNode, {file_entry("a")}));
  const Node before = index_.child(kRootNode, "a");
  EXPECT_EQ(index_.set_size(before.id, kLargestFile + 1).error().code, Errc::too_large);
  ListedEntry beyond = file_entry("a");
  beyond.size = kLargestFile + 1;
  EXPECT_FALSE(index_.list(kRootNode, {beyond}));
  EXPECT_EQ(index_.child(kRootNode, "a").size, before.size);
}

TEST_F(IndexTree, AFoundChildJoinsAListingThatDoesNotShowIt) {
  ASSERT_TRUE(index_.list(kRootNode, {file_entry("a")}));
  const auto found = index_.add(kRootNode, file_entry("tic-42"));
  ASSERT_TRUE(found);
  EXPECT_EQ(index_.child(kRootNode, "tic-42").id, found->id);
  EXPECT_EQ(index_.add(kRootNode, file_entry("tic-42"))->id, found->id);
}

TEST_F(IndexTree, AFailedRefreshKeepsTheListingAndItsCount) {
  ASSERT_TRUE(index_.list(kRootNode, {file_entry("a")}));
  ListingState state = index_.catalog().listing(kRootNode).value();
  state.last_error = "timed out";
  state.count = 999;
  index_.writer().note_listing(kRootNode, state);
  ASSERT_TRUE(index_.writer().flush());
  EXPECT_EQ(index_.catalog().listing(kRootNode)->last_error, "timed out");
  EXPECT_EQ(index_.catalog().listing(kRootNode)->count, 1U);
  EXPECT_THAT(index_.names(kRootNode), ElementsAre("a"));
}

TEST_F(IndexTree, PathsLeadThroughDirectoriesAndPinsCoverWhatIsBelow) {
  ASSERT_TRUE(index_.list(kRootNode, {dir_entry("tess")}));
  const NodeId tess = index_.child(kRootNode, "tess").id;
  ASSERT_TRUE(index_.list(tess, {dir_entry("4")}));
  const NodeId sector = index_.child(tess, "4").id;
  ASSERT_TRUE(index_.list(sector, {file_entry("f.fits")}));
  const NodeId file = index_.child(sector, "f.fits").id;
  EXPECT_EQ(index_.catalog().path(file).value(), "tess/4/f.fits");
  EXPECT_FALSE(index_.catalog().pinned(file));
  index_.writer().set_pin(tess, true);
  ASSERT_TRUE(index_.writer().flush());
  EXPECT_TRUE(index_.catalog().pinned(file));
  EXPECT_THAT(*index_.catalog().pins(), ElementsAre(tess));
  EXPECT_FALSE(index_.catalog().pinned(kRootNode));
  index_.writer().set_pin(tess, false);
  ASSERT_TRUE(index_.writer().flush());
  EXPECT_FALSE(index_.catalog().pinned(file));
}

TEST_F(IndexTree, AScanGoesOnFromAnyPlaceOverManyBatches) {
  std::vector<ListedEntry> entries;
  std::vector<std::string> names;
  for (int i = 0; i < 3000; ++i) {
    names.push_back(fmt::format("f{:05}", i));
    entries.push_back(file_entry(names.back()));
  }
  ASSERT_TRUE(index_.list(kRootNode, entries));
  EXPECT_EQ(index_.names(kRootNode), names);
  for (const int at : {0, 15, 16, 17, 1500, 2998, 2999}) {
    const NodeId after = index_.child(kRootNode, names[static_cast<std::size_t>(at)]).id;
    EXPECT_EQ(index_.names(kRootNode, after), std::vector<std::string>(names.begin() + at + 1, names.end()));
  }
  int seen = 0;
  ASSERT_TRUE(index_.catalog().scan(kRootNode, 0, [&](const Node&) { return ++seen < 20; }));
  EXPECT_EQ(seen, 20);
}

TEST_F(IndexTree, AScanMayReadAndWriteTheIndexFromItsVisitor) {
  ASSERT_TRUE(index_.list(kRootNode, {file_entry("a"), file_entry("b")}));
  int seen = 0;
  ASSERT_TRUE(index_.catalog().scan(kRootNode, 0, [&](const Node& node) {
    EXPECT_TRUE(index_.catalog().node(node.id));
    EXPECT_TRUE(index_.set_size(node.id, 200));
    ++seen;
    return true;
  }));
  EXPECT_EQ(seen, 2);
}

TEST_F(IndexTree, ALargeListingShrinksGrowsAndStaysInOrder) {
  std::vector<ListedEntry> all;
  std::vector<ListedEntry> even;
  std::vector<ListedEntry> third;
  for (int i = 0; i < 5000; ++i) {
    all.push_back(file_entry(fmt::format("f{:05}", i)));
    if (i % 2 == 0) even.push_back(all.back());
    if (i % 3 == 0) third.push_back(all.back());
  }
  ASSERT_TRUE(index_.list(kRootNode, even));
  const NodeId first = index_.child(kRootNode, "f00000").id;
  const auto change = index_.list(kRootNode, third);
  ASSERT_TRUE(change);
  EXPECT_TRUE(change->added);
  EXPECT_EQ(change->removed.size(), 2500U - 834U);
  ASSERT_TRUE(index_.list(kRootNode, all));
  EXPECT_EQ(index_.names(kRootNode).size(), 5000U);
  EXPECT_EQ(index_.child(kRootNode, "f00000").id, first);
}

}  // namespace
}  // namespace astrofs::test
