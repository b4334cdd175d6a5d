// Who walks through a directory and reads the same part of each file is ahead of himself; nobody else is.
#include "fs/sweep.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <future>
#include <map>
#include <set>
#include <vector>

#include "tests/cache/block_support.h"
#include "tests/fs/sky.h"

namespace astrofs {
namespace {

constexpr std::uint64_t kSize = 32ULL << 20;
constexpr ByteRange kHead{0, 64 * 1024};
constexpr ByteRange kRows{1ULL << 20, 32 * 1024};

class NoArchive final : public Archive {
 public:
  Result<std::variant<Listing, NotModified>> list(std::string_view, std::string_view,
                                                  std::stop_token) override {
    return fail(Errc::unavailable, "nobody lists here");
  }
  Result<std::vector<http::Request>> locate(std::string_view) override {
    return fail(Errc::unavailable, "nobody fetches here");
  }
  [[nodiscard]] bool fetches_ahead() const override { return ahead; }

  bool ahead{true};
};

class SweepTest : public ::testing::Test {
 protected:
  static constexpr unsigned kFiles = 200;

  void SetUp() override {
    list(kRootNode, {{"sky", NodeKind::directory, std::nullopt, {}, "", ""}});
    top_ = rig_.catalog->child(kRootNode, "sky")->id;
    list(top_, {{"d", NodeKind::directory, std::nullopt, {}, "d", ""}});
    dir_ = rig_.catalog->child(top_, "d")->id;
    list(dir_, entries());
    archives_ = table_of_sky(*rig_.catalog, archive_);
    sweep_ = std::make_unique<Sweep>(*rig_.catalog, *rig_.cache, *archives_, metrics_);
  }

  virtual std::vector<ListedEntry> entries() {
    std::vector<ListedEntry> all;
    for (unsigned number = 0; number < kFiles; ++number) {
      all.push_back({name(number), NodeKind::file, kSize, {}, name(number), "\"v\""});
    }
    return all;
  }
  static std::string name(unsigned number) { return fmt::format("{:04}.fits", number); }
  void list(NodeId dir, std::vector<ListedEntry> entries) {
    rig_.writer->replace_listing(dir, std::move(entries), {}, {});
    ASSERT_TRUE(rig_.writer->flush());
  }
  Node file(unsigned number) { return rig_.catalog->child(dir_, name(number)).value_or(Node{}); }
  /// A reader reads these of a file.
  void read(unsigned number, const std::vector<ByteRange>& ranges = {kHead}) {
    for (const ByteRange& range : ranges) sweep_->saw(file(number), range);
  }
  /// What was fetched ahead since the last question: by number of the file.
  std::map<unsigned, std::vector<ByteRange>> fetched() {
    std::map<NodeId, unsigned> numbers;
    for (unsigned number = 0; number < kFiles; ++number) numbers.emplace(file(number).id, number);
    std::map<unsigned, std::vector<ByteRange>> all;
    while (rig_.source->pending() > 0) {
      const auto fetch = rig_.source->next();
      all[numbers.at(fetch->version().node)].push_back(fetch->range());
      fetch->end(fail(Errc::unavailable, "only counted"));
    }
    return all;
  }
  std::set<unsigned> files_fetched() {
    std::set<unsigned> numbers;
    for (const auto& [number, ranges] : fetched()) numbers.insert(number);
    return numbers;
  }

