#include "base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <sstream>
#include <thread>
#include <vector>

#include "tests/support/changed_variable.h"
#include "tests/support/fresh_dir.h"

namespace astrofs {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

class Log : public ::testing::Test {
 protected:
  void TearDown() override { EXPECT_TRUE(log::start("", log::Level::info)); }

  ChangedVariable level_{"ASTROFS_LOG_LEVEL", std::nullopt};
  FreshDir dir_;
};

TEST_F(Log, WritesOneDatedLinePerMessageToStderr) {
  ASSERT_TRUE(log::start("", log::Level::info));
  ::testing::internal::CaptureStderr();
  log::warning("listing of {} failed, attempt {}", "tess/4", 2);
  EXPECT_THAT(
      ::testing::internal::GetCapturedStderr(),
      MatchesRegex(
          "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{3}[+-][0-9:]{5} warning listing of tess/4 failed, "
          "attempt 2\n"));
}

TEST_F(Log, TheJournalGetsPrioritiesInsteadOfDates) {
  ASSERT_TRUE(log::start("journal", log::Level::debug));
  ::testing::internal::CaptureStderr();
  log::debug("d");
  log::info("i");
  log::warning("w");
  log::error("e");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "<7>d\n<6>i\n<4>w\n<3>e\n");
}

TEST_F(Log, AFileIsAppendedToAndBelongsToItsOwnerAlone) {
  const std::string file = dir_.path("astrofs.log");
  ASSERT_TRUE(log::start(file, log::Level::info));
  log::info("first");
  ASSERT_TRUE(log::start("", log::Level::info));
  ASSERT_TRUE(log::start(file, log::Level::info));
  log::info("second");
  EXPECT_THAT(dir_.read("astrofs.log"), MatchesRegex("[^\n]* info first\n[^\n]* info second\n"));
  struct stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(Log, AFileThatCannotBeOpenedIsAClearErrorAndChangesNothing) {
  ASSERT_TRUE(log::start("journal", log::Level::warning));
  const auto started = log::start(dir_.path("no/such/dir/log"), log::Level::debug);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Errc::not_found);
  EXPECT_THAT(started.error().message, HasSubstr(dir_.path("no/such/dir/log")));
  EXPECT_FALSE(log::enabled(log::Level::info));
  ::testing::internal::CaptureStderr();
  log::error("still here");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "<3>still here\n");
}

TEST_F(Log, MessagesBelowTheLevelAreNotWritten) {
  ASSERT_TRUE(log::start("journal", log::Level::warning));
  ::testing::internal::CaptureStderr();
  log::info("quiet");
  log::warning("loud");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "<4>loud\n");
}

TEST_F(Log, TheEnvironmentOverridesTheLevel) {
  const ChangedVariable level("ASTROFS_LOG_LEVEL", "debug");
  ASSERT_TRUE(log::start("", log::Level::error));
  EXPECT_TRUE(log::enabled(log::Level::debug));
}

TEST_F(Log, AnUnknownLevelInTheEnvironmentIsRefused) {
  const ChangedVariable level("ASTROFS_LOG_LEVEL", "verbose");
  const auto started = log::start("", log::Level::error);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().message,
            "ASTROFS_LOG_LEVEL is 'verbose'; it may be debug, info, warning or error");
}

TEST_F(Log, SecretsAreBlankedBeforeAnythingIsWritten) {
  ASSERT_TRUE(log::start(dir_.path("log"), log::Level::info));
  log::error("GET https://me:pw@h/f?token=abc failed\nAuthorization: token xyz");
  const std::string text = dir_.read("log");
  EXPECT_THAT(text, EndsWith("GET https://***@h/f?token=*** failed\\nAuthorization: ***\n"));
  for (const char* secret : {"pw", "abc", "xyz"}) EXPECT_THAT(text, Not(HasSubstr(secret)));
}

TEST_F(Log, AMessageCannotForgeALineOrSteerATerminal) {
  ASSERT_TRUE(log::start("journal", log::Level::info));
  ::testing::internal::CaptureStderr();
  log::info("{}", "a\n<3>b\x1b[2J{}%v");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "<6>a\\n<3>b\\x1b[2J{}%v\n");
}

TEST_F(Log, SyslogCanBeChosenEvenWithoutASyslogDaemon) {
  ASSERT_TRUE(log::start("syslog", log::Level::info));
  ::testing::internal::CaptureStderr();
  log::info("to syslog");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST_F(Log, LinesOfManyThreadsStayWhole) {
  ASSERT_TRUE(log::start(dir_.path("log"), log::Level::info));
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([] {
        for (int j = 0; j < 100; ++j) log::info("{}", std::string(200, 'x'));
      });
    }
  }
  std::istringstream lines(dir_.read("log"));
  std::string line;
  int count = 0;
  for (; std::getline(lines, line); ++count) EXPECT_THAT(line, EndsWith(" info " + std::string(200, 'x')));
  EXPECT_EQ(count, 400);
}

