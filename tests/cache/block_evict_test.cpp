// Eviction and the quota.
#include <gtest/gtest.h>

#include <atomic>

#include "tests/cache/block_support.h"

namespace astrofs::block_test {
namespace {

BlockCacheOptions with_quota(std::uint64_t blocks) {
  BlockCacheOptions options;
  options.quota = blocks * kBlock;
  options.fruitless_pause = milliseconds(0);
  return options;
}

/// The index's, the directories' and the file system's own blocks are not counted by the quota; a file's
/// extent blocks are, late.
constexpr std::uint64_t kExtentSlack = 64 * 1024;

TEST(BlockCache, EvictForgetsAFileAndGivesItsSpaceBack) {
  Rig rig;
  rig.source->answer_by_itself(1);
  const auto file = version_of(1, 20 * kBlock);
  EXPECT_TRUE(rig.reads_right(file, {0, file.size}));
  ASSERT_TRUE(rig.settle());
  EXPECT_GE(rig.cache->disk_bytes(), file.size);
  EXPECT_GE(rig.cache->evict(file).value(), file.size);
  EXPECT_EQ(rig.du(), 0U);
  EXPECT_EQ(rig.cache->disk_bytes(), 0U);
  EXPECT_EQ(rig.cache->presence(file).bytes, 0U);
  EXPECT_EQ(rig.catalog->object(file.object).error().code, Errc::not_found);
  EXPECT_TRUE(rig.reads_right(file, {0, file.size}));
  ASSERT_TRUE(rig.settle());
  EXPECT_TRUE(rig.cache->presence(file).complete) << "kept again";
  rig.reopen(true);
  EXPECT_TRUE(rig.reads_right(file, {0, file.size}));
  EXPECT_EQ(rig.source->fetches(), 0U);
}

TEST(BlockCache, WhatWentForItsRoomIsFetchedAsItsReaderHasIt) {
  Rig rig(with_quota(1));
  auto file = version_of(1, 4 * kBlock);
  file.scope = "somebody";
  std::int64_t evicted = 0;
  for (int round = 0; round < 2; ++round) {
    Answer answer;
    (void)rig.park(file, {0, 4 * kBlock}, answer);
    const auto fetch = rig.source->next();
    ASSERT_TRUE(fetch);
    EXPECT_EQ(fetch->version().scope, "somebody") << "the index knows nothing of it";
    fetch->serve();
    ASSERT_TRUE(rig.settle());
    // It may just have been looked for while the file was still in use.
    EXPECT_TRUE(eventually([&] {
      rig.cache->evict_to_quota();
      return rig.metrics.value("astrofs_cache_evicted_total") > evicted;
    }));
    evicted = rig.metrics.value("astrofs_cache_evicted_total");
  }
}

TEST(BlockCache, AnOpenFileIsNotEvicted) {
  Rig rig;
  rig.source->answer_by_itself(1);
  const auto file = version_of(1, 4 * kBlock);
  rig.cache->open(file);
  EXPECT_TRUE(rig.reads_right(file, {0, file.size}));
  ASSERT_TRUE(rig.settle());
  EXPECT_EQ(rig.cache->evict(file).error().code, Errc::unavailable);
  EXPECT_TRUE(rig.cache->presence(file).complete);
  rig.cache->close(file);
  EXPECT_TRUE(rig.cache->evict(file));
}

TEST(BlockCache, MakesRoomOldestUseFirstAndSparesOpenAndPinnedFiles) {
  Rig rig;
  rig.source->answer_by_itself(1);
  ListedEntry entry;
  entry.name = "pinned.fits";
  entry.size = 10 * kBlock;
  Result<Node> node = fail(Errc::internal, "not asked");
  rig.writer->add_child(kRootNode, entry, [&](Result<Node> made) { node = std::move(made); });
  ASSERT_TRUE(rig.writer->flush());
  ASSERT_TRUE(node) << node.error().message;
  std::vector<FileVersion> files;
  for (unsigned n = 0; n < 8; ++n) {
    files.push_back(version_of(n, 10 * kBlock));
    if (n == 1 || n == 2) files.back().node = node->id;
    if (n == 2) ++files.back().generation;
    EXPECT_TRUE(rig.reads_right(files[n], {0, files[n].size}));
    ASSERT_TRUE(rig.settle());
  }
  rig.writer->set_pin(node->id, true);
  ASSERT_TRUE(rig.writer->flush());
  rig.options.quota = 50 * kBlock;
  rig.reopen();
  rig.cache->open(files[0]);
  ASSERT_TRUE(rig.writer->flush());
  rig.cache->evict_to_quota();
  EXPECT_TRUE(rig.cache->presence(files[0]).complete) << "open";
  EXPECT_TRUE(rig.cache->presence(files[1]).complete) << "pinned";
  EXPECT_EQ(rig.cache->presence(files[2]).bytes, 0U) << "the oldest, and no version of the pinned file now";
  EXPECT_EQ(rig.cache->presence(files[3]).bytes, 0U);
  EXPECT_TRUE(rig.cache->presence(files[7]).complete) << "the newest";
  EXPECT_LE(rig.cache->disk_bytes(), rig.options.quota);
  EXPECT_LE(rig.du(), rig.options.quota + kExtentSlack);
}

/// So many files of one block are here, all of them in the directory of that node.
std::vector<FileVersion> filled(Rig& rig, unsigned count, NodeId node) {
  rig.source->answer_by_itself(1);
  std::vector<FileVersion> files;
  for (unsigned n = 0; n < count; ++n) {
    files.push_back(version_of(n, kBlock));
    files.back().node = node;
    EXPECT_TRUE(rig.reads_right(files.back(), {0, kBlock}));
  }
  EXPECT_TRUE(rig.settle());
  return files;
}

TEST(BlockCache, LooksAtEachPinnedFileOnceToMakeRoom) {
  constexpr unsigned kFiles = 700;  // more than are read from the index at a time
  Rig rig;
  (void)filled(rig, kFiles, kRootNode);
  rig.writer->set_pin(kRootNode, true);
  ASSERT_TRUE(rig.writer->flush());
  rig.options = with_quota(kFiles / 2);
  rig.reopen();
  rig.cache->evict_to_quota();
  EXPECT_EQ(rig.metrics.value("astrofs_cache_candidates_total"), kFiles);
  EXPECT_EQ(rig.metrics.value("astrofs_cache_evicted_total"), 0);
}

TEST(BlockCache, MakingRoomForgetsNoFileThatWasRefused) {
  Rig rig;
  const auto files = filled(rig, 10, kRootNode);
  rig.cache->forget(files[0]);
  rig.writer->set_verdict(files[0], Verdict::refused, "its sum is another");
  ASSERT_TRUE(rig.writer->flush());
  rig.options = with_quota(5);
  rig.reopen();
  rig.cache->evict_to_quota();
  EXPECT_GT(rig.metrics.value("astrofs_cache_evicted_total"), 0);
  const auto refused = rig.catalog->object(files[0].object);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->verdict, Verdict::refused);
  EXPECT_TRUE(rig.cache->evict(files[0])) << "on request it goes";
  EXPECT_FALSE(rig.catalog->object(files[0].object));
}

TEST(BlockCache, WhereNothingMayGoItIsNotLookedForAgainAtOnce) {
  Rig rig;
  const auto files = filled(rig, 10, kRootNode);
  rig.options = with_quota(5);
  rig.options.fruitless_pause = std::chrono::hours(1);
  rig.reopen();
  for (const FileVersion& file : files) rig.cache->open(file);
  for (int round = 0; round < 3; ++round) rig.cache->evict_to_quota();
  EXPECT_EQ(rig.metrics.value("astrofs_cache_candidates_total"), 10);
  for (const FileVersion& file : files) rig.cache->close(file);
  rig.cache->evict_to_quota();
  EXPECT_EQ(rig.metrics.value("astrofs_cache_candidates_total"), 10);
}

TEST(BlockCache, OfflineNothingGoesByItselfHoweverSmallTheQuota) {
  Rig rig;
  const auto files = filled(rig, 16, kRootNode);
  rig.options = with_quota(8);
  rig.options.offline = true;
  rig.reopen();
  rig.cache->evict_to_quota();
  EXPECT_FALSE(rig.cache->lend(kBlock)) << "there is no room below the quota";
  ASSERT_TRUE(rig.settle());
  for (const FileVersion& file : files) EXPECT_TRUE(rig.cache->presence(file).complete);
  EXPECT_TRUE(rig.cache->evict(files[0])) << "as it was told to";
  EXPECT_EQ(rig.cache->presence(files[0]).bytes, 0U);
}

TEST(BlockCache, OfflineWhatIsWrittenMakesRoomForItselfAndNoMore) {
  Rig rig;
  (void)filled(rig, 32, kRootNode);
  rig.options = with_quota(32);
  rig.options.offline = true;
  rig.reopen();
  rig.cache->evict_to_quota();
  EXPECT_EQ(rig.metrics.value("astrofs_cache_evicted_total"), 0);
  EXPECT_TRUE(eventually([&] { return rig.cache->lend(kBlock); }));
  ASSERT_TRUE(rig.settle());
  EXPECT_GT(rig.metrics.value("astrofs_cache_evicted_total"), 0);
  EXPECT_LE(rig.metrics.value("astrofs_cache_evicted_total"), 3);
}

TEST(BlockCache, WhenNothingMayGoBytesAreServedAndNotKept) {
  Rig rig(with_quota(20));
  rig.source->answer_by_itself(2);
  const auto file = version_of(1, 100 * kBlock);
  rig.cache->open(file);
  for (int round = 0; round < 2; ++round) {
    for (std::uint64_t at = 0; at < file.size; at += 5 * kBlock)
      EXPECT_TRUE(rig.reads_right(file, {at, 5 * kBlock}));
  }
  ASSERT_TRUE(rig.settle());
  EXPECT_LE(rig.du(), rig.options.quota + kExtentSlack);
  EXPECT_LE(rig.cache->presence(file).bytes, rig.options.quota);
  EXPECT_GT(rig.cache->presence(file).bytes, 0U);
  EXPECT_GT(rig.metrics.value("astrofs_cache_discarded_bytes_total"), 0);
  rig.cache->close(file);
}

TEST(BlockCache, StreamingMoreThanTheQuotaStaysBelowItAllTheTime) {
  Rig rig(with_quota(200));
  rig.source->answer_by_itself(3);
  std::atomic<bool> over{false};
  std::uint64_t highest = 0;
  std::jthread watcher([&] {
    while (!over) {
      highest = std::max(highest, rig.du());
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  std::vector<std::jthread> readers;
  std::atomic<int> wrong{0};
  for (unsigned reader = 0; reader < 3; ++reader) {
    readers.emplace_back([&, reader] {
      for (unsigned n = 0; n < 20; ++n) {
        const auto file = version_of(reader * 100 + n, 40 * kBlock + n);
        rig.cache->open(file);
        for (std::uint64_t at = 0; at < file.size; at += 8 * kBlock) {
          if (!rig.reads_right(file, {at, 8 * kBlock}, {at, 16 * kBlock})) ++wrong;
        }
        rig.cache->close(file);
      }
    });
  }
  readers.clear();
  over = true;
  watcher.join();
  EXPECT_EQ(wrong, 0);
  ASSERT_TRUE(rig.settle());
  rig.cache->evict_to_quota();
  highest = std::max(highest, rig.du());
  EXPECT_GT(highest, rig.options.quota / 2);
  // Adding up takes a moment, in which an object that was counted may go and another take its room.
  EXPECT_LE(highest, rig.options.quota + kExtentSlack + 41 * kBlock);
  EXPECT_GT(rig.metrics.value("astrofs_cache_evicted_total"), 0);
  const std::uint64_t counted = rig.cache->disk_bytes();
  ASSERT_TRUE(rig.cache->resum());
  EXPECT_EQ(rig.cache->disk_bytes(), rig.du());
  EXPECT_NEAR(static_cast<double>(counted), static_cast<double>(rig.du()), static_cast<double>(kExtentSlack));
}

TEST(BlockCache, AReaderWhoComesDuringEvictionReadsRight) {
  Rig rig;
  rig.source->answer_by_itself(2);
  const auto file = version_of(1, 30 * kBlock);
  std::atomic<bool> over{false};
  std::jthread evictor([&] {
    while (!over) (void)rig.cache->evict(file);
  });
  // On a busy machine the evictor meets the file open each time: as many rounds more until it does not.
  const auto evicted = [&] { return rig.metrics.value("astrofs_cache_evicted_total"); };
  for (int round = 0; round < 60 || (evicted() == 0 && round < 60'000); ++round) {
    rig.cache->open(file);
    EXPECT_TRUE(rig.reads_right(file, {0, file.size}));
    EXPECT_TRUE(rig.reads_right(file, {kBlock, 3 * kBlock}));
    rig.cache->close(file);
  }
  over = true;
  evictor.join();
  EXPECT_GT(evicted(), 0);
}

TEST(BlockCache, TheSweepRemovesOrphansAndCountsTheRest) {
  Rig rig;
  rig.source->answer_by_itself(1);
  const auto file = version_of(1, 10 * kBlock);
  EXPECT_TRUE(rig.reads_right(file, {0, file.size}));
  ASSERT_TRUE(rig.settle());
  rig.reopen();
  const auto orphan = version_of(2, 10 * kBlock);
  const auto earlier = version_of(3, 10 * kBlock);
  const std::string junk(5 * kBlock, 'x');
  for (const FileVersion& one : {orphan, earlier})
    ASSERT_TRUE(rig.blocks->object(one.object, true).value()->write(0, as_bytes(junk)));
  using std::filesystem::file_time_type;
  std::filesystem::last_write_time(rig.object_path(earlier), file_time_type::clock::now() - seconds(10));
  ASSERT_TRUE(rig.cache->resum());
  EXPECT_FALSE(std::filesystem::exists(rig.object_path(earlier))) << "of a run before this one";
  EXPECT_TRUE(std::filesystem::exists(rig.object_path(orphan))) << "too young to be an orphan";
  EXPECT_EQ(rig.cache->disk_bytes(), rig.du());
  ASSERT_TRUE(rig.cache->resum({}, seconds(0)));
  EXPECT_FALSE(std::filesystem::exists(rig.object_path(orphan)));
  EXPECT_EQ(rig.cache->disk_bytes(), rig.du());
  EXPECT_TRUE(rig.cache->presence(file).complete);
  EXPECT_EQ(rig.metrics.value("astrofs_cache_orphans_total"), 2);
}

TEST(BlockCache, WhatIsWrittenAndRemovedDuringTheSweepIsCountedOnce) {
  Rig rig;
  rig.source->answer_by_itself(2);
  unsigned number = 0;
  for (; number < 300; ++number) EXPECT_TRUE(rig.reads_right(version_of(number, kBlock), {0, kBlock}));
  ASSERT_TRUE(rig.settle());
  for (int round = 0; round < 20; ++round) {
    std::atomic<bool> over{false};
    std::thread reader([&] {
      while (!over) {
        const auto file = version_of(number++, kBlock);
        EXPECT_TRUE(rig.reads_right(file, {0, file.size}));
        if (number % 3 == 0) (void)rig.cache->evict(version_of(number / 2, kBlock));
      }
    });
    EXPECT_TRUE(rig.cache->resum());
    over = true;
    reader.join();
    ASSERT_TRUE(rig.settle());
    ASSERT_EQ(rig.cache->disk_bytes(), rig.du()) << "round " << round;
  }
}

TEST(BlockCache, AFileOfTerabytesCostsNothingBeforeItIsRead) {
  Rig rig;
  rig.source->answer_by_itself(1);
  const auto file = version_of(1, kLargestFile);
  rig.cache->open(file);
  EXPECT_EQ(rig.cache->presence(file).bytes, 0U);
  EXPECT_TRUE(rig.reads_right(file, {file.size - 100, 100}));
  rig.cache->close(file);
}

}  // namespace
}  // namespace astrofs::block_test
