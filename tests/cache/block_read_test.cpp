// Hits, misses, joining, partial answers, order and size of flights.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <set>

#include "tests/cache/block_support.h"

namespace astrofs::block_test {
namespace {

TEST(BlockCache, AnswersTheSecondReadFromDisk) {
  Rig rig;
  const auto file = version_of(1, 300'000);
  rig.cache->open(file);
  Answer answer;
  (void)rig.park(file, {5, 100}, answer);
  rig.source->next()->serve();
  const auto bytes = answer.get();
  ASSERT_TRUE(bytes);
  EXPECT_EQ(bytes->text(), content_of(file, {5, 100}));
  ASSERT_TRUE(rig.settle());
  EXPECT_TRUE(rig.reads_right(file, {0, kBlock}));
  EXPECT_EQ(rig.source->fetches(), 1U);
  EXPECT_EQ(rig.metrics.value("astrofs_cache_hits_total"), 1);
  EXPECT_EQ(rig.metrics.value("astrofs_cache_misses_total"), 1);
  rig.cache->close(file);
}

TEST(BlockCache, HitsAfterAReopenNeedNoSource) {
  Rig rig;
  const auto file = version_of(1, 3 * kBlock + 77);
  rig.source->answer_by_itself(1);
  EXPECT_TRUE(rig.reads_right(file, {0, file.size}));
  ASSERT_TRUE(rig.settle());
  rig.reopen(true);
  EXPECT_TRUE(rig.reads_right(file, {1, file.size}));
  EXPECT_EQ(rig.source->fetches(), 0U);
  EXPECT_TRUE(rig.cache->presence(file).complete);
  EXPECT_EQ(rig.cache->presence(file).bytes, file.size);
}

TEST(BlockCache, CutsReadsAtTheEndOfTheFile) {
  Rig rig;
  const auto file = version_of(1, kBlock + 10);
  rig.source->answer_by_itself(1);
  EXPECT_TRUE(rig.reads_right(file, {kBlock + 4, 1000}));
  EXPECT_TRUE(rig.reads_right(file, {kBlock + 10, 1000}));
  EXPECT_TRUE(rig.reads_right(file, {~std::uint64_t{0} - 5, 3}));
  EXPECT_TRUE(rig.reads_right(version_of(2, 0), {0, 10}));
  EXPECT_EQ(rig.source->fetches(), 1U);
}

TEST(BlockCache, FetchesWholeBlocksAndTheLastOneCutAtTheSize) {
  Rig rig;
  const auto file = version_of(1, 2 * kBlock + 5);
  Answer first, last;
  (void)rig.park(file, {kBlock - 1, 2}, first);
  EXPECT_EQ(rig.source->next()->range(), (ByteRange{0, 2 * kBlock}));
  (void)rig.park(file, {2 * kBlock, 5}, last);
  EXPECT_EQ(rig.source->next()->range(), (ByteRange{2 * kBlock, 5}));
}

TEST(BlockCache, BringsThirtyTwoReadersOfOneBlockWithOneFetch) {
  Rig rig;
  const auto file = version_of(1, 10 * kBlock);
  std::array<Answer, 32> answers;
  std::vector<std::thread> readers;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    readers.emplace_back([&, i] { (void)rig.park(file, {i * 100, 100}, answers[i]); });
  }
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(rig.cache->parked(), 32U);
  rig.source->next()->serve();
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const auto bytes = answers[i].get();
    ASSERT_TRUE(bytes);
    EXPECT_EQ(bytes->text(), content_of(file, {i * 100, 100}));
    EXPECT_EQ(answers[i].calls(), 1);
  }
  EXPECT_EQ(rig.source->fetches(), 1U);
  EXPECT_EQ(rig.cache->parked(), 0U);
}

TEST(BlockCache, JoinsWhatIsInTheAirAndFetchesOnlyTheRest) {
  Rig rig;
  const auto file = version_of(1, 10 * kBlock);
  Answer first, second;
  (void)rig.park(file, {2 * kBlock, 2 * kBlock}, first);
  (void)rig.park(file, {0, 6 * kBlock}, second);
  const auto middle = rig.source->next();
  const auto before = rig.source->next();
  const auto after = rig.source->next();
  EXPECT_EQ(middle->range(), (ByteRange{2 * kBlock, 2 * kBlock}));
  EXPECT_EQ(before->range(), (ByteRange{0, 2 * kBlock}));
  EXPECT_EQ(after->range(), (ByteRange{4 * kBlock, 2 * kBlock}));
  after->serve();
  middle->serve();
  ASSERT_TRUE(first.get());
  EXPECT_FALSE(second.ready());
  before->serve();
  const auto bytes = second.get();
  ASSERT_TRUE(bytes);
  EXPECT_EQ(bytes->text(), content_of(file, {0, 6 * kBlock}));
}

TEST(BlockCache, AnswersAReaderAsSoonAsItsOwnBytesAreThere) {
  Rig rig;
  const auto file = version_of(1, 30 * kBlock);
  Answer early, late;
  (void)rig.park(file, {100, 50}, early, {0, 30 * kBlock});
  (void)rig.park(file, {20 * kBlock, 50}, late);
  const auto fetch = rig.source->next();
  ASSERT_EQ(fetch->range(), (ByteRange{0, 30 * kBlock}));
  ASSERT_TRUE(fetch->begin());
  ASSERT_TRUE(fetch->send_to(kBlock + 7));
  const auto bytes = early.get();
  ASSERT_TRUE(bytes);
  EXPECT_EQ(bytes->text(), content_of(file, {100, 50}));
  EXPECT_FALSE(late.ready());
  // What has arrived is there for others too, while the flight goes on.
  EXPECT_TRUE(rig.reads_right(file, {0, kBlock}));
  ASSERT_TRUE(fetch->send_to(file.size));
  fetch->end();
  EXPECT_TRUE(late.get());
  EXPECT_EQ(rig.source->fetches(), 1U);
}

TEST(BlockCache, AVersionOfLargeRequestsIsFetchedInWholePieces) {
  Rig rig;
  constexpr std::uint64_t kPiece = 16 * kBlock;
  auto file = version_of(1, 100 * kBlock + 7);
  file.least_request = kPiece;
  Answer middle, last;
  // Eight pages of a piece far behind its first: no small flight leads.
  (void)rig.park(file, {kPiece + 12 * kBlock, 10}, middle);
  EXPECT_EQ(rig.source->next()->range(), (ByteRange{kPiece, kPiece}));
  (void)rig.park(file, {file.size - 1, 1}, last);
  EXPECT_EQ(rig.source->next()->range(), ByteRange::between(6 * kPiece, file.size));
  rig.cache->prefetch(file, {4 * kPiece - 1, 2});
  std::uint64_t ahead = 0;
  while (rig.source->pending() > 0) {
    const auto fetch = rig.source->next();
    EXPECT_EQ(fetch->range().offset % kPiece, 0U);
    EXPECT_EQ(fetch->range().length % kPiece, 0U);
    ahead += fetch->range().length;
  }
  EXPECT_EQ(ahead, 2 * kPiece);
}

TEST(BlockCache, StartsTheFlightOfTheFirstBlockWaitedForFirst) {
  BlockCacheOptions options;
  options.largest_flight = 32 * kBlock;
  Rig rig(options);
  const auto file = version_of(1, 200 * kBlock);
  Answer answer;
  (void)rig.park(file, {100 * kBlock, 10}, answer, {0, 200 * kBlock});
  const auto first = rig.source->next();
  EXPECT_LE(first->range().offset, 100 * kBlock);
  EXPECT_GT(first->range().end(), 100 * kBlock);
  EXPECT_LE(100 * kBlock - first->range().offset, 256U * 1024)
      << "the reader waits behind bytes nobody needs now";
  EXPECT_EQ(first->urgency(), FetchUrgency::demand);
  std::uint64_t sum = first->range().length;
  while (rig.source->pending() > 0) {
    const auto fetch = rig.source->next();
    EXPECT_EQ(fetch->urgency(), FetchUrgency::prefetch);
    EXPECT_LE(fetch->range().length, options.largest_flight);
    sum += fetch->range().length;
  }
  EXPECT_EQ(sum, file.size) << "every block once";
}

TEST(BlockCache, PrefetchTakesOnlyWhatIsNeitherHereNorInTheAir) {
  Rig rig;
  const auto file = version_of(1, 8 * kBlock);
  Answer answer;
  (void)rig.park(file, {0, kBlock}, answer);
  rig.source->next()->serve();
  ASSERT_TRUE(answer.get());
  Answer flying;
  (void)rig.park(file, {3 * kBlock, kBlock}, flying);
  rig.cache->prefetch(file, {0, file.size}, FetchUrgency::background);
  (void)rig.source->next();
  const auto one = rig.source->next();
  const auto two = rig.source->next();
  EXPECT_EQ(one->range(), (ByteRange{kBlock, 2 * kBlock}));
  EXPECT_EQ(two->range(), (ByteRange{4 * kBlock, 4 * kBlock}));
  EXPECT_EQ(one->urgency(), FetchUrgency::background);
  EXPECT_EQ(rig.source->pending(), 0U);
}

TEST(BlockCache, ReadCachedNeverFetches) {
  Rig rig;
  const auto file = version_of(1, 4 * kBlock);
  EXPECT_EQ(rig.cache->read_cached(file, {0, 10}).error().code, Errc::not_found);
  Answer answer;
  (void)rig.park(file, {0, kBlock}, answer);
  rig.source->next()->serve();
  ASSERT_TRUE(answer.get());
  EXPECT_TRUE(rig.cache->read_cached(file, {7, 10}).value().text() == content_of(file, {7, 10}));
  EXPECT_EQ(rig.cache->read_cached(file, {0, kBlock + 1}).error().code, Errc::not_found);
  EXPECT_EQ(rig.source->fetches(), 1U);
}

TEST(BlockCache, PresentRangesAreMergedAndCut) {
  Rig rig;
  const auto file = version_of(1, 6 * kBlock + 9);
  rig.source->answer_by_itself(1);
  EXPECT_TRUE(rig.reads_right(file, {kBlock, 2 * kBlock}));
  EXPECT_TRUE(rig.reads_right(file, {6 * kBlock, 9}));
  ASSERT_TRUE(rig.settle());
  const std::vector<ByteRange> all{{kBlock, 2 * kBlock}, {6 * kBlock, 9}};
  EXPECT_EQ(rig.cache->present_ranges(file, {0, file.size}), all);
  const std::vector<ByteRange> part{{kBlock + 5, kBlock}};
  EXPECT_EQ(rig.cache->present_ranges(file, {kBlock + 5, kBlock}), part);
  EXPECT_EQ(rig.cache->presence(file).bytes, 2 * kBlock + 9);
  EXPECT_FALSE(rig.cache->presence(file).complete);
}

/// Memory of this process, in bytes.
std::uint64_t resident() {
  std::uint64_t addresses = 0;
  std::uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> addresses >> pages;
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

TEST(BlockCache, WhatIsHereOfATerabyteIsToldInTheMemoryOfWhatIsHere) {
  Rig rig;
  rig.source->answer_by_itself(1);
  const auto file = version_of(1, std::uint64_t{1} << 40U);
  const ByteRange last{file.size - kBlock, kBlock};
  EXPECT_TRUE(rig.reads_right(file, {0, kBlock}));
  EXPECT_TRUE(rig.reads_right(file, last));
  ASSERT_TRUE(rig.settle());
  const std::uint64_t before = resident();
  EXPECT_EQ(rig.cache->presence(file).bytes, 2 * kBlock);
  EXPECT_LT(resident(), before + (64U << 20U)) << "a record for each MiB would be ten times that";
  rig.reopen(true);
  EXPECT_TRUE(rig.reads_right(file, last));
  EXPECT_EQ(rig.cache->presence(file).bytes, 2 * kBlock);
  EXPECT_EQ(rig.source->fetches(), 0U);
}

TEST(BlockCache, AnAnswerOfAWholeLargeFileCostsTheMemoryOfWhatItBrings) {
  Rig rig;
  const auto file = version_of(1, std::uint64_t{64} << 30U);
  Answer first, far;
  (void)rig.park(file, {0, kBlock}, first);
  const auto fetch = rig.source->next();
  ASSERT_NE(fetch, nullptr);
  const std::uint64_t before = resident();
  ASSERT_TRUE(fetch->begin({0, file.size}));
  ASSERT_TRUE(fetch->send_to(3 * kBlock));
  EXPECT_TRUE(first.get());
  (void)rig.park(file, {file.size - kBlock, kBlock}, far);
  EXPECT_EQ(rig.source->pending(), 0U) << "it is on its way";
  EXPECT_LT(resident(), before + (64U << 20U)) << "an entry for each block would be six times that";
  fetch->fail_with(Errc::unavailable);
  EXPECT_EQ(far.get().error().code, Errc::unavailable);
  ASSERT_TRUE(rig.settle());
  EXPECT_TRUE(rig.reads_right(file, {0, 3 * kBlock}));
  EXPECT_EQ(rig.source->fetches(), 1U) << "what came with it is kept";
}

TEST(BlockCache, OfflineMissesFailAtOnceAndHitsDoNot) {
  Rig rig;
  const auto file = version_of(1, 4 * kBlock);
  rig.source->answer_by_itself(1);
  EXPECT_TRUE(rig.reads_right(file, {0, kBlock}));
  ASSERT_TRUE(rig.settle());
  rig.options.offline = true;
  rig.reopen(true);
  EXPECT_TRUE(rig.reads_right(file, {0, kBlock}));
  EXPECT_EQ(rig.read(file, {0, 2 * kBlock}).error().code, Errc::offline);
  rig.cache->prefetch(file, {0, file.size});
  EXPECT_EQ(rig.source->fetches(), 0U);
  EXPECT_EQ(rig.cache->parked(), 0U);
}

TEST(BlockCache, AStreamOfTheWholeFileServesEveryReader) {
  Rig rig;
  const auto file = version_of(1, 600 * kBlock + 3);
  Answer asked, other;
  (void)rig.park(file, {50 * kBlock, 10}, asked);
  const auto fetch = rig.source->next();
  ASSERT_TRUE(fetch->begin({0, file.size}));
  ASSERT_TRUE(fetch->send_to(20 * kBlock));
  (void)rig.park(file, {400 * kBlock, 10}, other);
  rig.cache->prefetch(file, {0, file.size});
  EXPECT_EQ(rig.source->pending(), 0U) << "all of it is on its way";
  EXPECT_TRUE(rig.reads_right(file, {3, 10 * kBlock}));
  ASSERT_TRUE(fetch->send_to(60 * kBlock));
  EXPECT_TRUE(asked.get());
  EXPECT_FALSE(other.ready());
  ASSERT_TRUE(fetch->send_to(file.size));
  fetch->end();
  EXPECT_TRUE(other.get());
  ASSERT_TRUE(rig.settle());
  EXPECT_TRUE(rig.cache->presence(file).complete);
  EXPECT_TRUE(rig.reads_right(file, {0, file.size}));
  EXPECT_EQ(rig.source->fetches(), 1U);
}

TEST(BlockCache, ASecondWholeStreamIsRefusedWhenTheFirstWillBringItsBytes) {
  Rig rig;
  const auto file = version_of(1, 64 * kBlock);
  Answer first, second;
  (void)rig.park(file, {0, 10}, first);
  (void)rig.park(file, {30 * kBlock, 10}, second);
  const auto one = rig.source->next();
  const auto two = rig.source->next();
  ASSERT_TRUE(one->begin({0, file.size}));
  EXPECT_FALSE(two->begin({0, file.size}));
  two->fail_with(Errc::interrupted);
  EXPECT_FALSE(second.ready());
  ASSERT_TRUE(one->send_to(file.size));
  one->end();
  EXPECT_TRUE(first.get());
  EXPECT_TRUE(second.get().value().text() == content_of(file, {30 * kBlock, 10}));
}

TEST(BlockCache, AnAnswerThatBeginsWithinABlockKeepsWholeBlocksOnly) {
  Rig rig;
  const auto file = version_of(1, 10 * kBlock);
  Answer answer;
  (void)rig.park(file, {4 * kBlock, 10}, answer);
  const auto fetch = rig.source->next();
  ASSERT_TRUE(fetch->begin({kBlock + 100, 5 * kBlock}));
  ASSERT_TRUE(fetch->send_to(6 * kBlock + 100));
  fetch->end();
  EXPECT_TRUE(answer.get());
  ASSERT_TRUE(rig.settle());
  const std::vector<ByteRange> whole{{2 * kBlock, 4 * kBlock}};
  EXPECT_EQ(rig.cache->present_ranges(file, {0, file.size}), whole);
  EXPECT_EQ(rig.cache->bytes_in_flight(), 0U);
}

TEST(BlockCache, CancelledReadersAreNotCalledAndTheirBytesAreKept) {
  Rig rig;
  const auto file = version_of(1, 4 * kBlock);
  Answer gone, stays;
  const WaitId id = rig.park(file, {0, kBlock}, gone);
  (void)rig.park(file, {0, kBlock}, stays);
  EXPECT_TRUE(rig.cache->cancel(id));
  EXPECT_FALSE(rig.cache->cancel(id));
  rig.source->next()->serve();
  EXPECT_TRUE(stays.get());
  ASSERT_TRUE(rig.settle());
  EXPECT_EQ(gone.calls(), 0);
  EXPECT_TRUE(rig.reads_right(file, {0, kBlock}));
  EXPECT_EQ(rig.source->fetches(), 1U);
}

TEST(BlockCache, CancelAndAnswerNeverBothHappen) {
  Rig rig;
  const auto file = version_of(1, 2000 * kBlock);
  int cancelled = 0, answered = 0;
  for (std::uint64_t round = 0; round < 300; ++round) {
    Answer answer;
    const WaitId id = rig.park(file, {round * kBlock, 10}, answer);
    const auto fetch = rig.source->next();
    std::jthread server([&] { fetch->serve(); });
    if (round % 3 == 0) std::this_thread::yield();
    const bool won = rig.cache->cancel(id);
    server.join();
    ASSERT_TRUE(rig.settle());
    ASSERT_EQ(answer.calls(), won ? 0 : 1);
    (won ? cancelled : answered)++;
  }
  EXPECT_EQ(cancelled + answered, 300);
}

TEST(BlockCache, AFileClosedWhileAReaderIsParkedStillAnswers) {
  Rig rig;
  const auto file = version_of(1, 4 * kBlock);
  rig.cache->open(file);
  Answer answer;
  (void)rig.park(file, {0, kBlock}, answer);
  rig.cache->close(file);
  rig.source->next()->serve();
  EXPECT_TRUE(answer.get());
}

}  // namespace
}  // namespace astrofs::block_test
