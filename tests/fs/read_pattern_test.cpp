// What one handle fetches for which reads: what it must, and beyond that only with a reason.
#include "fs/read_pattern.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <optional>
#include <vector>

#include "base/range_set.h"

namespace astrofs {
namespace {

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = 1024 * kKiB;
/// A TESS frame.
constexpr std::uint64_t kFrame = 35'547'840;
/// What the kernel asks for of a forward reader.
constexpr std::uint64_t kStep = 128 * kKiB;
constexpr bool kFits = true;
constexpr bool kPlain = false;
constexpr Windows kUnknown;  // of a line that nobody has measured

/// A header of which only the place is known.
ByteRange header_from(std::optional<std::uint64_t> place) {
  return place ? ByteRange{*place, kHeaderBytes} : ByteRange{};
}

/// A plan for bytes that are not here, asked for through the page cache.
ReadPlan plan_cold(ReadPattern& pattern, ByteRange asked, std::optional<std::uint64_t> header_at = {}) {
  return pattern.plan(asked, false, false, header_from(header_at));
}

/// A reader and a cache that has at once what is asked for.
class Reader {
 public:
  Reader(std::uint64_t size, bool is_fits) : size_(size), pattern_(size, is_fits) {}

  /// Reads, and again when the kernel was told to; what was planned at last.
  ReadPlan read(ByteRange asked, std::optional<std::uint64_t> header_at = {}) {
    asked = asked.intersect({0, size_});
    const bool here = here_.contains(asked);
    ReadPlan plan = pattern_.plan(asked, here, false, header_from(header_at));
    if (plan.decline) {
      ++declined;
      plan = pattern_.plan(asked, here, false, header_from(header_at));
      EXPECT_FALSE(plan.decline) << "who asks again is a program that waits";
    }
    if (!here) {
      ++misses;
      bring(plan.fetch);
    }
    bring(plan.ahead);
    EXPECT_TRUE(here_.contains(asked));
    return plan;
  }
  [[nodiscard]] std::uint64_t fetched() const {
    std::uint64_t bytes = 0;
    for (const ByteRange& range : here_.ranges()) bytes += range.length;
    return bytes;
  }
  /// End of what is here without a gap from the start.
  [[nodiscard]] std::uint64_t here_to() const {
    return here_.ranges().empty() || here_.ranges().front().offset > 0 ? 0 : here_.ranges().front().end();
  }

  unsigned misses{0};
  unsigned declined{0};

 private:
  void bring(ByteRange range) {
    EXPECT_LE(range.end(), size_) << "beyond the end of the file";
    here_.insert(range);
  }

