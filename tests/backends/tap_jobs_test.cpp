// Asynchronous jobs against the stand-in of Daiquiri: each is deleted, whatever becomes of it.
#include "backends/tap_jobs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <mutex>
#include <thread>

#include "tests/contract/http_stack.h"
#include "tests/support/archive_sim.h"
#include "tests/support/daiquiri.h"

namespace astrofs::tap {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Book final : public Errands {
 public:
  std::map<std::string, std::string> notes;
  bool full{false};
  Result<void> note(const std::string& key, const std::string& text) override {
    if (full) return fail(Errc::no_space, "the disk is full");
    notes[key] = text;
    return {};
  }
  void done(const std::string& key) override { notes.erase(key); }
  [[nodiscard]] std::map<std::string, std::string> open() const override { return notes; }
};

class TapJobsTest : public ::testing::Test {
 protected:
  TapJobsTest() {
    EXPECT_TRUE(sim_.start());
    begin_a_run();
  }
  /// Another program with the same notes.
  void begin_a_run() {
    jobs_ = std::make_unique<Jobs>(
        sim_.url() + "/tap",
        [this](http::Request& request) {
          const std::lock_guard lock(token_mutex_);
          if (!token_.empty()) request.headers.push_back({"Authorization", "Token " + token_});
        },
        [this] {
          const std::lock_guard lock(token_mutex_);
          return token_.empty() ? "nobody" : "token " + token_;
        },
        http_.fetcher());
    jobs_->attach(book_);
  }
  void set(const std::function<void(sim::DaiquiriSettings&)>& how) {
    sim::DaiquiriSettings settings = plates_.settings();
    how(settings);
    plates_.set(settings);
  }
  Result<JobResult> run(const std::string& query = kQuery) {
    return jobs_->run({query, "PostgreSQL", "csv"}, {});
  }
  void expect_nothing_left() {
    EXPECT_EQ(plates_.jobs().unarchived(), 0U);
    EXPECT_THAT(book_.notes, IsEmpty());
  }

  static constexpr const char* kQuery = "SELECT source_id FROM applause_dr4.source WHERE plate_id = 9319";
  sim::ArchiveSim sim_;
  sim::Daiquiri& plates_{sim_.add_plates({.plates = 12, .rows = 7})};
  contract::HttpStack http_;
  Book book_;
  std::mutex token_mutex_;
  std::string token_;
  std::unique_ptr<Jobs> jobs_;
};

TEST_F(TapJobsTest, AJobIsMadeReadAndDeleted) {
  const auto result = run();
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->rows, 7U);
  EXPECT_THAT(result->body, HasSubstr("source_id\r\n"));
  EXPECT_EQ(plates_.jobs().created(), 1U);
  expect_nothing_left();
}

TEST_F(TapJobsTest, WhatTheServiceRefusesIsNoJob) {
  const auto result = run("SELECT nothing FROM applause_dr4.source");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::invalid);
  EXPECT_THAT(result.error().message, HasSubstr("nothing"));
  set([](sim::DaiquiriSettings& settings) { settings.need_token = true; });
  const auto denied = run();
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().code, Errc::denied) << denied.error().message;
  expect_nothing_left();
}

TEST_F(TapJobsTest, AJobThatFailsIsDeletedAndSaysWhy) {
  set([](sim::DaiquiriSettings& settings) {
    settings.job_error = "canceling statement due to statement timeout\n";
  });
  const auto result = run();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::timed_out);
  EXPECT_THAT(result.error().message, HasSubstr("statement timeout"));
  expect_nothing_left();
}

TEST_F(TapJobsTest, AQuotaThatIsUsedUpIsAnErrorThatMayPass) {
  (void)plates_.jobs().create({"", kQuery, "somebody's", 0, true}, plates_.settings());
  set([](sim::DaiquiriSettings& settings) {
    settings.quota = 10;
    settings.job_time = {};
  });
  const auto result = run();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::unavailable);
  EXPECT_THAT(result.error().message, HasSubstr("Quota"));
  EXPECT_EQ(plates_.jobs().unarchived(), 1U) << "what is not ours is not touched";
  EXPECT_THAT(book_.notes, IsEmpty());
}

