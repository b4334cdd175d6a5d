// Each call is answered exactly once, by the first of its answer, its deadline and its caller's interrupt.
#include "fs/parking.h"

#include <gtest/gtest.h>

#include <future>
#include <optional>
#include <thread>
#include <vector>

namespace astrofs {
namespace {

/// Far beyond what a loaded machine needs; only a broken deadline waits so long.
constexpr seconds kPatience{60};
/// Passes within no test.
constexpr milliseconds kNever{3'600'000};
/// Passes within every test.
constexpr milliseconds kSoon{20};

/// One call as its caller sees it. It outlives its reply.
struct Call {
  std::atomic<int> answers{0};
  std::atomic<bool> heard_late{false};  ///< an interrupt was asked for when the answer was already out
  std::promise<Result<int>> promise;
  std::promise<std::thread::id> answered_by;
  std::function<void()> interrupted;
  std::atomic<bool> dying{true};
  std::atomic<int> looked_at{0};  ///< how often it was asked whether the caller is dying

  Result<int> answer() {
    std::future<Result<int>> future = promise.get_future();
    if (future.wait_for(kPatience) != std::future_status::ready)
      return fail(Errc::internal, "never answered");
    return future.get();
  }
};

class CallReply final : public Reply<int> {
 public:
  explicit CallReply(Call& call) : call_(call) {}
  void send(Result<int> result) override {
    sent_ = true;
    if (call_.answers++ > 0) return;
    call_.answered_by.set_value(std::this_thread::get_id());
    call_.promise.set_value(std::move(result));
  }
  void on_interrupt(std::function<void()> interrupted) override {
    if (sent_) call_.heard_late = true;
    call_.interrupted = std::move(interrupted);
  }
  [[nodiscard]] bool caller_is_dying() const override {
    ++call_.looked_at;
    return call_.dying;
  }

 private:
  Call& call_;
  bool sent_{false};  // no atomic: whoever sends must have been told by whoever parked
};

std::shared_ptr<Pending<int>> park(Parking& parking, Call& call) {
  return parking.park<int>(std::make_unique<CallReply>(call));
}

class ParkingTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::int64_t timed_out() const { return metrics_.value("astrofs_calls_timed_out_total"); }
  [[nodiscard]] std::int64_t interrupted() const { return metrics_.value("astrofs_calls_interrupted_total"); }

  Metrics metrics_;
};

TEST_F(ParkingTest, AnAnswerReachesTheCallerAndASecondOneIsRefused) {
  Parking parking(kNever, metrics_);
  Call call;
  const auto pending = park(parking, call);
  EXPECT_EQ(parking.parked(), 1U);
  EXPECT_FALSE(pending->settled());
  EXPECT_TRUE(pending->settle(7));
  EXPECT_TRUE(pending->settled());
  EXPECT_FALSE(pending->settle(8));
  pending->expire({Errc::timed_out, "late"});
  EXPECT_EQ(call.answer().value_or(0), 7);
  EXPECT_EQ(call.answers, 1);
  EXPECT_EQ(parking.parked(), 0U);
}

TEST_F(ParkingTest, ACallWithoutAnAnswerEndsAtItsDeadlineAndIsCounted) {
  Parking parking(kSoon, metrics_);
  Call call;
  const auto pending = park(parking, call);
  const Result<int> answer = call.answer();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::timed_out);
  EXPECT_EQ(answer.error().message, "no answer within 20 ms");
  EXPECT_FALSE(pending->settle(7)) << "what comes later is too late";
  EXPECT_EQ(call.answers, 1);
  EXPECT_EQ(parking.parked(), 0U);
  EXPECT_EQ(timed_out(), 1);
}

TEST_F(ParkingTest, AtTheEndAllAreAnsweredAndSoIsWhoComesLater) {
  Parking parking(kNever, metrics_);
  Call waiting;
  const auto pending = park(parking, waiting);
  parking.close();
  Call late;
  bool told = false;
  park(parking, late)->when_abandoned([&told] { told = true; });
  EXPECT_TRUE(told);
  for (Call* call : {&waiting, &late}) {
    const Result<int> answer = call->answer();
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::interrupted);
    EXPECT_EQ(call->answers, 1);
  }
  parking.close();
  EXPECT_EQ(parking.parked(), 0U);
}

TEST_F(ParkingTest, ADeadlineThatComesFirstIsKeptAlthoughOthersAreParkedBehindIt) {
  Parking slow(kNever, metrics_);
  Parking quick(kSoon, metrics_);
  std::vector<Call> calls(100);
  std::vector<std::shared_ptr<Pending<int>>> held;
  for (Call& call : calls) held.push_back(park(quick, call));
  Call patient;
  held.push_back(park(slow, patient));
  for (Call& call : calls) EXPECT_EQ(call.answer().error().code, Errc::timed_out);
  EXPECT_EQ(slow.parked(), 1U);
  EXPECT_EQ(timed_out(), 100);
}