  const std::uint64_t size_;
  ReadPattern pattern_;
  RangeSet here_;
};

// ---- headers

TEST(ReadPattern, AColdFitsFileIsOpenedWithOneRequestOfItsHead) {
  ReadPattern pattern(kFrame, kFits);
  const ReadPlan plan = plan_cold(pattern, {0, 4 * kKiB});
  EXPECT_EQ(plan.fetch, (ByteRange{0, kHeadBytes}));
  EXPECT_TRUE(plan.ahead.empty());
  EXPECT_FALSE(plan.decline);
}

TEST(ReadPattern, AHeadEndsWhereTheFileDoes) {
  ReadPattern pattern(5760, kFits);
  EXPECT_EQ(plan_cold(pattern, {0, 2880}).fetch, (ByteRange{0, 5760}));
}

TEST(ReadPattern, WhoPicksRowsOfAFileOfLargePiecesGetsNothingAhead) {
  constexpr std::uint64_t kScan = 427ULL << 20;
  constexpr std::uint64_t kPiece = 128 * 1024;
  ReadPattern pattern(kScan, kFits, true);
  (void)pattern.plan({0, 4096}, false, false, {});
  std::uint64_t at = kScan / 2;
  for (; at + kPiece < kScan / 2 + kCoarseRun; at += kPiece)
    ASSERT_TRUE(pattern.plan({at, kPiece}, at % (4 << 20) != 0, false, {}).ahead.empty()) << at;
  EXPECT_FALSE(pattern.plan({at, kPiece}, false, false, {}).ahead.empty()) << "who reads on for so long";
}

TEST(ReadPattern, ACopyOfAFileOfLargePiecesIsBroughtFromItsStart) {
  ReadPattern pattern(427ULL << 20, kFits, true);
  EXPECT_FALSE(pattern.plan({0, 128 * 1024}, false, false, {}).ahead.empty());
}

TEST(ReadPattern, AFileThatIsNotFitsHasNoHead) {
  ReadPattern pattern(kFrame, kPlain);
  const ReadPlan plan = plan_cold(pattern, {0, 4 * kKiB});
  EXPECT_EQ(plan.fetch, (ByteRange{0, 4 * kKiB}));
  EXPECT_TRUE(plan.ahead.empty());
}

TEST(ReadPattern, WhoWantsMoreThanAHeaderAtOnceIsNoReaderOfHeaders) {
  ReadPattern pattern(kFrame, kFits);
  EXPECT_EQ(plan_cold(pattern, {0, kStep}).fetch, (ByteRange{0, kStep}));
}

TEST(ReadPattern, AKnownHeaderFurtherOnIsFetchedInOnePiece) {
  constexpr std::uint64_t kHeaderAt = 17'280'000;
  ReadPattern pattern(kFrame, kFits);
  (void)plan_cold(pattern, {0, 4 * kKiB});
  const ByteRange asked{kHeaderAt / (4 * kKiB) * (4 * kKiB), 16 * kKiB};  // the page in which it begins
  const ReadPlan plan = plan_cold(pattern, asked, kHeaderAt);
  EXPECT_EQ(plan.fetch, ByteRange::between(asked.offset, kHeaderAt + kHeaderBytes));
  EXPECT_TRUE(plan.ahead.empty());
}

TEST(ReadPattern, AHeaderNearTheEndIsCutThere) {
  ReadPattern pattern(kFrame, kFits);
  const ByteRange asked{kFrame - 8640, 2880};
  EXPECT_EQ(plan_cold(pattern, asked, asked.offset).fetch, (ByteRange{asked.offset, 8640}));
}

TEST(ReadPattern, AKnownHeaderElsewhereChangesNothing) {
  ReadPattern pattern(kFrame, kFits);
  const ByteRange asked{4 * kMiB, 16 * kKiB};
  for (const std::uint64_t header_at : {asked.offset - 1, asked.end(), 20 * kMiB}) {
    ReadPattern fresh(kFrame, kFits);
    EXPECT_EQ(plan_cold(fresh, asked, header_at).fetch, asked) << header_at;
  }
  ReadPattern plain(kFrame, kPlain);
  EXPECT_EQ(plan_cold(plain, asked, asked.offset).fetch, asked) << "no FITS file has no headers";
}

TEST(ReadPattern, AWalkFromHeaderToHeaderBringsHeadersAlone) {
  Reader reader(kFrame, kFits);
  (void)reader.read({0, 4 * kKiB});
  unsigned headers = 0;
  for (std::uint64_t at = 3 * kMiB; at < kFrame; at += 3 * kMiB, ++headers) {
    (void)reader.read({at, 4 * kKiB}, at);
    (void)reader.read({at + 4 * kKiB, 16 * kKiB}, at);
  }
  EXPECT_LE(reader.fetched(), kHeadBytes + headers * kHeaderBytes);
  EXPECT_EQ(reader.misses, headers + 1);
}

// ---- the kernel's own read-ahead past a header

constexpr ByteRange kSpeculative{16 * kKiB, 112 * kKiB};  // begins inside of the head, ends beyond

TEST(ReadPattern, TheKernelsReadAheadPastAHeaderIsDeclinedOnce) {
  ReadPattern pattern(kFrame, kFits);
  (void)plan_cold(pattern, {0, 16 * kKiB});
  const ReadPlan declined = plan_cold(pattern, kSpeculative);
  EXPECT_TRUE(declined.decline);
  EXPECT_TRUE(declined.ahead.empty());
  const ReadPlan again = plan_cold(pattern, kSpeculative);
  EXPECT_FALSE(again.decline) << "now somebody waits for it";
  EXPECT_TRUE(again.fetch.contains(kSpeculative));
  EXPECT_FALSE(plan_cold(pattern, {60 * kKiB, 68 * kKiB}).decline);
}

TEST(ReadPattern, ASecondHandleOfAHeaderThatIsHereDeclinesToo) {
  // The first read of its head never reaches it: the kernel has the pages.
  ReadPattern pattern(kFrame, kFits);
  EXPECT_TRUE(plan_cold(pattern, kSpeculative).decline);
  EXPECT_FALSE(plan_cold(pattern, kSpeculative).decline);
}

TEST(ReadPattern, EachHeaderMayDeclineOnce) {
  ReadPattern pattern(kFrame, kFits);
  for (const std::uint64_t at : {std::uint64_t{0}, 4 * kMiB, 8 * kMiB}) {
    EXPECT_FALSE(plan_cold(pattern, {at, 4 * kKiB}, at).decline);
    const ByteRange beyond{at + 16 * kKiB, 112 * kKiB};
    EXPECT_TRUE(plan_cold(pattern, beyond, at).decline) << at;
    EXPECT_FALSE(plan_cold(pattern, beyond, at).decline) << at;
  }
}

TEST(ReadPattern, WhatIsHereOrAskedForPastThePageCacheIsNeverDeclined) {
  ReadPattern here(kFrame, kFits);
  EXPECT_FALSE(here.plan(kSpeculative, true, false, {}).decline);
  ReadPattern direct(kFrame, kFits);
  EXPECT_FALSE(direct.plan(kSpeculative, false, true, {}).decline);
}

TEST(ReadPattern, WhatMayBeForOneFolioIsNeverDeclined) {
  // Another handle's read-ahead was declined: its folios stay empty, and are read one by one, by any handle.
  constexpr std::uint64_t kHeader = 4 * kKiB + 2880;
  for (const ByteRange folio : {ByteRange{36 * kKiB, 4 * kKiB}, ByteRange{32 * kKiB, 16 * kKiB}}) {
    ReadPattern pattern(kFrame, kFits);
    EXPECT_FALSE(plan_cold(pattern, {4 * kKiB, 4 * kKiB}, kHeader).decline);
    EXPECT_FALSE(plan_cold(pattern, folio, kHeader).decline) << folio.length;
  }
  constexpr std::uint64_t kSmall = 23 * 2880;
  ReadPattern pattern(kSmall, kFits);
  EXPECT_FALSE(plan_cold(pattern, {64 * kKiB, kSmall - 64 * kKiB}).decline)
      << "the last folio ends with the file";
}

TEST(ReadPattern, OnlyWhatGoesPastAHeaderIsSpeculative) {
  for (const ByteRange asked : {ByteRange{16 * kKiB, 48 * kKiB},      // ends with the head
                                ByteRange{0, kStep},                  // begins with it
                                ByteRange{kHeadBytes, kStep},         // begins behind it
                                ByteRange{kFrame - kStep, kStep}}) {  // elsewhere
    ReadPattern pattern(kFrame, kFits);
    EXPECT_FALSE(plan_cold(pattern, asked).decline) << asked.offset;
  }
  ReadPattern plain(kFrame, kPlain);
  EXPECT_FALSE(plan_cold(plain, kSpeculative).decline);
}

TEST(ReadPattern, WhatWasDeclinedLeavesNoTrace) {
  ReadPattern with(kFrame, kFits);
  ReadPattern without(kFrame, kFits);
  (void)plan_cold(with, {0, 4 * kKiB});
  (void)without.plan({0, 4 * kKiB}, false, false, {});
  ASSERT_TRUE(plan_cold(with, kSpeculative).decline);
  for (const ByteRange asked : {ByteRange{4 * kKiB, 4 * kKiB}, ByteRange{8 * kKiB, 8 * kKiB}}) {
    const ReadPlan one = with.plan(asked, true, false, {});
    const ReadPlan other = without.plan(asked, true, false, {});
    EXPECT_EQ(one.fetch, other.fetch);
    EXPECT_EQ(one.ahead, other.ahead);
  }
}

// ---- forward

class Forward : public ::testing::TestWithParam<std::tuple<bool, std::uint64_t>> {};

TEST_P(Forward, AWholeFileComesOnceInFewRoundTrips) {
  const auto [is_fits, step] = GetParam();
  Reader reader(kFrame, is_fits);
  for (std::uint64_t at = 0; at < kFrame; at += step) {
    const ReadPlan plan = reader.read({at, step});
    EXPECT_LE(plan.ahead.length, kUnknown.largest);
  }
  EXPECT_EQ(reader.fetched(), kFrame);
  EXPECT_LE(reader.declined, is_fits ? 1U : 0U);
  // Each round trip brings a multiple of the one before: some ten, where single reads would take hundreds.
  EXPECT_LE(reader.misses, 12U);
}

TEST_P(Forward, WhatIsFetchedInVainStaysInProportion) {
  const auto [is_fits, step] = GetParam();
  const std::uint64_t growth = step >= kBulkRead ? kBulkGrowth : kSparseGrowth;
  const std::uint64_t first = step >= kBulkRead ? kUnknown.bulk : kUnknown.sparse;
  Reader reader(4 * kFrame, is_fits);
  for (std::uint64_t at = 0; at < kFrame; at += step) {
    (void)reader.read({at, step});
    const std::uint64_t read = at + step;
    const std::uint64_t window = std::clamp(read * growth, first, kUnknown.largest);
    ASSERT_LE(reader.here_to(), std::max(read + window, kHeadBytes)) << "when he stopped at " << read;
  }
}

INSTANTIATE_TEST_SUITE_P(OfAnyKind, Forward,
                         ::testing::Combine(::testing::Bool(),
                                            ::testing::Values(4 * kKiB, 32 * kKiB, kStep, kMiB)));

TEST(ReadPattern, OneReadIsNoReasonForMore) {
  ReadPattern pattern(kFrame, kPlain);
  EXPECT_TRUE(plan_cold(pattern, {kMiB, kStep}).ahead.empty());
}

TEST(ReadPattern, WhoGoesOnAndHasToWaitIsBroughtWhatFollows) {
  ReadPattern pattern(kFrame, kPlain);
  (void)plan_cold(pattern, {kMiB, kStep});
  const ReadPlan plan = plan_cold(pattern, {kMiB + kStep, kStep});
  EXPECT_EQ(plan.fetch, (ByteRange{kMiB + kStep, kStep}));
  EXPECT_EQ(plan.ahead.offset, kMiB + 2 * kStep);
  EXPECT_GE(plan.ahead.length, kUnknown.bulk);
}

TEST(ReadPattern, NothingIsBroughtAheadTwice) {
  ReadPattern pattern(kFrame, kPlain);
  std::uint64_t ahead_to = 0;
  for (std::uint64_t at = 0; at + kStep <= kFrame; at += kStep) {
    const ReadPlan plan = pattern.plan({at, kStep}, at < ahead_to, false, {});
    if (plan.ahead.empty()) continue;
    EXPECT_GE(plan.ahead.offset, ahead_to);
    ahead_to = plan.ahead.end();
  }
  EXPECT_EQ(ahead_to, kFrame);
}

TEST(ReadPattern, AReaderWhomNothingKeepsWaitingNeedsNothingAhead) {
  ReadPattern pattern(kFrame, kFits);
  for (std::uint64_t at = 0; at + kStep <= kFrame; at += kStep) {
    EXPECT_TRUE(pattern.plan({at, kStep}, true, false, {}).ahead.empty()) << "all of it is cached";
  }
}

TEST(ReadPattern, RequestsOfSeveralThreadsInDisorderAreStillForward) {
  Reader reader(kFrame, kPlain);
  for (std::uint64_t at = 0; at + 4 * kStep <= kFrame; at += 4 * kStep) {
    for (const std::uint64_t place : {1U, 0U, 3U, 2U}) (void)reader.read({at + place * kStep, kStep});
  }
  EXPECT_LE(reader.misses, 12U);
}

TEST(ReadPattern, AheadOfTheLastReadThereIsNothing) {
  Reader reader(3 * kStep, kPlain);
  for (std::uint64_t i = 0; i < 2; ++i) (void)reader.read({i * kStep, kStep});
  EXPECT_TRUE(reader.read({2 * kStep, kStep}).ahead.empty());
  EXPECT_EQ(reader.fetched(), 3 * kStep);
}

// ---- not forward

TEST(ReadPattern, WhoJumpsAboutGetsWhatHeAsksForAndNoMore) {
  ReadPattern pattern(kFrame, kPlain);
  for (std::uint64_t i = 0; i < 200; ++i) {
    const ByteRange asked{(i * 13 % 32 + 1) * kMiB, 16 * kKiB};
    const ReadPlan plan = plan_cold(pattern, asked);
    EXPECT_EQ(plan.fetch, asked);
    EXPECT_TRUE(plan.ahead.empty());
  }
}

TEST(ReadPattern, WhoGoesBackwardsGetsNothingAhead) {
  for (const std::uint64_t step : {4 * kKiB, kStep, kMiB}) {
    ReadPattern pattern(kFrame, kPlain);
    for (std::uint64_t at = kFrame - step; at >= step; at -= step) {
      const ReadPlan plan = plan_cold(pattern, {at, step});
      ASSERT_EQ(plan.fetch, (ByteRange{at, step}));
      ASSERT_TRUE(plan.ahead.empty()) << at << " in steps of " << step;
    }
  }
}

TEST(ReadPattern, AJumpBeginsAnew) {
  Reader reader(4 * kFrame, kPlain);
  for (std::uint64_t at = 0; at < kFrame; at += kMiB) (void)reader.read({at, kMiB});
  const std::uint64_t there = 3 * kFrame;
  EXPECT_TRUE(reader.read({there, 4 * kKiB}).ahead.empty());
  const ReadPlan plan = reader.read({there + 4 * kKiB, 4 * kKiB});
  EXPECT_LE(plan.ahead.length, std::max(kUnknown.sparse, 8 * kKiB * kSparseGrowth))
      << "as little as for anybody who has read 8 KiB";
}

TEST(ReadPattern, WhoWaitsWithinAHeaderIsNoForwardReader) {
  ReadPattern pattern(kFrame, kFits);
  for (std::uint64_t at = 0; at < kHeadBytes; at += 4 * kKiB) {
    EXPECT_TRUE(plan_cold(pattern, {at, 4 * kKiB}).ahead.empty())
        << "its flight has not arrived yet, that is all";
  }
}

TEST(ReadPattern, ACopyThatBeginsIsBroughtMoreAtOnce) {
  ReadPattern pattern(kFrame, kPlain);
  EXPECT_EQ(plan_cold(pattern, {0, kStep}).ahead, (ByteRange{kStep, kUnknown.bulk}));
}

// ---- what the line brings

http::Pace line(int latency_ms, double rate, unsigned connections = 16) {
  return {std::chrono::milliseconds(latency_ms), rate, connections};
}

TEST(Windows, AreThoseOfAnUnknownLineUntilBothOfItsFiguresAreMeasured) {
  http::Pace pace{.connections = 16};
  for (const bool answered : {false, true}) {
    if (answered) pace.latency = std::chrono::milliseconds(50);
    const Windows windows = windows_for(pace);
    EXPECT_EQ(windows.sparse, kUnknown.sparse);
    EXPECT_EQ(windows.bulk, kUnknown.bulk);
    EXPECT_EQ(windows.largest, kUnknown.largest);
  }
}

TEST(Windows, OfASlowLineKeepItBusyForTwoSecondsAndNoLonger) {
  constexpr double kRate = 6e6;  // in all
  const Windows windows = windows_for(line(50, kRate / 16));
  EXPECT_EQ(windows.largest, static_cast<std::uint64_t>(2 * kRate));
  EXPECT_EQ(windows.bulk, static_cast<std::uint64_t>(kRate / 4)) << "a quarter of a second at first";
  const Windows slowest = windows_for(line(50, 1e4));
  EXPECT_EQ(slowest.bulk, kMiB) << "eight times what was read";
  EXPECT_EQ(slowest.largest, 2 * kMiB);
}

TEST(Windows, FollowTheLatencyWhereItIsLong) {
  const Windows near = windows_for(line(50, 2e6, 1));
  const Windows far = windows_for(line(600, 2e6, 1));  // a satellite
  EXPECT_EQ(far.sparse, kMiB);
  EXPECT_EQ(near.sparse, 128 * kKiB);
  EXPECT_EQ(far.bulk, 2'400'000U) << "two round trips";
  EXPECT_EQ(far.largest, 9'600'000U) << "eight of them";
}

TEST(Windows, OfAQuickLineAreNoLargerThanForAnUnknownOne) {
  for (const http::Pace& pace : {line(50, 20e6), line(1, 1e9), line(0, 1e300)}) {
    const Windows windows = windows_for(pace);
    EXPECT_EQ(windows.bulk, kUnknown.bulk);
    EXPECT_EQ(windows.largest, kUnknown.largest);
    EXPECT_LE(windows.sparse, kMiB);
  }
}

TEST(Windows, BoundACopyOverASlowLine) {
  const Windows slow = windows_for(line(50, 1e6 / 16));
  ReadPattern pattern(kFrame, kPlain);
  EXPECT_EQ(pattern.plan({0, kStep}, false, false, {}, slow).ahead, (ByteRange{kStep, slow.bulk}));
  std::uint64_t ahead_to = 0;
  for (std::uint64_t at = kStep; at + kStep <= kFrame; at += kStep) {
    ahead_to = std::max(ahead_to, pattern.plan({at, kStep}, false, false, {}, slow).ahead.end());
    ASSERT_LE(ahead_to, std::max(at + kStep + slow.largest, kStep + slow.bulk));
  }
  EXPECT_EQ(ahead_to, kFrame);
}

TEST(ReadPattern, AHeaderBeginsAnewToo) {
  Reader reader(4 * kFrame, kFits);
  for (std::uint64_t at = 0; at < kFrame; at += kMiB) (void)reader.read({at, kMiB});
  EXPECT_TRUE(reader.read({2 * kFrame, 4 * kKiB}, 2 * kFrame).ahead.empty());
}

RC_GTEST_PROP(ReadPattern, WhateverIsReadIsPlannedWithinTheFileAndWithinTheWindow, ()) {
  const auto size = *rc::gen::inRange<std::uint64_t>(1, 64 * kMiB);
  ReadPattern pattern(size, *rc::gen::arbitrary<bool>());
  std::uint64_t at = 0;
  for (int i = 0; i < 60; ++i) {
    if (*rc::gen::inRange(0, 4) == 0) at = *rc::gen::inRange<std::uint64_t>(0, size);
    if (at >= size) at = 0;
    const ByteRange asked = ByteRange{at, *rc::gen::inRange<std::uint64_t>(1, kMiB + 1)}.intersect({0, size});
    const bool here = *rc::gen::arbitrary<bool>();
    const bool direct = *rc::gen::arbitrary<bool>();
    std::optional<std::uint64_t> header_at;
    if (*rc::gen::arbitrary<bool>()) header_at = *rc::gen::inRange<std::uint64_t>(0, size);
    const ReadPlan plan = pattern.plan(asked, here, direct, header_from(header_at));
    RC_ASSERT(!plan.decline || (!here && !direct && plan.ahead.empty()));
    RC_ASSERT(plan.fetch.contains(asked));
    RC_ASSERT(plan.fetch.length <= std::max(asked.length, kHeadBytes));
    RC_ASSERT(plan.fetch.end() <= size);
    RC_ASSERT(plan.ahead.empty() || (plan.ahead.offset >= asked.end() && plan.ahead.end() <= size));
    RC_ASSERT(plan.ahead.empty() || plan.ahead.end() <= asked.end() + kUnknown.largest);
    if (!plan.decline) at = asked.end();
  }
}

}  // namespace
}  // namespace astrofs
