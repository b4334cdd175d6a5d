#include "backends/kept_texts.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <thread>
#include <vector>

namespace astrofs {
namespace {

class KeptTextsTest : public ::testing::Test {
 protected:
  /// What get() gives, "" for an error; `made` is what would be made.
  std::string get(const std::string& key, const std::string& made) {
    const auto text = kept_.get(key,
                                [&]() -> Result<std::string> {
                                  ++times_;
                                  return made;
                                },
                                {});
    return text ? **text : "";
  }

  ManualClock clock_;
  KeptTexts kept_{clock_, {10, 2}};
  int times_{0};
};

TEST_F(KeptTextsTest, WhatWasMadeIsGivenForAMoment) {
  EXPECT_EQ(get("a", "one"), "one");
  EXPECT_EQ(get("a", "two"), "one");
  EXPECT_EQ(get("b", "two"), "two");
  clock_.advance(std::chrono::minutes(2));
  EXPECT_EQ(get("a", "two"), "two");
  EXPECT_EQ(times_, 3);
}

TEST_F(KeptTextsTest, WhatIsForgottenIsMadeAnew) {
  (void)get("a", "one");
  (void)get("b", "one");
  kept_.forget("a");
  EXPECT_EQ(get("a", "two"), "two");
  EXPECT_EQ(get("b", "two"), "one");
  kept_.forget_all();
  EXPECT_EQ(get("b", "two"), "two");
}

TEST_F(KeptTextsTest, WhatIsForgottenWhileItIsMadeIsNotKept) {
  for (const bool all : {true, false}) {
    const auto forgetting = [&]() -> Result<std::string> {
      if (all) {
        kept_.forget_all();
      } else {
        kept_.forget("a");
      }
      return "old";
    };
    const auto old = kept_.get("a", forgetting, {});
    ASSERT_TRUE(old);
    EXPECT_EQ(**old, "old") << "who asked for it has it";
    EXPECT_EQ(get("a", "new"), "new");
    kept_.forget_all();
    ASSERT_TRUE(kept_.get("b", forgetting, {}));
    EXPECT_EQ(get("b", "new"), all ? "new" : "old");
    kept_.forget_all();
  }
}

TEST_F(KeptTextsTest, WhatIsOldGoesWhenAnybodyComesBy) {
  std::weak_ptr<const std::string> memory;
  const auto keep_one = [&] {
    memory = kept_.get("a", []() -> Result<std::string> { return "one"; }, {}).value();
    clock_.advance(std::chrono::minutes(1));
    (void)get("b", "two");
    kept_.forget_old();
    EXPECT_FALSE(memory.expired());
    clock_.advance(std::chrono::minutes(1));
    EXPECT_FALSE(memory.expired());
  };
  keep_one();
  EXPECT_EQ(get("b", "three"), "two") << "which is kept itself";
  EXPECT_TRUE(memory.expired());
  keep_one();
  kept_.forget_old();
  EXPECT_TRUE(memory.expired());
}

TEST_F(KeptTextsTest, BeyondTheBoundTheOldestGoes) {
  (void)get("a", "12345");
  clock_.advance(std::chrono::seconds(1));
  (void)get("b", "12345");
  clock_.advance(std::chrono::seconds(1));
  (void)get("c", "1");
  EXPECT_EQ(get("b", "new"), "12345");
  EXPECT_EQ(get("a", "new"), "new");
}

TEST_F(KeptTextsTest, WhatFailsIsNotKept) {
  const auto failed =
      kept_.get("a", []() -> Result<std::string> { return fail(Errc::unavailable, "not now"); }, {});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Errc::unavailable);
  EXPECT_EQ(get("a", "one"), "one");
}

TEST_F(KeptTextsTest, EachIsMadeOnceAndSoManyAtATimeHoweverManyAsk) {
  constexpr int kAskers = 12;
  std::atomic<int> making{0};
  std::atomic<int> most{0};
  std::atomic<int> made{0};
  std::atomic<int> good{0};
  const auto make = [&]() -> Result<std::string> {
    const int now = ++making;
    for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    ++made;
    --making;
    return "x";
  };
  {
    std::vector<std::jthread> askers;
    for (int i = 0; i < kAskers; ++i)
      askers.emplace_back([&, i] { good += kept_.get(std::to_string(i % 4), make, {}) ? 1 : 0; });
  }
  EXPECT_EQ(good, kAskers);
  EXPECT_EQ(made, 4);
  EXPECT_LE(most, 2);
}

TEST_F(KeptTextsTest, ATurnIsNoShorterForTheTablesThatOthersMake) {
  std::promise<void> begun;
  std::promise<void> gate;
  const auto slow = [&]() -> Result<std::string> {
    begun.set_value();
    gate.get_future().wait();
    return "x";
  };
  auto first = std::async(std::launch::async, [&] { return kept_.get("a", slow, {}); });
  begun.get_future().wait();
  auto second = std::async(std::launch::async, [&] { return kept_.get("a", slow, {}); });
  // Each wakes who waits: more often than a turn has looks.
  for (int i = 0; i < 2000; ++i) (void)get(std::to_string(i), "y");
  EXPECT_EQ(second.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  // It has an end all the same, whenever it began.
  while (second.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready)
    clock_.advance(std::chrono::minutes(2));
  EXPECT_FALSE(second.get());
  gate.set_value();
  EXPECT_TRUE(first.get());
}

TEST_F(KeptTextsTest, WhoIsStoppedDoesNotWaitForHisTurn) {
  std::stop_source stop;
  stop.request_stop();
  const auto text = kept_.get(
      "a", []() -> Result<std::string> { return "x"; }, stop.get_token());
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, Errc::interrupted);
}

}  // namespace
}  // namespace astrofs
