// What is known of a line from the answers that came over it.
#include "backends/http/pace.h"

#include <gtest/gtest.h>

#include "tests/backends/http_stage.h"

namespace astrofs::http {
namespace {

constexpr std::uint64_t kMegabyte = 1'000'000;

TEST(Pace, IsUnknownBeforeAnAnswer) {
  const Pace pace;
  EXPECT_FALSE(pace.latency);
  EXPECT_FALSE(pace.rate);
}

TEST(Pace, AShortBodyTellsOfTheLatencyAlone) {
  Pace pace;
  pace.note(milliseconds(50), 64 * 1024, milliseconds(1));
  EXPECT_EQ(pace.latency, milliseconds(50));
  EXPECT_FALSE(pace.rate);
}

TEST(Pace, TheLatencyFallsAtOnceAndRisesSlowly) {
  Pace pace;
  pace.note(milliseconds(150), 0, milliseconds(0));  // with the connection that had to be made
  pace.note(milliseconds(50), 0, milliseconds(0));
  EXPECT_EQ(pace.latency, milliseconds(50));
  pace.note(milliseconds(850), 0, milliseconds(0));
  EXPECT_EQ(pace.latency, milliseconds(150));
  for (int i = 0; i < 100; ++i) pace.note(milliseconds(850), 0, milliseconds(0));
  EXPECT_GT(pace.latency, milliseconds(840)) << "another network";
}

TEST(Pace, TheRateFollowsWhatBodiesSay) {
  Pace pace;
  pace.note(milliseconds(50), kMegabyte, milliseconds(100));
  EXPECT_DOUBLE_EQ(*pace.rate, 10e6);
  for (int i = 0; i < 30; ++i) pace.note(milliseconds(50), kMegabyte, milliseconds(1000));
  EXPECT_NEAR(*pace.rate, 1e6, 1e4);
}

TEST(Pace, ABodyThatHadPiledUpIsNotTakenForAFastLine) {
  Pace pace;
  pace.note(milliseconds(50), kMegabyte, milliseconds(1000));
  pace.note(milliseconds(50), kMegabyte, milliseconds(0));
  EXPECT_GT(*pace.rate, 1e6);
  EXPECT_LT(*pace.rate, 1.5e6);
  for (int i = 0; i < 60; ++i) pace.note(milliseconds(50), kMegabyte, milliseconds(10));
  EXPECT_NEAR(*pace.rate, 100e6, 1e6) << "another network";
}

TEST(Pace, IsMeasuredOnWhatAHostSends) {
  const std::string file = fits_like(300'000);
  Stage stage([&](const Request& request) {
    Scripted answer = good_answer(request, file);
    answer.delay = milliseconds(40);
    answer.piece = 20'000;
    answer.between = milliseconds(100);
    return answer;
  });
  const auto fetched = stage.begin(job_for(file, {0, 200'000}, {"http://a.example/f"}));
  EXPECT_FALSE(stage.fetcher->pace("http://a.example:80").latency) << "nothing has come";
  stage.client.run_for(milliseconds(1000));
  ASSERT_EQ(fetched->outcome(), "ok");
  const Pace pace = stage.fetcher->pace("http://a.example:80");
  EXPECT_EQ(pace.latency, milliseconds(40));
  EXPECT_DOUBLE_EQ(pace.rate.value_or(0), 200'000.0);
  EXPECT_EQ(pace.connections, stage.fetcher->status()[0].budget);
  EXPECT_FALSE(stage.fetcher->pace("http://b.example:80").latency) << "each host has its own";
}

TEST(Pace, WhatWasThereWithTheHeadTellsNothingOfTheRate) {
  const std::string file = fits_like(300'000);
  Stage stage([&](const Request& request) {
    Scripted answer = good_answer(request, file);
    answer.piece = 150'000;
    return answer;
  });
  const auto fetched = stage.begin(job_for(file, {0, 200'000}, {"http://a.example/f"}));
  stage.client.run_for(milliseconds(10));
  ASSERT_EQ(fetched->outcome(), "ok");
  EXPECT_TRUE(stage.fetcher->pace("http://a.example:80").latency);
  EXPECT_FALSE(stage.fetcher->pace("http://a.example:80").rate);
}

TEST(Pace, WhatBrokeOffOrWasHeldUpByItsReceiverTellsNothing) {
  const std::string file = fits_like(300'000);
  Stage stage([&](const Request& request) {
    Scripted answer = good_answer(request, file);
    answer.piece = 20'000;
    if (request.url.ends_with("breaks")) answer.broken = Error{Errc::unavailable, "reset"};
    return answer;
  });
  (void)stage.begin(job_for(file, {0, 200'000}, {"http://a.example/breaks"}));
  const auto slow = std::make_shared<Recorder>();
  slow->pause_next = true;
  stage.fetcher->start(job_for(file, {0, 200'000}, {"http://b.example/f"}), slow, {});
  stage.client.run_for(milliseconds(10));
  stage.fetcher->resume(slow.get());
  stage.client.run_for(milliseconds(10));
  ASSERT_EQ(slow->outcome(), "ok");
  for (const char* origin : {"http://a.example:80", "http://b.example:80"})
    EXPECT_FALSE(stage.fetcher->pace(origin).rate) << origin;
}

}  // namespace
}  // namespace astrofs::http
