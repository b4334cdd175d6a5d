// An archive that does not answer keeps its share of the threads, and leaves the others.
#include "fs/archive_turns.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

namespace astrofs {
namespace {

/// Far beyond what a loaded machine needs; only a broken queue waits so long.
constexpr std::chrono::seconds kPatience{60};

/// Holds jobs until it is opened, and knows how many are inside.
class Gate {
 public:
  void pass() {
    MutexLock lock(mutex_);
    most_ = std::max(most_, ++inside_);
    changed_.notify_all();
    while (!open_) lock.wait(changed_);
    --inside_;
  }
  void open() {
    {
      const MutexLock lock(mutex_);
      open_ = true;
    }
    changed_.notify_all();
  }
  /// False: they never came.
  bool wait_for_inside(unsigned count) {
    const auto give_up = std::chrono::steady_clock::now() + kPatience;
    MutexLock lock(mutex_);
    while (inside_ < count && std::chrono::steady_clock::now() < give_up) {
      lock.wait_for(changed_, kPatience);
    }
    return inside_ >= count;
  }
  [[nodiscard]] unsigned most() {
    const MutexLock lock(mutex_);
    return most_;
  }

 private:
  Mutex mutex_;
  std::condition_variable changed_;
  bool open_ GUARDED_BY(mutex_){false};
  unsigned inside_ GUARDED_BY(mutex_){0};
  unsigned most_ GUARDED_BY(mutex_){0};
};

class ArchiveTurnsTest : public ::testing::Test {
 protected:
  const MountedArchive one_{};
  const MountedArchive other_{};
};

TEST_F(ArchiveTurnsTest, AnArchiveThatHangsHasItsShareOfTheThreadsAndNoMore) {
  Gate gate;
  std::atomic<int> passed{0};
  Executor threads("list", 4);
  ArchiveTurns turns(threads, 2);
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(turns.submit(&one_, [&] {
      gate.pass();
      ++passed;
    }));
  }
  ASSERT_TRUE(gate.wait_for_inside(2));
  // Whatever of the first archive's could begin has begun before these: the threads take jobs in order.
  std::counting_semaphore<> others(0);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(turns.submit(&other_, [&] { others.release(); }));
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(others.try_acquire_for(kPatience));
  EXPECT_EQ(gate.most(), 2U);
  EXPECT_EQ(passed, 0);
  gate.open();
  threads.stop();
  EXPECT_EQ(passed, 10);
  EXPECT_EQ(gate.most(), 2U);
}

TEST_F(ArchiveTurnsTest, WhoWaitsIsTakenInOrderWhenATurnIsFree) {
  std::vector<int> order;  // of one archive one job at a time: no lock
  Executor threads("list", 4);
  ArchiveTurns turns(threads, 1);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(turns.submit(&one_, [&order, i] { order.push_back(i); }));
  threads.stop();
  ASSERT_EQ(order.size(), 100U);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(ArchiveTurnsTest, AFreeTurnGoesBehindWhatOthersAskedForMeanwhile) {
  Gate gate;
  std::vector<std::string> order;  // one thread: no lock
  std::counting_semaphore<> done(0);
  Executor threads("list", 1);
  ArchiveTurns turns(threads, 1);
  const auto note = [&](const char* job) {
    return [&order, &done, job] {
      order.emplace_back(job);
      done.release();
    };
  };
  ASSERT_TRUE(turns.submit(&one_, [&] { gate.pass(); }));
  for (const char* job : {"one 1", "one 2"}) ASSERT_TRUE(turns.submit(&one_, note(job)));
  ASSERT_TRUE(turns.submit(&other_, note("other")));
  gate.open();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(done.try_acquire_for(kPatience));
  threads.stop();
  EXPECT_EQ(order, (std::vector<std::string>{"other", "one 1", "one 2"}));
}

/// An archive may hang for days, and who waits for it gives up again and again.
TEST_F(ArchiveTurnsTest, ThoseWhoHaveGivenUpDoNotGatherBehindOneThatHangs) {
  constexpr std::size_t kMany = 100'000;
  Gate gate;
  std::atomic<std::size_t> ran{0};
  const auto held = std::make_shared<int>();
  Executor threads("disk", 1);
  ArchiveTurns turns(threads, 1);
  ASSERT_TRUE(turns.submit(&one_, [&] { gate.pass(); }));
  ASSERT_TRUE(gate.wait_for_inside(1));
  for (std::size_t i = 0; i < kMany; ++i) {
    const bool patient = i % 1000 == 0;
    ASSERT_TRUE(turns.submit(
        &one_, [&ran, held, patient] { ran += patient ? 1 : 0; }, [patient] { return !patient; }));
  }
  EXPECT_LT(static_cast<std::size_t>(held.use_count()), kMany / 20);
  gate.open();
  threads.stop();
  EXPECT_EQ(ran, kMany / 1000) << "who waits on has his turn";
  EXPECT_EQ(held.use_count(), 1);
}

TEST_F(ArchiveTurnsTest, TurnsAreGivenBack) {
  Executor threads("list", 2);
  ArchiveTurns turns(threads, 2);
  for (int round = 0; round < 50; ++round) {
    Gate gate;
    std::counting_semaphore<> done(0);
    for (int i = 0; i < 2; ++i) {
      ASSERT_TRUE(turns.submit(&one_, [&] {
        gate.pass();
        done.release();
      }));
    }
    ASSERT_TRUE(gate.wait_for_inside(2)) << "a turn was lost before round " << round;
    gate.open();
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(done.try_acquire_for(kPatience));
  }
  threads.stop();
}

TEST_F(ArchiveTurnsTest, AJobMaySubmitAnotherOfItsOwnArchive) {
  Executor threads("list", 1);
  ArchiveTurns turns(threads, 1);
  std::promise<void> inner;
  ASSERT_TRUE(turns.submit(&one_, [&] { turns.submit(&one_, [&] { inner.set_value(); }); }));
  EXPECT_EQ(inner.get_future().wait_for(kPatience), std::future_status::ready);
  threads.stop();
}

TEST_F(ArchiveTurnsTest, WhoWasTakenRunsAlthoughTheThreadsAreStopping) {
  Gate gate;
  std::atomic<int> ran{0};
  Executor threads("list", 2);
  ArchiveTurns turns(threads, 1);
  ASSERT_TRUE(turns.submit(&one_, [&] { gate.pass(); }));
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(turns.submit(&one_, [&] { ++ran; }));
  ASSERT_TRUE(gate.wait_for_inside(1));
  std::jthread stopper([&] { threads.stop(); });
  while (threads.submit([] {})) std::this_thread::yield();  // until it is stopping
  gate.open();
  stopper.join();
  EXPECT_EQ(ran, 20);
}

TEST_F(ArchiveTurnsTest, AfterTheEndNothingIsTaken) {
  Executor threads("list", 1);
  ArchiveTurns turns(threads, 1);
  threads.stop();
  bool ran = false;
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(turns.submit(&one_, [&] { ran = true; }));
  EXPECT_FALSE(ran);
}

TEST_F(ArchiveTurnsTest, WhatIsTakenWhileTheThreadsStopRunsAndWhatIsRefusedDoesNot) {
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> taken{0};
    std::atomic<int> ran{0};
    Executor threads("list", 2);
    ArchiveTurns turns(threads, 1);
    {
      std::vector<std::jthread> submitters;
      for (int i = 0; i < 4; ++i) {
        submitters.emplace_back([&] {
          for (int j = 0; j < 20; ++j) taken += turns.submit(&one_, [&] { ++ran; }) ? 1 : 0;
        });
      }
      threads.stop();
    }
    ASSERT_EQ(ran, taken) << "round " << round;
  }
}

}  // namespace
}  // namespace astrofs