  block_test::Rig rig_;
  Metrics metrics_;
  NoArchive* archive_{nullptr};
  NodeId top_{0};
  NodeId dir_{0};
  std::unique_ptr<ArchiveTable> archives_;
  std::unique_ptr<Sweep> sweep_;
};

TEST_F(SweepTest, OneOrTwoFilesAreNoWalk) {
  read(0);
  read(1);
  EXPECT_TRUE(fetched().empty());
}

TEST_F(SweepTest, TheThirdInARowBringsTheSamePartOfThoseThatFollow) {
  for (unsigned number = 5; number < 8; ++number) read(number);
  const auto ahead = fetched();
  ASSERT_FALSE(ahead.empty());
  unsigned next = 8;
  for (const auto& [number, ranges] : ahead) {
    EXPECT_EQ(number, next++) << "those behind the reader and no gap";
    EXPECT_EQ(ranges, std::vector<ByteRange>{kHead});
  }
  EXPECT_EQ(metrics_.value("astrofs_sweep_files_total"), static_cast<std::int64_t>(ahead.size()));
}

TEST_F(SweepTest, AnArchiveOfWhichEachFileIsChosenIsNotWalked) {
  archive_->ahead = false;
  for (unsigned number = 0; number < 20; ++number) read(number);
  EXPECT_TRUE(fetched().empty());
}

TEST_F(SweepTest, EveryPartThatIsReadOfEachFileIsBrought) {
  for (unsigned number = 0; number < 3; ++number) read(number, {kHead, kRows});
  for (const auto& [number, ranges] : fetched()) {
    EXPECT_EQ(ranges, (std::vector<ByteRange>{kHead, kRows})) << number;
  }
}

TEST_F(SweepTest, APartThatIsAnotherInEachFileIsNotBrought) {
  // A header, and then where the star is in that frame.
  for (unsigned number = 0; number < 20; ++number) {
    read(number, {kHead, {kRows.offset + number * 2 * kRows.length, kRows.length}});
  }
  const auto ahead = fetched();
  EXPECT_FALSE(ahead.empty()) << "the headers are alike";
  for (const auto& [number, ranges] : ahead) EXPECT_EQ(ranges, std::vector<ByteRange>{kHead}) << number;
}

TEST_F(SweepTest, FilesReadEachInAnotherPlaceAreNoWalk) {
  for (unsigned number = 0; number < 10; ++number) read(number, {{number * (200ULL << 10), 64 * 1024}});
  EXPECT_TRUE(fetched().empty());
}

TEST_F(SweepTest, NothingIsBroughtTwiceAndNothingIsLeftOut) {
  std::set<unsigned> all;
  for (unsigned number = 0; number < kFiles; ++number) {
    read(number);
    for (const auto& [ahead, ranges] : fetched()) {
      EXPECT_TRUE(all.insert(ahead).second) << ahead;
      EXPECT_EQ(ranges.size(), 1U);
      EXPECT_GT(ahead, number);
    }
  }
  EXPECT_EQ(all.size(), kFiles - 3) << "all but the three that he had to show it with";
}

TEST_F(SweepTest, TheDistanceGrowsWhileTheWalkGoesOnAndHasABound) {
  std::size_t first = 0;
  unsigned furthest = 0;
  unsigned most = 0;
  for (unsigned number = 0; number < kFiles / 2; ++number) {
    read(number);
    for (const unsigned ahead : files_fetched()) furthest = std::max(furthest, ahead);
    if (number == 2) first = furthest - number;
    if (furthest > number) most = std::max(most, furthest - number);
  }
  EXPECT_GE(first, 2U);
  EXPECT_LE(first, 8U);
  EXPECT_GT(most, 2 * first);
  EXPECT_LE(most, 64U) << "4 MiB of headers";
}

TEST_F(SweepTest, WhoJumpsOrGoesBackwardsGetsNothing) {
  for (unsigned i = 0; i < 60; ++i) read(i * 17 % kFiles);
  for (unsigned number = kFiles; number-- > kFiles / 2;) read(number);
  for (unsigned number = 0; number < kFiles; number += 2) read(number);
  EXPECT_TRUE(fetched().empty());
}

TEST_F(SweepTest, AJumpEndsTheWalk) {
  for (unsigned number = 0; number < 10; ++number) read(number);
  (void)fetched();
  read(100);
  read(101);
  EXPECT_TRUE(fetched().empty()) << "as for anybody who begins";
  read(102);
  EXPECT_EQ(*files_fetched().begin(), 103U);
}

TEST_F(SweepTest, WhoCopiesWholeFilesIsNotHelpedHere) {
  for (unsigned number = 0; number < 10; ++number) {
    std::vector<ByteRange> all;
    for (std::uint64_t at = 0; at < kSize; at += 128 * 1024) all.push_back({at, 128 * 1024});
    read(number, all);
  }
  EXPECT_TRUE(fetched().empty());
}

TEST_F(SweepTest, LargePartsAreBroughtOfFewerFiles) {
  const auto furthest = [this](std::uint64_t length) {
    unsigned most = 0;
    for (unsigned number = 0; number < 60; ++number) {
      read(number, {{0, length}});
      for (const unsigned ahead : files_fetched()) most = std::max(most, ahead - number);
    }
    read(kFiles - 1);
    return most;
  };
  const unsigned of_headers = furthest(64 * 1024);
  const unsigned of_cut_outs = furthest(1ULL << 20);
  EXPECT_GT(of_cut_outs, 0U);
  EXPECT_LT(of_cut_outs, of_headers);
}

TEST_F(SweepTest, ManyReadsOfOneFileAreNoWalk) {
  for (unsigned i = 0; i < 20; ++i) read(7);
  EXPECT_TRUE(fetched().empty());
}

TEST_F(SweepTest, TheEndOfTheDirectoryIsTheEnd) {
  for (unsigned number = kFiles - 4; number < kFiles; ++number) read(number);
  EXPECT_EQ(files_fetched(), std::set<unsigned>{kFiles - 1});
}

TEST_F(SweepTest, WhatIsHereIsNotFetched) {
  rig_.source->answer_by_itself(1);
  for (unsigned number = 0; number < 10; ++number) {
    ASSERT_TRUE(rig_.read(archives_->version(file(number)), kHead));
  }
  ASSERT_TRUE(rig_.settle());
  const std::size_t before = rig_.source->fetches();
  for (unsigned number = 0; number < 3; ++number) read(number);
  EXPECT_EQ(rig_.source->fetches(), before);
}

/// Between the files a directory, a file of unknown size, and one that is shorter.
class MixedSweepTest : public SweepTest {
 protected:
  std::vector<ListedEntry> entries() override {
    std::vector<ListedEntry> all = SweepTest::entries();
    all[3].kind = NodeKind::directory;
    all[4].size.reset();
    all[5].size = 2880;
    return all;
  }
};

TEST_F(MixedSweepTest, OnlyFilesOfKnownSizeAreBroughtAndNothingBeyondTheirEnd) {
  for (unsigned number = 0; number < 3; ++number) read(number);
  const auto ahead = fetched();
  EXPECT_FALSE(ahead.contains(3));
  EXPECT_FALSE(ahead.contains(4));
  ASSERT_TRUE(ahead.contains(5));
  EXPECT_EQ(ahead.at(5), (std::vector<ByteRange>{{0, 2880}}));
}

}  // namespace
}  // namespace astrofs