TEST_F(ParkingTest, AnAnsweredCallIsNotCountedAtItsDeadline) {
  Parking parking(25 * kSoon, metrics_);  // it is answered before, also by a thread that waits for its turn
  Call answered;
  const auto kept = park(parking, answered);
  ASSERT_TRUE(kept->settle(7));
  Call later;  // its deadline is behind that of the answered one
  const auto pending = park(parking, later);
  EXPECT_FALSE(later.answer());
  EXPECT_EQ(timed_out(), 1);
  EXPECT_EQ(answered.answers, 1);
}

TEST_F(ParkingTest, WhoWouldHaveAnsweredIsToldOnceThatTheCallerIsGone) {
  Parking parking(kSoon, metrics_);
  Call call;
  std::atomic<int> abandoned{0};
  std::promise<void> told;
  const auto pending = park(parking, call);
  pending->when_abandoned([&] {
    if (abandoned++ == 0) told.set_value();
  });
  EXPECT_EQ(call.answer().error().code, Errc::timed_out);
  EXPECT_EQ(told.get_future().wait_for(kPatience), std::future_status::ready);
  pending->expire({Errc::interrupted, "again"});
  EXPECT_EQ(abandoned, 1);
}

TEST_F(ParkingTest, WhoAnsweredIsNotToldThatTheCallerIsGone) {
  Parking parking(kNever, metrics_);
  Call call;
  int abandoned = 0;
  const auto pending = park(parking, call);
  pending->when_abandoned([&] { ++abandoned; });
  EXPECT_TRUE(pending->settle(7));
  pending->expire({Errc::timed_out, "late"});
  EXPECT_EQ(abandoned, 0);
}

TEST_F(ParkingTest, WhoComesTooLateToWorkForACallerHearsItAtOnce) {
  Parking parking(kNever, metrics_);
  Call call;
  const auto pending = park(parking, call);
  pending->expire({Errc::interrupted, "gone"});
  int abandoned = 0;
  pending->when_abandoned([&] { ++abandoned; });
  EXPECT_EQ(abandoned, 1);
}

TEST_F(ParkingTest, AnExpiryAndItsLateListenerMeetExactlyOnce) {
  Parking parking(kNever, metrics_);
  for (int i = 0; i < 2000; ++i) {
    Call call;
    std::atomic<int> abandoned{0};
    const auto pending = park(parking, call);
    {
      const std::jthread expiry([&] { pending->expire({Errc::interrupted, "gone"}); });
      pending->when_abandoned([&] { ++abandoned; });
    }
    ASSERT_EQ(abandoned, 1) << "round " << i;
    ASSERT_EQ(call.answers, 1);
  }
}

TEST_F(ParkingTest, AnInterruptEndsACallFromAnotherThreadThanItsOwn) {
  Parking parking(kNever, metrics_);
  Call call;
  const auto pending = park(parking, call);
  call.interrupted();  // as libfuse does it: while it holds the request's lock
  const Result<int> answer = call.answer();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::interrupted);
  EXPECT_NE(call.answered_by.get_future().get(), std::this_thread::get_id());
  EXPECT_EQ(interrupted(), 1);
  EXPECT_EQ(timed_out(), 0);
}

TEST_F(ParkingTest, AnInterruptedCallStillTakesAnAnswerThatIsAboutToCome) {
  Parking parking(kNever, metrics_);
  // A machine that stands still for longer than the grace between two lines makes one round fail, not all.
  int in_time = 0;
  for (int i = 0; i < 100; ++i) {
    Call call;
    const auto pending = park(parking, call);
    call.interrupted();
    const bool was_first = pending->settle(7);
    const Result<int> answer = call.answer();
    EXPECT_EQ(answer.has_value(), was_first);
    EXPECT_EQ(call.answers, 1);
    if (was_first) ++in_time;
  }
  EXPECT_GT(in_time, 0);
  EXPECT_EQ(interrupted(), 100);
}

TEST_F(ParkingTest, AnInterruptOfACallerWhoHandlesSignalsIsPutOff) {
  Parking parking(kNever, metrics_);
  Call call;
  call.dying = false;
  const auto pending = park(parking, call);
  call.interrupted();
  EXPECT_EQ(call.answer().error().code, Errc::interrupted);
  EXPECT_GT(call.looked_at, 1) << "at its first look it was not put off";
  EXPECT_EQ(call.answers, 1);
}

