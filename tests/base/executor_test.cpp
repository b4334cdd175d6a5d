#include "base/executor.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <array>
#include <atomic>
#include <future>
#include <set>

#include "base/pause.h"

namespace astrofs {
namespace {

/// Far beyond what a loaded machine needs; only a broken executor waits so long.
constexpr std::chrono::seconds kPatience{60};

std::string name_of_this_thread() {
  std::array<char, 16> name{};
  pthread_getname_np(pthread_self(), name.data(), name.size());
  return name.data();
}

TEST(Executor, RunsEveryJobBeforeItIsDestroyed) {
  std::atomic<int> ran{0};
  {
    Executor executor("test", 4);
    for (int i = 0; i < 1000; ++i) EXPECT_TRUE(executor.submit([&ran] { ++ran; }));
  }
  EXPECT_EQ(ran, 1000);
}

TEST(Executor, OneThreadKeepsTheOrderOfArrival) {
  std::vector<int> order;
  {
    Executor executor("test", 1);
    for (int i = 0; i < 100; ++i) executor.submit([&order, i] { order.push_back(i); });
  }
  ASSERT_EQ(order.size(), 100U);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(Executor, JobsRunAtTheSameTimeOnAllThreads) {
  Executor executor("test", 2);
  std::promise<void> first;
  std::promise<void> second;
  std::promise<bool> met;
  // Each job waits for the other: one thread alone would wait in vain.
  executor.submit([&] {
    first.set_value();
    met.set_value(second.get_future().wait_for(kPatience) == std::future_status::ready);
  });
  executor.submit([&] {
    first.get_future().wait_for(kPatience);
    second.set_value();
  });
  EXPECT_TRUE(met.get_future().get());
}

TEST(Executor, RefusesJobsAfterStop) {
  Executor executor("test", 2);
  executor.stop();
  std::atomic<bool> ran{false};
  EXPECT_FALSE(executor.submit([&ran] { ran = true; }));
  executor.stop();
  EXPECT_FALSE(ran);
}

TEST(Executor, CountsTheJobsThatWaitAndThoseThatRun) {
  Executor executor("test", 1);
  std::promise<void> started;
  std::promise<void> gate;
  executor.submit([&, opened = gate.get_future().share()] {
    started.set_value();
    opened.wait();
  });
  started.get_future().wait();
  EXPECT_EQ(executor.unfinished(), 1U);
  executor.submit([] {});
  executor.submit([] {});
  EXPECT_EQ(executor.unfinished(), 3U);
  gate.set_value();
  executor.stop();
  EXPECT_EQ(executor.unfinished(), 0U);
}

TEST(Executor, AJobMaySubmitAnother) {
  Executor executor("test", 1);
  std::promise<void> inner;
  executor.submit([&] { executor.submit([&] { inner.set_value(); }); });
  EXPECT_EQ(inner.get_future().wait_for(kPatience), std::future_status::ready);
}

TEST(Executor, ItsThreadsCarryItsNameAndANumber) {
  std::promise<std::string> name;
  {
    Executor executor("store", 1);
    executor.submit([&name] { name.set_value(name_of_this_thread()); });
  }
  EXPECT_EQ(name.get_future().get(), "store-0");
}

TEST(Executor, ManyThreadsMaySubmitAtOnce) {
  std::atomic<int> ran{0};
  {
    Executor executor("test", 3);
    std::vector<std::jthread> submitters;
    for (int i = 0; i < 4; ++i) {
      submitters.emplace_back([&] {
        for (int j = 0; j < 250; ++j) executor.submit([&ran] { ++ran; });
      });
    }
  }
  EXPECT_EQ(ran, 1000);
}

TEST(MutexLock, AWaitGivesTheMutexUpAndTakesItBack) {
  Mutex mutex;
  std::condition_variable changed;
  bool ready = false;
  std::jthread other([&] {
    const MutexLock lock(mutex);
    ready = true;
    changed.notify_one();
  });
  MutexLock lock(mutex);
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  while (!ready && std::chrono::steady_clock::now() < give_up) lock.wait_for(changed, kPatience);
  EXPECT_TRUE(ready);
}

TEST(MutexLock, AWaitWithoutNotificationEnds) {
  Mutex mutex;
  std::condition_variable never;
  MutexLock lock(mutex);
  while (lock.wait_for(never, std::chrono::milliseconds(1))) {
  }
  SUCCEED();
}

TEST(Pause, EndsWhenItsTimeIsOverOrItIsStopped) {
  const std::stop_source nobody;
  EXPECT_TRUE(pause(std::chrono::milliseconds(1), nobody.get_token()));
  std::promise<bool> whole;
  std::jthread waits([&](const std::stop_token& stop) { whole.set_value(pause(2 * kPatience, stop)); });
  waits.request_stop();
  auto answer = whole.get_future();
  ASSERT_EQ(answer.wait_for(kPatience), std::future_status::ready);
  EXPECT_FALSE(answer.get());
}

TEST(ThreadName, IsCutToWhatTheKernelKeeps) {
  std::jthread([] {
    name_this_thread("a-name-longer-than-fifteen");
    EXPECT_EQ(name_of_this_thread(), "a-name-longer-t");
  }).join();
}

}  // namespace
}  // namespace astrofs