TEST_F(TapJobsTest, WaitsForItsTurnWhereOneJobMayRunAtATime) {
  (void)plates_.jobs().create({"", kQuery, "somebody's", 0, true}, plates_.settings());
  set([](sim::DaiquiriSettings& settings) { settings.job_time = milliseconds(300); });
  const auto result = run();
  EXPECT_TRUE(result) << result.error().message;
  EXPECT_EQ(plates_.jobs().unarchived(), 1U) << "somebody's";
}

TEST_F(TapJobsTest, AResultThatCannotBeReadIsDeletedToo) {
  sim_.add_fault({.path = "*/results/csv", .kind = sim::Kind::status, .n = 404});
  const auto result = run();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::unavailable) << "a job that is lost is no missing table";
  expect_nothing_left();
}

TEST_F(TapJobsTest, AnAnswerThatIsLostIsNotAskedForTwice) {
  sim_.add_fault(
      {.path = "/tap/async", .kind = sim::Kind::reset_after, .n = 0, .times = 1, .method = "POST"});
  (void)run();
  EXPECT_LE(plates_.jobs().created(), 1U);
  jobs_->end_those_left({});
  expect_nothing_left();
}

TEST_F(TapJobsTest, WhatCannotBeDeletedNowIsDeletedByTheNextRun) {
  const int fault =
      sim_.add_fault({.path = "/tap/async/*", .kind = sim::Kind::status, .n = 500, .method = "POST"});
  EXPECT_TRUE(run()) << "the rows came all the same";
  ASSERT_THAT(book_.notes, SizeIs(1));
  sim_.remove_fault(fault);
  begin_a_run();
  jobs_->end_those_left({});
  expect_nothing_left();
}

TEST_F(TapJobsTest, AJobWhoseAddressWasNotNotedIsFoundByItsName) {
  const auto id = plates_.jobs().create({"", kQuery, "astrofs-0123", 0, true}, plates_.settings());
  ASSERT_TRUE(id);
  book_.notes = {{"astrofs-0123", ""}, {"astrofs-4567", ""}, {"other", "x"}};
  begin_a_run();
  jobs_->end_those_left({});
  EXPECT_EQ(plates_.jobs().unarchived(), 0U);
  EXPECT_THAT(book_.notes, SizeIs(1)) << "only what is none of ours";
}

TEST_F(TapJobsTest, ANoteOfAJobThatNeverWasDoesNotStay) {
  for (int i = 0; i < 3; ++i) {
    sim_.add_fault({.kind = sim::Kind::refuse, .times = 1});
    const auto result = run();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::unavailable);
  }
  EXPECT_EQ(plates_.jobs().created(), 0U);
  expect_nothing_left();
}

TEST_F(TapJobsTest, WhileNobodyCanSayWhetherThereIsAJobItsNoteStays) {
  const int fault = sim_.add_fault({.path = "/tap/async", .kind = sim::Kind::status, .n = 503});
  EXPECT_FALSE(run());
  EXPECT_THAT(book_.notes, SizeIs(1));
  sim_.remove_fault(fault);
  begin_a_run();
  jobs_->end_those_left({});
  expect_nothing_left();
}

TEST_F(TapJobsTest, AllJobsWithoutAnAddressCostOneQuestion) {
  const auto id = plates_.jobs().create({"", kQuery, "astrofs-0123", 0, true}, plates_.settings());
  ASSERT_TRUE(id);
  for (int i = 1000; i < 1050; ++i) book_.notes["astrofs-" + std::to_string(i)] = "";
  book_.notes["astrofs-0123"] = "";
  begin_a_run();
  sim_.clear_log();
  jobs_->end_those_left({});
  EXPECT_EQ(sim_.count("/tap/async", "GET"), 2U) << "the list, and once more where the deletion leads";
  expect_nothing_left();
}

