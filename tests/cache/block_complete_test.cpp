// Who is told, and when, that all of a version is here.
#include <gtest/gtest.h>

#include <map>
#include <mutex>

#include "tests/cache/block_support.h"

namespace astrofs {
namespace {

using namespace block_test;

class Heard final : public CompletionObserver {
 public:
  void complete(const FileVersion& version, bool landed) override {
    const std::lock_guard lock(mutex_);
    ++(landed ? landed_ : opened_)[version.object];
  }
  [[nodiscard]] int landed(const FileVersion& version) { return count(landed_, version); }
  [[nodiscard]] int opened(const FileVersion& version) { return count(opened_, version); }

 private:
  int count(std::map<Hash128, int>& counts, const FileVersion& version) {
    const std::lock_guard lock(mutex_);
    return counts[version.object];
  }
  std::mutex mutex_;
  std::map<Hash128, int> landed_, opened_;
};

TEST(BlockCompletion, IsToldWhenTheLastBlockHasLandedAndNotBefore) {
  Heard heard;
  Rig rig;
  rig.cache->observe(&heard);
  rig.source->answer_by_itself(2);
  const FileVersion version = version_of(1, 200 * kBlock + 5);
  ASSERT_TRUE(rig.reads_right(version, {kBlock, 200 * kBlock + 5}));
  ASSERT_TRUE(rig.settle());
  EXPECT_EQ(heard.landed(version), 0);
  ASSERT_TRUE(rig.reads_right(version, {0, 10}));
  ASSERT_TRUE(rig.settle());
  EXPECT_GE(heard.landed(version), 1);
  rig.cache->observe(nullptr);
}

TEST(BlockCompletion, CountsWhatAnEarlierProcessLeft) {
  Heard heard;
  Rig rig;
  rig.source->answer_by_itself(2);
  const FileVersion version = version_of(1, 200 * kBlock);
  ASSERT_TRUE(rig.reads_right(version, {0, 150 * kBlock}));
  ASSERT_TRUE(rig.settle());
  rig.reopen();
  rig.source->answer_by_itself(2);
  rig.cache->observe(&heard);
  ASSERT_TRUE(rig.reads_right(version, {150 * kBlock, 50 * kBlock}));
  ASSERT_TRUE(rig.settle());
  EXPECT_GE(heard.landed(version), 1);
  rig.cache->observe(nullptr);
}

TEST(BlockCompletion, IsToldAtAnOpenOfWhatIsHereAlready) {
  Heard heard;
  Rig rig;
  rig.source->answer_by_itself(2);
  const FileVersion whole = version_of(1, 3 * kBlock);
  const FileVersion part = version_of(2, 3 * kBlock);
  ASSERT_TRUE(rig.reads_right(whole, {0, 3 * kBlock}));
  ASSERT_TRUE(rig.reads_right(part, {0, kBlock}));
  ASSERT_TRUE(rig.settle());
  rig.cache->observe(&heard);
  for (const FileVersion& version : {whole, part}) {
    rig.cache->open(version);
    rig.cache->close(version);
  }
  EXPECT_EQ(heard.opened(whole), 1);
  EXPECT_EQ(heard.opened(part), 0);
  EXPECT_EQ(heard.landed(whole), 0);
  rig.cache->observe(nullptr);
}

TEST(BlockCompletion, WhatIsForgottenIsFetchedAgainThoughSomebodyHasItOpen) {
  Rig rig;
  rig.source->answer_by_itself(2);
  const FileVersion version = version_of(1, 100 * kBlock);
  rig.cache->open(version);
  ASSERT_TRUE(rig.reads_right(version, {0, 100 * kBlock}));
  ASSERT_TRUE(rig.settle());
  const std::uint64_t asked = rig.source->bytes_asked();
  rig.cache->forget(version);
  EXPECT_EQ(rig.cache->presence(version).bytes, 0U);
  ASSERT_TRUE(rig.settle());
  EXPECT_EQ(rig.catalog->used_bytes(), 0U);
  ASSERT_TRUE(rig.reads_right(version, {0, 100 * kBlock}));
  EXPECT_EQ(rig.source->bytes_asked(), 2 * asked);
  rig.cache->close(version);
}

}  // namespace
}  // namespace astrofs
