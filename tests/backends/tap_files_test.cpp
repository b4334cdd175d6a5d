// Files that are queries, against the stand-in: how often it is asked, and with what an answer is not a file.
#include "backends/tap_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "backends/login_file.h"
#include "backends/vo_login.h"
#include "tests/contract/http_stack.h"
#include "tests/support/archive_sim.h"
#include "tests/support/changed_variable.h"
#include "tests/support/fresh_dir.h"
#include "tests/support/vo_archive.h"

namespace astrofs {
namespace {

using ::testing::HasSubstr;

constexpr const char* kAll = "all.csv";
constexpr std::size_t kRows = 50;

class TapFilesTest : public ::testing::Test {
 protected:
  TapFilesTest() {
    vo_ = &server_.add_vo({.plates = 6, .linked = 4, .stars = 40});
    EXPECT_TRUE(server_.start());
    begin({});
  }
  void begin(tap::Tables::Limits limits) {
    std::vector<QueryFile> files;
    files.push_back(*QueryFile::parse(kAll, "SELECT obs_id FROM ivoa.obscore"));
    files.push_back(*QueryFile::parse("at_{ra}.csv", "SELECT obs_id FROM ivoa.obscore WHERE s_ra <= {ra}"));
    files.push_back(*QueryFile::parse("wrong.csv", "SELECT no_such_column FROM ivoa.obscore"));
    const std::string url = server_.url() + "/vo/tap";
    archive_ = std::make_unique<TapArchive>(
        url, std::move(files), std::chrono::days(3),
        VoAccess{vo_token_service("my-vo", "bearer", url, VoProtocol::tap), login_}, http_.fetcher(), clock_,
        limits);
  }
  template <typename Change>
  void set(Change change) {
    sim::VoSettings settings = vo_->settings();
    change(settings);
    vo_->set(settings);
  }
  Result<std::string> make(const std::string& name = kAll) { return archive_->make(name, {}); }
  static std::size_t rows_of(const Result<std::string>& text) {
    return text ? static_cast<std::size_t>(std::count(text->begin(), text->end(), '\n')) - 1 : 0;
  }
  void expect_refused(const Result<std::string>& made, Errc code, const std::string& because) {
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, code) << made.error().message;
    EXPECT_THAT(made.error().message, HasSubstr(because));
    EXPECT_EQ(vo_->jobs().left(), 0U);
  }

  const ChangedVariable directory_{"CREDENTIALS_DIRECTORY", std::nullopt};
  const ChangedVariable variable_{"ASTROFS_LOGIN_MY_VO", std::nullopt};
  FreshDir place_;
  const std::string login_ = place_.path("logins/my-vo.login");
  sim::ArchiveSim server_;
  contract::HttpStack http_;
  ManualClock clock_;
  sim::VoArchive* vo_{nullptr};
  std::unique_ptr<TapArchive> archive_;
};

TEST_F(TapFilesTest, AnAnswerIsOneRequestAndIsKeptForItsReader) {
  EXPECT_EQ(rows_of(make()), kRows);
  EXPECT_EQ(server_.requests().size(), 1U);
  EXPECT_EQ(rows_of(make()), kRows);
  EXPECT_EQ(server_.requests().size(), 1U);
  archive_->make_anew(kAll);
  EXPECT_EQ(rows_of(make()), kRows);
  EXPECT_EQ(server_.requests().size(), 2U);
}

TEST_F(TapFilesTest, EveryFileIsAsOldAsTheConfigurationLetsIt) {
  EXPECT_EQ(archive_->made_good_for(kAll), std::chrono::days(3));
  EXPECT_EQ(archive_->made_good_for("at_1.csv"), std::chrono::days(3));
}

TEST_F(TapFilesTest, WhatIsCutOffAtOnceIsAJobAndNothingOfItIsLeft) {
  set([](sim::VoSettings& settings) { settings.most_at_once = 7; });
  EXPECT_EQ(rows_of(make()), kRows);
  EXPECT_EQ(vo_->jobs().made(), 1U);
  EXPECT_EQ(vo_->jobs().left(), 0U);
}

TEST_F(TapFilesTest, WhatIsCutOffThereTooIsNoShorterFile) {
  set([](sim::VoSettings& settings) { settings.most_at_once = settings.most_rows = 7; });
  expect_refused(make(), Errc::unavailable, "after 7 rows");
  set([](sim::VoSettings& settings) { settings.jobs.offered = false; });
  expect_refused(make(), Errc::unavailable, "as a job");
}

TEST_F(TapFilesTest, ALimitOfOursAsksForNoJob) {
  begin({.rows = 7});
  expect_refused(make(), Errc::too_large, "more than 7 rows");
  begin({.bytes = 200});
  expect_refused(make(), Errc::too_large, "");
  EXPECT_EQ(vo_->jobs().made(), 0U);
}

TEST_F(TapFilesTest, AQueryThatTheServiceRefusesIsNoMissingFile) {
  expect_refused(make("wrong.csv"), Errc::unavailable, "no_such_column");
  EXPECT_EQ(vo_->jobs().made(), 0U);
  expect_refused(make("other.csv"), Errc::not_found, "other.csv");
}

TEST_F(TapFilesTest, ALoginThatComesIsAskedWithAndTakesUpWhatOthersLeft) {
  set([](sim::VoSettings& settings) { settings.gate.scheme = "Bearer"; });
  expect_refused(make(), Errc::denied, "astrofs login my-vo");
  EXPECT_FALSE(archive_->takes_up_errands());
  ASSERT_TRUE(login_file::write_text(login_, std::string(sim::kVoToken) + "\n"));
  archive_->notice_login();
  EXPECT_TRUE(archive_->takes_up_errands());
  EXPECT_FALSE(archive_->takes_up_errands()) << "once";
  EXPECT_EQ(rows_of(make()), kRows);
}

TEST_F(TapFilesTest, AnotherUserIsNotGivenTheRowsOfTheOneBefore) {
  EXPECT_EQ(rows_of(make()), kRows);
  server_.clear_log();
  ASSERT_TRUE(login_file::write_text(login_, std::string(sim::kVoToken) + "\n"));
  archive_->notice_login();
  EXPECT_EQ(rows_of(make()), kRows);
  EXPECT_EQ(server_.requests().size(), 1U);
}

}  // namespace
}  // namespace astrofs
