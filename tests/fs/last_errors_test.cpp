#include "fs/last_errors.h"

#include <gtest/gtest.h>

namespace astrofs {
namespace {

/// As many as are remembered.
constexpr NodeId kRemembered = 1024;

Error error_of(NodeId node) {
  return {Errc::unavailable, "503 for " + std::to_string(node)};
}

NodeId count(const LastErrors& errors, NodeId upto) {
  NodeId found = 0;
  for (NodeId node = 1; node <= upto; ++node) found += errors.of(node) ? 1 : 0;
  return found;
}

TEST(LastErrors, OfAFileThatNeverFailedThereIsNone) {
  const LastErrors errors;
  EXPECT_FALSE(errors.of(1));
}

TEST(LastErrors, TheLatestErrorOfAFileIsTold) {
  LastErrors errors;
  const SysSeconds before = std::chrono::floor<seconds>(std::chrono::system_clock::now());
  errors.note(1, {Errc::timed_out, "no answer within 60000 ms"});
  errors.note(2, {Errc::denied, "401"});
  errors.note(1, {Errc::unavailable, "503"});
  ASSERT_TRUE(errors.of(1));
  EXPECT_EQ(errors.of(1)->error.code, Errc::unavailable);
  EXPECT_EQ(errors.of(1)->error.message, "503");
  EXPECT_GE(errors.of(1)->when, before);
  EXPECT_EQ(errors.of(2)->error.code, Errc::denied);
}

TEST(LastErrors, AFileThatIsReadAgainIsForgottenAndOthersAreNot) {
  LastErrors errors;
  errors.note(1, error_of(1));
  errors.note(2, error_of(2));
  errors.forget(1);
  errors.forget(3);
  EXPECT_FALSE(errors.of(1));
  EXPECT_TRUE(errors.of(2));
}

TEST(LastErrors, ADeadArchiveDoesNotFillTheMemory) {
  LastErrors errors;
  for (NodeId node = 1; node <= 3 * kRemembered; ++node) errors.note(node, error_of(node));
  EXPECT_EQ(count(errors, 3 * kRemembered), kRemembered);
}

TEST(LastErrors, TheOldestMakesRoomEvenWithinOneSecond) {
  LastErrors errors;
  for (NodeId node = 1; node <= kRemembered; ++node) errors.note(node, error_of(node));
  errors.note(1, error_of(1));  // failed again: now 2 is the oldest
  errors.note(kRemembered + 1, error_of(kRemembered + 1));
  EXPECT_FALSE(errors.of(2));
  EXPECT_TRUE(errors.of(1));
  EXPECT_TRUE(errors.of(kRemembered + 1));
  EXPECT_EQ(count(errors, kRemembered + 1), kRemembered);
}

TEST(LastErrors, AFileThatFailsAgainTakesNobodysPlace) {
  LastErrors errors;
  for (NodeId node = 1; node <= kRemembered; ++node) errors.note(node, error_of(node));
  for (int again = 0; again < 3; ++again) errors.note(5, error_of(5));
  EXPECT_EQ(count(errors, kRemembered), kRemembered);
}

}  // namespace
}  // namespace astrofs
