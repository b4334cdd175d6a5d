// The few places that may wait: for an answer, for a while.
#include "fs/waiting.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "tests/cache/block_support.h"

namespace astrofs {
namespace {

/// Far beyond what a loaded machine needs.
constexpr milliseconds kPatience{60'000};
/// Passes within every test.
constexpr milliseconds kSoon{20};

TEST(Answer, IsTakenWhetherItComesBeforeOrWhileSomebodyWaits) {
  Answer<int> early;
  early.give(7);
  EXPECT_EQ(early.take(kPatience).value_or(0), 7);
  Answer<int> late;
  const std::jthread giver([&] { late.give(8); });
  EXPECT_EQ(late.take(kPatience).value_or(0), 8);
}

TEST(Answer, OnlyTheFirstCounts) {
  Answer<int> answer;
  answer.give(7);
  answer.give(8);
  answer.give(fail(Errc::unavailable, "late"));
  EXPECT_EQ(answer.take(kPatience).value_or(0), 7);
}

TEST(Answer, ThatNeverComesIsATimeOut) {
  Answer<int> answer;
  const Result<int> taken = answer.take(kSoon);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Errc::timed_out);
}

TEST(WaitForReply, TheReplyMayBeSentAtOnceOrFromAnotherThreadOrTooLate) {
  EXPECT_EQ(wait_for_reply<int>(kPatience, [](ReplyPtr<int> reply) { reply->send(7); }).value_or(0), 7);
  std::jthread sender;
  const Result<int> later = wait_for_reply<int>(kPatience, [&](ReplyPtr<int> reply) {
    sender = std::jthread([kept = std::move(reply)] { kept->send(8); });
  });
  EXPECT_EQ(later.value_or(0), 8);
  ReplyPtr<int> kept;
  const Result<int> never = wait_for_reply<int>(kSoon, [&](ReplyPtr<int> reply) { kept = std::move(reply); });
  ASSERT_FALSE(never);
  EXPECT_EQ(never.error().code, Errc::timed_out);
  kept->send(9);  // nobody is there any more
}

TEST(WaitForReply, AnErrorIsHandedOn) {
  const Result<int> failed = wait_for_reply<int>(
      kPatience, [](ReplyPtr<int> reply) { reply->send(fail(Errc::denied, "a login page")); });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Errc::denied);
  EXPECT_EQ(failed.error().message, "a login page");
}

class ReadWaitingTest : public ::testing::Test {
 protected:
  block_test::Rig rig_;
  const FileVersion version_ = block_test::version_of(1, 10ULL * kBlockSize);
};

TEST_F(ReadWaitingTest, FetchesWhatIsNotHereAndOnlyThat) {
  rig_.source->answer_by_itself(1);
  for (int again = 0; again < 2; ++again) {
    const Result<Bytes> bytes = read_waiting(*rig_.cache, version_, {100, 2000}, kPatience);
    ASSERT_TRUE(bytes) << bytes.error().message;
    EXPECT_EQ(bytes->text(), block_test::content_of(version_, {100, 2000}));
    ASSERT_TRUE(rig_.settle());
  }
  EXPECT_EQ(rig_.source->fetches(), 1U);
}

TEST_F(ReadWaitingTest, AnErrorOfTheArchiveIsTold) {
  rig_.source->refuse(Errc::denied);
  const Result<Bytes> bytes = read_waiting(*rig_.cache, version_, {0, 100}, kPatience);
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().code, Errc::denied);
}

TEST_F(ReadWaitingTest, GivesUpInTimeAndLeavesNobodyWaiting) {
  const Result<Bytes> bytes = read_waiting(*rig_.cache, version_, {0, 100}, kSoon);
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().code, Errc::timed_out);
  EXPECT_EQ(rig_.cache->parked(), 0U);
}

TEST_F(ReadWaitingTest, EndsWhenItIsNotWantedAnyMore) {
  std::stop_source stop;
  const std::jthread other([&] {
    while (rig_.cache->parked() == 0) std::this_thread::yield();
    stop.request_stop();
  });
  const Result<Bytes> bytes = read_waiting(*rig_.cache, version_, {0, 100}, kPatience, stop.get_token());
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().code, Errc::interrupted);
  EXPECT_EQ(rig_.cache->parked(), 0U);
}

}  // namespace
}  // namespace astrofs
