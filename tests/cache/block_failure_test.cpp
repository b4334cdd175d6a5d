// Failing flights, bounded memory, failing disks, and an end with everything in the air.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <array>
#include <csignal>

#include "cache/recent_failures.h"
#include "tests/cache/block_support.h"

namespace astrofs::block_test {
namespace {

TEST(BlockCache, AFailedFlightFailsItsReadersKeepsWhatCameAndIsTriedAgainForTheNext) {
  Rig rig;
  const auto file = version_of(1, 8 * kBlock);
  Answer whole, head;
  (void)rig.park(file, {0, 8 * kBlock}, whole);
  (void)rig.park(file, {0, kBlock}, head);
  const auto fetch = rig.source->next();
  ASSERT_TRUE(fetch->begin());
  ASSERT_TRUE(fetch->send_to(3 * kBlock + 100));
  fetch->fail_with(Errc::unavailable);
  EXPECT_EQ(whole.get().error().code, Errc::unavailable);
  EXPECT_TRUE(head.get());
  ASSERT_TRUE(rig.settle());
  EXPECT_EQ(rig.source->fetches(), 1U) << "a demand is not repeated by the cache";
  Answer again;
  (void)rig.park(file, {0, 8 * kBlock}, again);
  const auto second = rig.source->next();
  EXPECT_EQ(second->range(), (ByteRange{3 * kBlock, 5 * kBlock}));
  second->serve();
  EXPECT_TRUE(again.get().value().text() == content_of(file, {0, 8 * kBlock}));
}

TEST(BlockCache, WhoAsksAgainAtOnceForWhatFailedGetsTheSameErrorAndNoRequest) {
  BlockCacheOptions options;
  options.failure_hold = std::chrono::hours(1);
  Rig rig(options);
  const auto file = version_of(1, 8 * kBlock);
  Answer whole;
  (void)rig.park(file, {0, 8 * kBlock}, whole);
  const auto fetch = rig.source->next();
  ASSERT_TRUE(fetch->begin());
  ASSERT_TRUE(fetch->send_to(3 * kBlock));
  fetch->fail_with(Errc::timed_out);
  EXPECT_EQ(whole.get().error().code, Errc::timed_out);
  ASSERT_TRUE(rig.settle());
  for (int reader = 0; reader < 32; ++reader)
    EXPECT_EQ(rig.read(file, {5 * kBlock, 10}).error().code, Errc::timed_out);
  EXPECT_TRUE(rig.reads_right(file, {0, 3 * kBlock})) << "what came is here";
  EXPECT_EQ(rig.source->fetches(), 1U);
}

TEST(BlockCache, AFileThatCouldNotBeOpenedForOneReadIsThereForTheNext) {
  Rig rig;
  rig.source->answer_by_itself(1);
  const auto file = version_of(1, 8 * kBlock);
  EXPECT_TRUE(rig.reads_right(file, {0, file.size}));
  ASSERT_TRUE(rig.settle());
  rig.options.offline = true;
  rig.reopen();
  ASSERT_TRUE(rig.catalog->object(file.object)) << "the index has a reader before descriptors are used up";
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto refused = rig.read(file, {kBlock, 10});
  ::setrlimit(RLIMIT_NOFILE, &before);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::offline);
  EXPECT_TRUE(rig.reads_right(file, {0, file.size}));
  EXPECT_TRUE(rig.cache->presence(file).complete);
}

TEST(BlockCache, WhatOnlyAPrefetchMissedIsAskedForAtOnce) {
  BlockCacheOptions options;
  options.failure_hold = std::chrono::hours(1);
  Rig rig(options);
  const auto file = version_of(1, 8 * kBlock);
  rig.cache->prefetch(file, {0, file.size});
  rig.source->next()->fail_with(Errc::unavailable);
  ASSERT_TRUE(rig.settle());
  Answer answer;
  (void)rig.park(file, {0, 10}, answer);
  rig.source->next()->serve();
  EXPECT_TRUE(answer.get());
}

TEST(RecentFailures, AreForgottenInTimeAndConcernTheirBlocksOnly) {
  RecentFailures failures;
  const SteadyTime now{};
  failures.note({2, 4}, {Errc::denied, "no"}, now, milliseconds(250));
  EXPECT_FALSE(failures.of(1, now));
  EXPECT_EQ(failures.of(2, now)->code, Errc::denied);
  EXPECT_EQ(failures.of(3, now + milliseconds(249))->message, "no");
  EXPECT_FALSE(failures.of(4, now));
  EXPECT_FALSE(failures.of(3, now + milliseconds(250)));
  failures.note({2, 4}, {Errc::denied, "no"}, now, milliseconds(0));
  EXPECT_TRUE(failures.of(3, now)) << "the first is still there";
  EXPECT_FALSE(failures.of(3, now + milliseconds(250)));
}

TEST(BlockCache, AnErrorWithinFetchIsTheReadersAnswer) {
  Rig rig;
  rig.source->refuse(Errc::denied);
  EXPECT_EQ(rig.read(version_of(1, kBlock), {0, 10}).error().code, Errc::denied);
  EXPECT_TRUE(rig.settle());
}

TEST(BlockCache, AFailedPrefetchIsSilentAndCostsTheNextReaderNothing) {
  Rig rig;
  const auto file = version_of(1, 8 * kBlock);
  rig.cache->prefetch(file, {0, file.size});
  rig.source->next()->fail_with(Errc::timed_out);
  ASSERT_TRUE(rig.settle());
  Answer answer;
  (void)rig.park(file, {0, 10}, answer);
  rig.source->next()->serve();
  EXPECT_TRUE(answer.get());
}

TEST(BlockCache, AReaderWhoJoinedAPrefetchThatFailsGetsAFlightOfItsOwnOnce) {
  Rig rig;
  const auto file = version_of(1, 8 * kBlock);
  rig.cache->prefetch(file, {0, file.size});
  Answer answer;
  (void)rig.park(file, {2 * kBlock, 2 * kBlock}, answer);
  rig.source->next()->fail_with(Errc::unavailable);
  const auto again = rig.source->next();
  EXPECT_EQ(again->range(), (ByteRange{2 * kBlock, 2 * kBlock}));
  EXPECT_EQ(again->urgency(), FetchUrgency::demand);
  EXPECT_FALSE(answer.ready());
  again->fail_with(Errc::timed_out);
  EXPECT_EQ(answer.get().error().code, Errc::timed_out);
  EXPECT_TRUE(rig.settle());
  EXPECT_EQ(rig.source->fetches(), 2U);
}

TEST(BlockCache, FinalErrorsOfAPrefetchReachTheReaderWhoJoined) {
  for (const Errc code : {Errc::not_found, Errc::denied, Errc::stale, Errc::corrupt, Errc::offline}) {
    Rig rig;
    const auto file = version_of(1, kBlock);
    rig.cache->prefetch(file, {0, file.size});
    Answer answer;
    (void)rig.park(file, {0, 10}, answer);
    rig.source->next()->fail_with(code);
    EXPECT_EQ(answer.get().error().code, code);
    EXPECT_EQ(rig.source->fetches(), 1U);
  }
}

TEST(BlockCache, ASourceThatBreaksItsPromiseIsCorruptAndKeepsNothing) {
  Rig rig;
  const auto file = version_of(1, 8 * kBlock);
  const std::array<std::function<void(Fetch&)>, 5> lies{
      [](Fetch& fetch) {
        EXPECT_FALSE(fetch.begin({kBlock, kBlock}));
      },  // not what was asked
      [](Fetch& fetch) {
        EXPECT_FALSE(fetch.begin({0, fetch.version().size + 1}));
      },                                                 // beyond the file
      [](Fetch& fetch) { EXPECT_TRUE(fetch.begin()); },  // success without a byte
      [](Fetch& fetch) {
        EXPECT_TRUE(fetch.begin());
        EXPECT_EQ(fetch.send_raw(5, "a gap"), Sink::Flow::stop);
      },
      [](Fetch& fetch) {
        EXPECT_TRUE(fetch.begin());
        EXPECT_EQ(fetch.send_raw(0, std::string(fetch.range().length + 1, 'x')), Sink::Flow::stop);
      }};
  for (const auto& lie : lies) {
    Answer answer;
    (void)rig.park(file, {0, 2 * kBlock}, answer);
    const auto fetch = rig.source->next();
    lie(*fetch);
    fetch->end();
    EXPECT_EQ(answer.get().error().code, Errc::corrupt);
  }
  ASSERT_TRUE(rig.settle());
  EXPECT_EQ(rig.cache->presence(file).bytes, 0U);
}

/// Occupies the store executor, so that nothing lands until it is let go.
class Blockade {
 public:
  explicit Blockade(Executor& store) {
    for (int thread = 0; thread < 2; ++thread) {
      store.submit([state = state_] {
        std::unique_lock lock(state->mutex);
        ++state->held;
        state->changed.notify_all();
        state->changed.wait(lock, [&] { return state->open; });
      });
    }
    std::unique_lock lock(state_->mutex);
    state_->changed.wait(lock, [this] { return state_->held == 2; });
  }
  ~Blockade() { lift(); }
  void lift() {
    const std::lock_guard lock(state_->mutex);
    state_->open = true;
    state_->changed.notify_all();
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    int held{0};
    bool open{false};
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

TEST(BlockCache, PausesStreamsWhenTheDiskDoesNotKeepUp) {
  BlockCacheOptions options;
  options.memory = 64 * kBlock;
  Rig rig(options);
  const auto file = version_of(1, 400 * kBlock);
  Answer answer;
  {
    Blockade blockade(*rig.store);
    (void)rig.park(file, {0, file.size}, answer);
    std::vector<std::shared_ptr<Fetch>> fetches;
    while (rig.source->pending() > 0) fetches.push_back(rig.source->next());
    ASSERT_GE(fetches.size(), 2U);
    std::vector<std::jthread> senders;
    for (const auto& fetch : fetches) senders.emplace_back([fetch] { fetch->serve(); });
    EXPECT_TRUE(eventually([&] { return rig.cache->bytes_in_flight() > options.memory - 2 * kBlock; }));
    EXPECT_LE(rig.cache->bytes_in_flight(), options.memory);
    rig.cache->prefetch(version_of(2, 10 * kBlock), {0, kBlock});
    EXPECT_EQ(rig.source->pending(), 0U) << "no prefetch while memory is short";
    blockade.lift();
  }
  EXPECT_TRUE(answer.get().value().text() == content_of(file, {0, file.size}));
  ASSERT_TRUE(rig.settle());
  EXPECT_EQ(rig.metrics.value("astrofs_cache_memory_bytes"), 0);
  EXPECT_TRUE(rig.cache->presence(file).complete);
}

TEST(BlockCache, PartialBlocksAloneNeverStopTheirOwnCompletion) {
  BlockCacheOptions options;
  options.memory = kBlock;
  Rig rig(options);
  std::vector<std::shared_ptr<Fetch>> fetches;
  std::array<Answer, 8> answers;
  for (unsigned n = 0; n < answers.size(); ++n) {
    (void)rig.park(version_of(n, 3 * kBlock), {0, 3 * kBlock}, answers[n]);
    fetches.push_back(rig.source->next());
    ASSERT_TRUE(fetches.back()->begin());
    ASSERT_TRUE(fetches.back()->send_to(kBlock / 2));
  }
  for (unsigned n = 0; n < answers.size(); ++n) {
    ASSERT_TRUE(fetches[n]->send_to(3 * kBlock));
    fetches[n]->end();
    EXPECT_TRUE(answers[n].get());
  }
  ASSERT_TRUE(rig.settle());
}

TEST(BlockCache, AReadBetweenTheAnswerAndTheDiskFindsTheBytesInMemory) {
  Rig rig;
  const auto file = version_of(1, 4 * kBlock);
  rig.cache->prefetch(file, {0, file.size});
  const auto fetch = rig.source->next();
  Blockade blockade(*rig.store);
  fetch->serve();
  EXPECT_TRUE(rig.reads_right(file, {100, 2 * kBlock})) << "answered at once, the disk is blocked";
  EXPECT_EQ(rig.source->fetches(), 1U);
}

/// The size of a file cannot grow beyond this while it lives: a disk that refuses writes.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    previous_ = std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit now{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &now);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, previous_);
  }