/// As long as a log may grow.
constexpr std::uintmax_t kFull = 16ULL << 20;

class FullLog : public Log {
 protected:
  /// A log that is `missing` bytes short of full, the last of them a whole line.
  void fill(std::uintmax_t missing = 0) {
    dir_.write("log", "the oldest line\n");
    std::filesystem::resize_file(file_, kFull - missing);
  }
  [[nodiscard]] std::uintmax_t size_of(const std::string& name) const {
    return std::filesystem::file_size(dir_.path(name));
  }

  const std::string file_ = dir_.path("log");
};

TEST_F(FullLog, StepsAsideForANewOneThatItsOwnerAloneReads) {
  fill();
  ASSERT_TRUE(log::start(file_, log::Level::info));
  log::info("first of the new");
  EXPECT_EQ(size_of("log.1"), kFull);
  EXPECT_THAT(dir_.read("log.1"), StartsWith("the oldest line\n"));
  EXPECT_THAT(dir_.read("log"), MatchesRegex("[^\n]* info first of the new\n"));
  struct stat status {};
  ASSERT_EQ(::stat(file_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(FullLog, IsFullAtTheLineThatReachesItsEnd) {
  fill(1);
  ASSERT_TRUE(log::start(file_, log::Level::info));
  log::info("fits");
  EXPECT_FALSE(std::filesystem::exists(dir_.path("log.1")));
  EXPECT_THAT(dir_.read("log"), EndsWith(" info fits\n"));
  log::info("does not");
  EXPECT_THAT(dir_.read("log.1"), EndsWith(" info fits\n"));
  EXPECT_THAT(dir_.read("log"), MatchesRegex("[^\n]* info does not\n"));
}

TEST_F(FullLog, TakesThePlaceOfTheOneBefore) {
  dir_.write("log.1", "of the year before\n");
  fill();
  ASSERT_TRUE(log::start(file_, log::Level::info));
  log::info("new");
  EXPECT_EQ(size_of("log.1"), kFull);
  EXPECT_FALSE(std::filesystem::exists(dir_.path("log.2")));
}

TEST_F(FullLog, ThatAnotherProcessHasPutAsideIsLeftForTheNewOne) {
  fill();
  ASSERT_TRUE(log::start(file_, log::Level::info));
  std::filesystem::rename(file_, dir_.path("log.1"));
  dir_.write("log", "from the other process\n");
  log::info("from here");
  EXPECT_EQ(size_of("log.1"), kFull);
  EXPECT_THAT(dir_.read("log"), MatchesRegex("from the other process\n[^\n]* info from here\n"));
}

TEST_F(FullLog, ThatSomebodyRemovedIsBegunAnew) {
  fill();
  ASSERT_TRUE(log::start(file_, log::Level::info));
  std::filesystem::remove(file_);
  log::info("new");
  EXPECT_THAT(dir_.read("log"), MatchesRegex("[^\n]* info new\n"));
}

TEST_F(FullLog, ThatCannotStepAsideIsWrittenToAllTheSame) {
  dir_.write("log.1/in the way", "");
  fill();
  ASSERT_TRUE(log::start(file_, log::Level::info));
  log::info("not lost");
  EXPECT_THAT(dir_.read("log"), EndsWith(" info not lost\n"));
}

TEST_F(FullLog, LosesAndBreaksNoLineOfManyThreads) {
  fill(20'000);
  ASSERT_TRUE(log::start(file_, log::Level::info));
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([] {
        for (int j = 0; j < 100; ++j) log::info("{}", std::string(200, 'x'));
      });
    }
  }
  int count = 0;
  for (const char* name : {"log.1", "log"}) {
    std::istringstream lines(dir_.read(name));
    for (std::string line; std::getline(lines, line);) {
      count += line.ends_with(" info " + std::string(200, 'x')) ? 1 : 0;
    }
  }
  EXPECT_EQ(count, 400);
}

TEST_F(Log, WhatIsNoFileIsNeverPutAside) {
  ASSERT_TRUE(log::start("/dev/null", log::Level::info));
  log::info("nowhere");
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
  EXPECT_FALSE(std::filesystem::exists("/dev/null.1"));
}

}  // namespace
}  // namespace astrofs
