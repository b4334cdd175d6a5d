// Whole files ahead of need: what is fetched, how much at a time, and what is said of what did not come.
#include "fs/warm.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/cache/block_support.h"

namespace astrofs {
namespace {

using block_test::eventually;
using block_test::version_of;

constexpr std::uint64_t kMiB = 1ULL << 20;
/// As much as a warm asks for at a time, whatever it has to bring.
constexpr std::uint64_t kInAir = 16 * kMiB;

Warmer::File file_of(unsigned number, std::uint64_t size) {
  return {"file" + std::to_string(number), version_of(number, size)};
}

std::vector<Warmer::File> files_of(unsigned first, unsigned count, std::uint64_t size) {
  std::vector<Warmer::File> files;
  for (unsigned number = first; number < first + count; ++number) files.push_back(file_of(number, size));
  return files;
}

bool always(const WarmProgress&) {
  return true;
}

class WarmTest : public ::testing::Test {
 protected:
  block_test::Rig rig_;
};

TEST_F(WarmTest, BringsEveryByteOnceAndSaysSo) {
  rig_.source->answer_by_itself(2);
  const std::vector<Warmer::File> files = files_of(1, 5, 5 * kMiB + 7);
  Warmer warmer(*rig_.cache, always);
  warmer.expect(files.size(), files.size() * (5 * kMiB + 7));
  ASSERT_TRUE(warmer.run(files));
  for (const Warmer::File& file : files) EXPECT_TRUE(rig_.cache->presence(file.version).complete);
  const WarmProgress progress = warmer.progress();
  EXPECT_EQ(progress.files, 5U);
  EXPECT_EQ(progress.files_done, 5U);
  EXPECT_EQ(progress.failed, 0U);
  EXPECT_EQ(progress.bytes_done, progress.bytes);
  EXPECT_EQ(progress.bytes_fetched, progress.bytes);
  EXPECT_TRUE(warmer.failures().empty());
  EXPECT_EQ(rig_.source->bytes_asked(), progress.bytes);
}

TEST_F(WarmTest, WhatIsHereIsNotFetchedAgain) {
  rig_.source->answer_by_itself(1);
  const std::uint64_t size = 6 * kMiB;
  const std::vector<Warmer::File> files = files_of(1, 2, size);
  ASSERT_TRUE(rig_.reads_right(files[0].version, {0, 2 * kMiB}));
  ASSERT_TRUE(rig_.settle());
  const std::uint64_t before = rig_.source->bytes_asked();
  ASSERT_EQ(before, 2 * kMiB);
  Warmer warmer(*rig_.cache, always);
  warmer.expect(2, 2 * size);
  ASSERT_TRUE(warmer.run(files));
  EXPECT_EQ(rig_.source->bytes_asked(), 2 * size);
  EXPECT_EQ(warmer.progress().bytes_done, 2 * size);
  EXPECT_EQ(warmer.progress().bytes_fetched, 2 * size - before);
  Warmer again(*rig_.cache, always);
  ASSERT_TRUE(again.run(files));
  EXPECT_EQ(again.progress().bytes_fetched, 0U);
  EXPECT_EQ(again.progress().files_done, 2U);
}

TEST_F(WarmTest, BatchesAddUpToOneProgress) {
  rig_.source->answer_by_itself(2);
  std::vector<std::size_t> seen;
  Warmer warmer(*rig_.cache, [&seen](const WarmProgress& now) {
    seen.push_back(now.files_done);
    return true;
  });
  warmer.expect(12, 12 * kMiB);
  for (unsigned batch = 0; batch < 4; ++batch) ASSERT_TRUE(warmer.run(files_of(1 + 3 * batch, 3, kMiB)));
  EXPECT_EQ(warmer.progress().files_done, 12U);
  EXPECT_EQ(warmer.progress().bytes_done, 12 * kMiB);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_EQ(seen.back(), 12U);
}

TEST_F(WarmTest, NoMoreThanAFewPiecesAreInTheAir) {
  const std::vector<Warmer::File> files = files_of(1, 3, 40 * kMiB);
  std::atomic<unsigned> reports{0};
  std::atomic<bool> goes_on{true};
  Warmer warmer(*rig_.cache, [&](const WarmProgress&) {
    ++reports;
    return goes_on.load();
  });
  bool whole = true;
  std::jthread run([&] { whole = warmer.run(files); });
  // It reports while it waits for room: then it has asked for all that it will.
  EXPECT_TRUE(eventually([&] { return reports > 0; }));
  EXPECT_GT(rig_.source->bytes_asked(), 0U);
  EXPECT_LE(rig_.source->bytes_asked(), kInAir);
  goes_on = false;
  run.join();
  EXPECT_FALSE(whole);
}

TEST_F(WarmTest, OneThatIsEndedLeavesNobodyWaiting) {
  Warmer warmer(*rig_.cache, [](const WarmProgress&) { return false; });
  EXPECT_FALSE(warmer.run(files_of(1, 2, 40 * kMiB)));
  EXPECT_EQ(rig_.cache->parked(), 0U);
  EXPECT_EQ(warmer.progress().bytes_fetched, 0U);
}

TEST_F(WarmTest, AFileThatFailsIsNamedOnceAndTheOthersCome) {
  rig_.source->answer_by_itself(1);
  const Warmer::File good = file_of(1, 2 * kMiB);
  ASSERT_TRUE(Warmer(*rig_.cache, always).run({good}));
  rig_.source->refuse(Errc::unavailable);
  Warmer warmer(*rig_.cache, always);
  ASSERT_TRUE(warmer.run({file_of(2, 21 * kMiB), good}));
  EXPECT_EQ(warmer.progress().failed, 1U);
  EXPECT_EQ(warmer.progress().files_done, 2U);
  ASSERT_EQ(warmer.failures().size(), 1U);
  EXPECT_EQ(warmer.failures()[0].path, "file2");
  EXPECT_EQ(warmer.failures()[0].error.code, Errc::unavailable);
}

TEST_F(WarmTest, EachOfVeryManyFailuresIsCountedOnceAndTheFirstAreNamed) {
  rig_.source->refuse(Errc::unavailable);
  constexpr unsigned kMany = Warmer::kMostFailures + 300;
  Warmer warmer(*rig_.cache, always);
  for (unsigned first = 1; first <= kMany; first += 100)
    ASSERT_TRUE(warmer.run(files_of(first, 100, kBlockSize)));
  EXPECT_EQ(warmer.progress().failed, kMany);
  EXPECT_EQ(warmer.failures().size(), Warmer::kMostFailures);
}

TEST_F(WarmTest, WhatComesASecondTimeIsDoneOnce) {
  rig_.source->answer_by_itself(1);
  const std::vector<Warmer::File> files = files_of(1, 2, 2 * kMiB);
  Warmer warmer(*rig_.cache, always);
  warmer.expect(2, 4 * kMiB);
  ASSERT_TRUE(warmer.run(files));
  rig_.cache->forget(files[0].version);
  ASSERT_TRUE(warmer.run_again({files[0]}));
  EXPECT_TRUE(rig_.cache->presence(files[0].version).complete);
  EXPECT_EQ(warmer.progress().files_done, 2U);
  EXPECT_EQ(warmer.progress().bytes_done, 4 * kMiB);
  EXPECT_EQ(warmer.progress().bytes_fetched, 6 * kMiB);
}

TEST_F(WarmTest, AnEmptyFileIsThereAlready) {
  Warmer warmer(*rig_.cache, always);
  ASSERT_TRUE(warmer.run({file_of(1, 0)}));
  EXPECT_EQ(warmer.progress().files_done, 1U);
  EXPECT_EQ(warmer.progress().failed, 0U);
  EXPECT_EQ(rig_.source->fetches(), 0U);
}

class WarmInASmallCache : public ::testing::Test {
 protected:
  static BlockCacheOptions small() {
    BlockCacheOptions options;
    options.quota = 2 * kMiB;
    return options;
  }
  WarmInASmallCache() { rig_.source->answer_by_itself(1); }
  block_test::Rig rig_{small()};
};

TEST_F(WarmInASmallCache, WhatIsFetchedAndCannotBeKeptIsAFailure) {
  Warmer warmer(*rig_.cache, always);
  const Warmer::File file = file_of(1, 8 * kMiB);
  ASSERT_TRUE(warmer.run({file}));
  for (unsigned visit = 0; visit < 2; ++visit) warmer.check_kept(file);
  ASSERT_EQ(warmer.failures().size(), 1U);
  EXPECT_EQ(warmer.failures()[0].error.code, Errc::no_space);
  EXPECT_EQ(warmer.progress().failed, 1U) << "by whatever names it is met";
  EXPECT_TRUE(warmer.has_failed(file.version.node));
}

TEST_F(WarmInASmallCache, WhatALaterRunDroveOutIsAFailure) {
  Warmer warmer(*rig_.cache, always);
  const std::vector<Warmer::File> files = files_of(1, 32, 4 * kBlockSize);
  for (const Warmer::File& file : files) {
    ASSERT_TRUE(warmer.run({file}));
    ASSERT_TRUE(rig_.cache->presence(file.version).complete);
    ASSERT_TRUE(rig_.settle());
    rig_.cache->evict_to_quota();
  }
  EXPECT_EQ(warmer.progress().failed, 0U);
  std::size_t gone = 0;
  for (const Warmer::File& file : files) {
    warmer.check_kept(file);
    if (!rig_.cache->presence(file.version).complete) ++gone;
  }
  EXPECT_GT(gone, 0U);
  EXPECT_LT(gone, files.size());
  EXPECT_EQ(warmer.progress().failed, gone);
  EXPECT_EQ(warmer.failures().size(), gone);
}

}  // namespace
}  // namespace astrofs