 private:
  rlimit before_{};
  void (*previous_)(int){};
};

TEST(BlockCache, ADiskThatRefusesWritesCostsTheKeepingNotTheReading) {
  Rig rig;
  rig.source->answer_by_itself(2);
  const auto file = version_of(1, 100 * kBlock);
  {
    const FileSizeLimit limit(40 * kBlock);
    EXPECT_TRUE(rig.reads_right(file, {50 * kBlock, 20 * kBlock}));
    EXPECT_TRUE(rig.reads_right(file, {50 * kBlock, 20 * kBlock})) << "fetched again, right again";
    ASSERT_TRUE(eventually([&] { return rig.cache->bytes_in_flight() == 0; }));
    EXPECT_EQ(rig.cache->presence(file).bytes, 0U);
    EXPECT_GT(rig.metrics.value("astrofs_cache_write_errors_total"), 0);
    EXPECT_EQ(rig.metrics.value("astrofs_cache_degraded"), 1);
    EXPECT_TRUE(rig.reads_right(file, {0, kBlock}));
  }
  for (std::uint64_t block = 0; block < 100; ++block)
    EXPECT_TRUE(rig.reads_right(file, {block * kBlock, kBlock}));
  ASSERT_TRUE(rig.settle());
  EXPECT_EQ(rig.metrics.value("astrofs_cache_degraded"), 0) << "well again";
  EXPECT_TRUE(rig.cache->presence(file).complete);
}

TEST(BlockCache, ADataDirectoryThatVanishesCostsFetchesOnly) {
  Rig rig;
  rig.source->answer_by_itself(2);
  const auto file = version_of(1, 20 * kBlock);
  EXPECT_TRUE(rig.reads_right(file, {0, file.size}));
  ASSERT_TRUE(rig.settle());
  std::filesystem::remove_all(rig.dir() + "/data");
  const auto other = version_of(2, 20 * kBlock);
  EXPECT_TRUE(rig.reads_right(file, {0, file.size}));
  EXPECT_TRUE(rig.reads_right(other, {0, other.size}));
  EXPECT_TRUE(rig.reads_right(other, {0, other.size}));
}

TEST(BlockCache, AnEndWithFlightsInTheAirInterruptsReadersAndSilencesTheirSinks) {
  Rig rig;
  const auto file = version_of(1, 100 * kBlock);
  Answer parked, begun;
  (void)rig.park(file, {0, kBlock}, parked);
  (void)rig.park(file, {50 * kBlock, 10 * kBlock}, begun);
  const auto queued = rig.source->next();
  const auto running = rig.source->next();
  ASSERT_TRUE(running->begin());
  ASSERT_TRUE(running->send_to(53 * kBlock + 5));
  rig.cache.reset();
  EXPECT_EQ(parked.get().error().code, Errc::interrupted);
  EXPECT_EQ(begun.get().error().code, Errc::interrupted);
  EXPECT_TRUE(queued->stopped());
  EXPECT_TRUE(running->stopped());
  EXPECT_FALSE(queued->begin());
  EXPECT_EQ(running->send_raw(53 * kBlock + 5, "late"), Sink::Flow::stop);
  queued->end();
  running->fail_with(Errc::interrupted);
  EXPECT_EQ(parked.calls(), 1);
  EXPECT_EQ(begun.calls(), 1);
  EXPECT_EQ(rig.metrics.value("astrofs_cache_memory_bytes"), 0);
  EXPECT_EQ(rig.metrics.value("astrofs_cache_flights"), 0);
  rig.reopen(true);
  EXPECT_EQ(rig.cache->presence(file).bytes, 3 * kBlock) << "what had arrived was kept";
}

TEST(BlockCache, AnEndWhileSourcesDeliverLosesNoReaderAndCallsNoneTwice) {
  for (unsigned round = 0; round < 20; ++round) {
    Rig rig;
    rig.source->answer_by_itself(3, round % 2 == 0);
    std::vector<Answer> answers(30);
    std::size_t at_once = 0;
    for (unsigned n = 0; n < answers.size(); ++n) {
      const auto file = version_of(n % 5, 50 * kBlock);
      auto waiter = answers[n].waiter();
      const auto result = rig.cache->read(file, {n * kBlock, 3 * kBlock}, {0, file.size}, waiter);
      if (std::holds_alternative<Result<Bytes>>(result)) ++at_once;
    }
    rig.cache.reset();
    std::size_t called = 0;
    for (const Answer& answer : answers) {
      EXPECT_LE(answer.calls(), 1);
      called += static_cast<std::size_t>(answer.calls());
    }
    EXPECT_EQ(called + at_once, answers.size());
  }
}

}  // namespace
}  // namespace astrofs::block_test