TEST_F(ParkingTest, ACallerWhoIsKilledAfterASignalThatItHandlesIsLetGo) {
  Parking parking(kNever, metrics_);
  Call call;
  call.dying = false;
  const auto pending = park(parking, call);
  call.interrupted();  // the kernel tells of the first signal only
  while (call.looked_at == 0) std::this_thread::yield();
  call.dying = true;
  EXPECT_EQ(call.answer().error().code, Errc::interrupted);
}

TEST_F(ParkingTest, AnInterruptOfACallThatIsGoneIsHarmless) {
  Parking parking(kNever, metrics_);
  Call call;
  auto pending = park(parking, call);
  EXPECT_TRUE(pending->settle(7));
  pending.reset();
  call.interrupted();
  Call next;
  const auto other = park(parking, next);
  next.interrupted();
  EXPECT_EQ(next.answer().error().code, Errc::interrupted) << "the thread went past the one that is gone";
  EXPECT_EQ(call.answers, 1);
}

TEST_F(ParkingTest, AnInterruptedCallIsCountedAsOneThatWaitsUntilItEnds) {
  Parking parking(kNever, metrics_);
  Call first;
  Call second;
  const auto one = park(parking, first);
  const auto two = park(parking, second);
  first.interrupted();
  EXPECT_LE(parking.parked(), 2U) << "its second row is not a second call";
  EXPECT_FALSE(first.answer());
  EXPECT_EQ(parking.parked(), 1U);
}

TEST_F(ParkingTest, AtTheEndWhoStillWaitsIsAnswered) {
  Call waiting;
  Call answered;
  std::shared_ptr<Pending<int>> one;
  std::shared_ptr<Pending<int>> other;
  int abandoned = 0;
  {
    Parking parking(kNever, metrics_);
    one = park(parking, waiting);
    other = park(parking, answered);
    one->when_abandoned([&] { ++abandoned; });
    EXPECT_TRUE(other->settle(7));
  }
  const Result<int> answer = waiting.answer();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::interrupted);
  EXPECT_EQ(answer.error().message, "the mount is ending");
  EXPECT_EQ(abandoned, 1);
  EXPECT_EQ(answered.answers, 1);
}

TEST_F(ParkingTest, SweepingAnsweredCallsLosesNobodyWhoWaits) {
  constexpr std::size_t kMany = 20'000;  // several sweeps
  Parking parking(kNever, metrics_);
  std::vector<Call> waiting(3);
  std::vector<std::shared_ptr<Pending<int>>> held;
  std::vector<Call> answered(kMany);
  for (std::size_t i = 0; i < kMany; ++i) {
    if (i % 9000 == 0) held.push_back(park(parking, waiting[i / 9000]));
    EXPECT_TRUE(park(parking, answered[i])->settle(1));
  }
  EXPECT_EQ(parking.parked(), 3U);
  for (Call& call : waiting) {
    call.interrupted();
    EXPECT_EQ(call.answer().error().code, Errc::interrupted);
  }
}

TEST_F(ParkingTest, ADeadlineThatPassesWhileTheCallIsBeingParkedFindsItReady) {
  Parking parking(milliseconds(0), metrics_);
  for (int i = 0; i < 20'000; ++i) {
    Call call;
    const auto pending = park(parking, call);
    ASSERT_FALSE(call.answer());
    // A reply that was sent is a request that libfuse has freed.
    ASSERT_FALSE(call.heard_late) << "asked for interrupts after its answer, round " << i;
  }
}

TEST_F(ParkingTest, AnswersDeadlinesAndInterruptsInARaceAnswerEachCallOnce) {
  constexpr std::size_t kCalls = 2000;
  std::vector<Call> calls(kCalls);
  std::atomic<std::int64_t> answered{0};
  {
    Parking parking(milliseconds(1), metrics_);
    std::vector<std::shared_ptr<Pending<int>>> held(kCalls);
    for (std::size_t i = 0; i < kCalls; ++i) held[i] = park(parking, calls[i]);
    std::vector<std::jthread> racers;
    for (int racer = 0; racer < 2; ++racer) {
      racers.emplace_back([&] {
        for (const auto& pending : held) answered += pending->settle(7) ? 1 : 0;
      });
    }
    for (Call& call : calls) call.interrupted();
  }
  std::int64_t with_value = 0;
  for (Call& call : calls) {
    const Result<int> answer = call.answer();
    with_value += answer ? 1 : 0;
    EXPECT_EQ(call.answers, 1);
  }
  EXPECT_EQ(with_value, answered);
}

}  // namespace
}  // namespace astrofs