TEST_F(TapJobsTest, AJobThatIsListedUnderAnotherHostIsLookedForHere) {
  const auto id = plates_.jobs().create({"", kQuery, "astrofs-0123", 0, true}, plates_.settings());
  ASSERT_TRUE(id);
  sim_.add_fault(
      {.path = "/tap/async",
       .kind = sim::Kind::body,
       .text = "<jobs><jobref id=\"" + *id +
               "\" href=\"http://inside.example/tap/async/1\"><runId>astrofs-0123</runId></jobref></jobs>"});
  book_.notes = {{"astrofs-0123", ""}};
  begin_a_run();
  jobs_->end_those_left({});
  expect_nothing_left();
}

TEST_F(TapJobsTest, AnAddressElsewhereIsNotFollowed) {
  book_.notes = {{"astrofs-1", "http://example.org/tap/async/1"}};
  begin_a_run();
  jobs_->end_those_left({});
  EXPECT_THAT(book_.notes, SizeIs(1));
  EXPECT_EQ(sim_.requests().size(), 0U);
}

TEST_F(TapJobsTest, AJobOfAUserIsDeletedWhenHeIsThereAgain) {
  token_ = sim::kPlateToken;
  const int fault =
      sim_.add_fault({.path = "/tap/async/*", .kind = sim::Kind::status, .n = 500, .method = "POST"});
  EXPECT_TRUE(run());
  const auto id = plates_.jobs().create({"astronomer", kQuery, "astrofs-0123", 0, true}, plates_.settings());
  ASSERT_TRUE(id) << id.error().message;
  book_.notes["astrofs-0123"] = "\ntoken " + token_;
  sim_.remove_fault(fault);
  token_.clear();
  begin_a_run();
  jobs_->end_those_left({});
  EXPECT_THAT(book_.notes, SizeIs(2)) << "to nobody there are no such jobs";
  token_ = sim::kPlateToken;
  jobs_->end_those_left({});
  expect_nothing_left();
}

TEST_F(TapJobsTest, AJobIsItsOwnersToTheEndWhoeverLogsInMeanwhile) {
  set([](sim::DaiquiriSettings& settings) { settings.job_time = milliseconds(300); });
  auto result = std::async(std::launch::async, [this] { return run(); });
  while (plates_.jobs().created() == 0) std::this_thread::yield();
  {
    const std::lock_guard lock(token_mutex_);
    token_ = sim::kPlateToken;
  }
  EXPECT_TRUE(result.get());
  expect_nothing_left();
}

TEST_F(TapJobsTest, WhatCouldNotBeDeletedGoesWithTheNextJob) {
  const int fault =
      sim_.add_fault({.path = "/tap/async/*", .kind = sim::Kind::status, .n = 500, .method = "POST"});
  EXPECT_TRUE(run());
  EXPECT_THAT(book_.notes, SizeIs(1));
  sim_.remove_fault(fault);
  EXPECT_TRUE(run());
  expect_nothing_left();
}

TEST_F(TapJobsTest, AJobThatIsGoneIsDeletedThoughTheListOfJobsIsSecret) {
  sim_.add_fault({.path = "/tap/async", .kind = sim::Kind::status, .n = 403, .method = "GET"});
  EXPECT_TRUE(run());
  expect_nothing_left();
}

TEST_F(TapJobsTest, AJobOfThisRunIsNoneThatWasLeft) {
  const auto id = plates_.jobs().create({"", kQuery, "astrofs-0123", 0, true}, plates_.settings());
  ASSERT_TRUE(id);
  book_.notes = {{"astrofs-0123", ""}};
  jobs_->end_those_left({});
  EXPECT_EQ(plates_.jobs().unarchived(), 1U);
  EXPECT_THAT(book_.notes, SizeIs(1));
}

TEST_F(TapJobsTest, AJobThatCouldNotBeNotedIsNotBegun) {
  book_.full = true;
  EXPECT_EQ(run().error().code, Errc::no_space);
  EXPECT_EQ(plates_.jobs().created(), 0U);
}

}  // namespace
}  // namespace astrofs::tap
