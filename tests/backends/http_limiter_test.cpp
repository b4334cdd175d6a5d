// Budgets, urgency, pauses and breakers of origins, seen through range jobs on a scripted client.
#include <gtest/gtest.h>

#include "tests/backends/http_stage.h"

namespace astrofs::http {
namespace {

const std::string kFile = fits_like(100'000);

RangeJob urgent(Urgency urgency, const std::string& url = "http://a.example/f") {
  RangeJob job = job_for(kFile, {0, 100}, {url});
  job.urgency = urgency;
  return job;
}

FakeClient::Script slow() {
  return [](const Request& request) {
    Scripted answer = good_answer(request, kFile);
    answer.delay = milliseconds(100);
    return answer;
  };
}

TEST(Limiter, KeepsTheBudgetOfEachOrigin) {
  FetcherOptions options;
  options.connections_per_origin = 4;
  Stage stage(slow(), options);
  stage.fetcher->set_budget("http://b.example/any/page", 2);
  std::vector<std::shared_ptr<Recorder>> jobs;
  for (int i = 0; i < 10; ++i) {
    jobs.push_back(stage.begin(urgent(Urgency::demand)));
    jobs.push_back(stage.begin(urgent(Urgency::demand, "http://b.example/f")));
  }
  EXPECT_EQ(stage.client.running(), 6U);
  const auto status = stage.fetcher->status();
  ASSERT_EQ(status.size(), 2U);
  EXPECT_EQ(status[0].in_flight, 4U);
  EXPECT_EQ(status[0].waiting, 6U);
  EXPECT_EQ(status[1].budget, 2U);
  stage.client.run_for(milliseconds(1000));
  for (const auto& one : jobs) EXPECT_EQ(one->outcome(), "ok");
  EXPECT_EQ(stage.client.most_running, 6U);
}

TEST(Limiter, ThirtyTwoRangesRunAtOnceWhereTheBudgetAllows) {
  FetcherOptions options;
  options.connections_per_origin = 32;
  Stage stage(slow(), options);
  for (int i = 0; i < 40; ++i) stage.begin(urgent(Urgency::demand));
  EXPECT_EQ(stage.client.running(), 32U);
}

TEST(Limiter, AReaderIsServedBeforeReadAheadAndThatBeforeWarming) {
  FetcherOptions options;
  options.connections_per_origin = 1;
  std::vector<std::string> order;
  Stage stage(
      [&](const Request& request) {
        order.push_back(request.url.substr(request.url.rfind('/') + 1));
        return slow()(request);
      },
      options);
  stage.begin(urgent(Urgency::demand, "http://a.example/first"));
  stage.begin(urgent(Urgency::background, "http://a.example/warm"));
  stage.begin(urgent(Urgency::prefetch, "http://a.example/ahead"));
  stage.begin(urgent(Urgency::demand, "http://a.example/reader"));
  stage.client.run_for(milliseconds(1000));
  EXPECT_EQ(order, (std::vector<std::string>{"first", "reader", "ahead", "warm"}));
}

TEST(Limiter, KeepsAConnectionFreeForAReader) {
  FetcherOptions options;
  options.connections_per_origin = 4;
  Stage stage(slow(), options);
  for (int i = 0; i < 5; ++i) stage.begin(urgent(Urgency::background));
  EXPECT_EQ(stage.client.running(), 2U);
  for (int i = 0; i < 5; ++i) stage.begin(urgent(Urgency::prefetch));
  EXPECT_EQ(stage.client.running(), 3U);
  for (int i = 0; i < 5; ++i) stage.begin(urgent(Urgency::demand));
  EXPECT_EQ(stage.client.running(), 4U);
}

TEST(Limiter, APauseHoldsTheWholeOriginAndNoOther) {
  bool asked = false;
  Stage stage([&](const Request& request) {
    if (!std::exchange(asked, true)) return status_answer(429, {{"retry-after", "3"}});
    return good_answer(request, kFile);
  });
  const auto told = stage.begin(urgent(Urgency::demand));
  const auto same = stage.begin(urgent(Urgency::demand, "http://a.example/other"));
  const auto elsewhere = stage.begin(urgent(Urgency::demand, "http://b.example/f"));
  EXPECT_EQ(elsewhere->outcome(), "ok");
  stage.client.run_for(milliseconds(2990));
  EXPECT_EQ(told->outcome(), "nothing yet");
  EXPECT_EQ(same->outcome(), "nothing yet");
  EXPECT_EQ(stage.client.requests.size(), 2U);
  stage.client.run_for(milliseconds(20));
  EXPECT_EQ(told->outcome(), "ok");
  EXPECT_EQ(same->outcome(), "ok");
}

struct BreakerTest : ::testing::Test {
  static FetcherOptions options() {
    FetcherOptions chosen;
    chosen.breaker_failures = 4;
    chosen.attempts = 2;
    chosen.breaker_open = milliseconds(15'000);
    return chosen;
  }
  bool broken{true};
  int silent_calls{0};
  Stage stage{
      [this](const Request& request) { return broken ? status_answer(500) : good_answer(request, kFile); },
      options()};

  void open_it() {
    for (int i = 0; i < 2; ++i) {
      stage.begin(urgent(Urgency::demand));
      stage.client.run_for(milliseconds(1000));
    }
    ASSERT_EQ(stage.client.requests.size(), 4U);
    ASSERT_TRUE(stage.fetcher->status()[0].breaker_open);
  }
};

TEST_F(BreakerTest, AnswersAtOnceWhileOpen) {
  open_it();
  EXPECT_EQ(stage.begin(urgent(Urgency::demand))->outcome(), "unavailable");
  EXPECT_EQ(stage.client.requests.size(), 4U);
  RangeJob mirrored = urgent(Urgency::demand);
  mirrored.mirrors.push_back(get("http://b.example/f"));
  broken = false;
  EXPECT_EQ(stage.begin(mirrored)->outcome(), "ok");  // another mirror is not concerned
}

TEST_F(BreakerTest, ClosesWhenOneProbeSucceeds) {
  open_it();
  stage.client.run_for(milliseconds(15'000));
  broken = false;
  EXPECT_EQ(stage.begin(urgent(Urgency::demand))->outcome(), "ok");
  EXPECT_TRUE(stage.client.requests.back().fresh_connection);
  EXPECT_FALSE(stage.fetcher->status()[0].breaker_open);
}

TEST_F(BreakerTest, StaysOpenWhenTheProbeFails) {
  open_it();
  stage.client.run_for(milliseconds(15'000));
  EXPECT_EQ(stage.begin(urgent(Urgency::demand))->outcome(), "nothing yet");
  stage.client.run_for(milliseconds(1000));
  EXPECT_EQ(stage.client.requests.size(), 5U);  // its own second attempt met the breaker
  EXPECT_EQ(stage.begin(urgent(Urgency::demand))->outcome(), "unavailable");
  EXPECT_EQ(stage.client.requests.size(), 5U);
}

TEST(Breaker, LetsOnlyOneProbeThroughAtATime) {
  FetcherOptions options = BreakerTest::options();
  bool probing = false;
  Stage stage([&](const Request&) { return probing ? silent_answer() : status_answer(500); }, options);
  for (int i = 0; i < 2; ++i) stage.finish(urgent(Urgency::demand));
  probing = true;
  std::stop_source stop;
  const std::size_t before = stage.client.requests.size();
  const auto probe = stage.begin(urgent(Urgency::demand), stop.get_token());
  EXPECT_EQ(stage.begin(urgent(Urgency::demand))->outcome(), "unavailable");
  EXPECT_EQ(stage.client.requests.size(), before + 1);
  stop.request_stop();  // a probe that was given up says nothing, and the next may try
  stage.client.run();
  EXPECT_EQ(probe->outcome(), "interrupted");
  stage.begin(urgent(Urgency::demand));
  EXPECT_EQ(stage.client.requests.size(), before + 2);
}

TEST(Breaker, CountsAnOriginThatNeverAnswersBeforeTheDeadline) {
  Stage stage([&](const Request&) { return silent_answer(); }, BreakerTest::options());
  for (int i = 0; i < 4; ++i) {
    RangeJob job = urgent(Urgency::demand);
    job.timeout = milliseconds(1000);
    const auto got = stage.begin(job);
    stage.client.run_for(milliseconds(1100));
    EXPECT_EQ(got->outcome(), "timed_out");
  }
  EXPECT_TRUE(stage.fetcher->status()[0].breaker_open);
}

TEST(Breaker, IsNotOpenedByMissingFilesNorByPauses) {
  int calls = 0;
  Stage stage(
      [&](const Request&) {
        return ++calls % 2 == 0 ? status_answer(404) : status_answer(503, {{"retry-after", "1"}});
      },
      BreakerTest::options());
  for (int i = 0; i < 8; ++i) stage.finish(urgent(Urgency::demand));
  EXPECT_FALSE(stage.fetcher->status()[0].breaker_open);
}

}  // namespace
}  // namespace astrofs::http
