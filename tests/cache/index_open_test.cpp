#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <optional>
#include <thread>

#include "cache/recover.h"
#include "tests/cache/index_fixture.h"

namespace astrofs::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class IndexOpening : public testing::Test {
 protected:
  [[nodiscard]] Error refused() const {
    const auto catalog = Catalog::open({cache_});
    if (catalog) return {Errc::internal, "opened"};
    return catalog.error();
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(cache_ + "/" + name) << text;
  }

  /// The lowest that is free.
  [[nodiscard]] static int next_descriptor() {
    const UniqueFd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    return fd.get();
  }

  [[nodiscard]] std::size_t descriptors_of_the_lock() const {
    std::size_t count = 0;
    std::error_code ignored;
    for (const auto& fd : fs::directory_iterator("/proc/self/fd", ignored))
      if (fs::equivalent(fd.path(), cache_ + "/lock", ignored)) ++count;
    return count;
  }

  FreshDir dir_;
  std::string cache_ = dir_.path() + "/made/below/cache";
};

TEST_F(IndexOpening, TheDirectoryIsMadeForUsAlone) {
  const Index index(cache_);
  struct stat status {};
  for (const char* name : {"", "/catalog", "/lock", "/catalog/data.mdb"}) {
    ASSERT_EQ(stat((cache_ + name).c_str(), &status), 0) << name;
    EXPECT_EQ(status.st_mode & 077U, 0U) << name;
  }
}

TEST_F(IndexOpening, ASecondOpenerIsRefusedByNameOfTheFirst) {
  Index index(cache_);
  const Error here = refused();
  EXPECT_EQ(here.code, Errc::invalid);
  EXPECT_THAT(here.message, HasSubstr("in use by process " + std::to_string(getpid())));
  EXPECT_THAT(here.message, HasSubstr("cache="));
  EXPECT_EQ(in_child([&] { return refused().code == Errc::invalid ? 0 : 1; }), 0);
  ASSERT_TRUE(index.list(kRootNode, {file_entry("a")})) << "the first goes on";
  index.close();
  EXPECT_EQ(refused().message, "opened");
}

TEST_F(IndexOpening, AnOpenerMayWaitForAHolderThatLeaves) {
  await_leaving(cache_, std::chrono::minutes(10));  // nobody is there
  std::optional<Index> index(cache_);
  await_leaving(cache_, std::chrono::milliseconds(0));
  auto opener = std::async(std::launch::async, [&] {
    await_leaving(cache_, std::chrono::minutes(10));
    return refused().message;
  });
  const auto is_over = [&] { return opener.wait_for(std::chrono::seconds(0)) == std::future_status::ready; };
  while (descriptors_of_the_lock() < 2 && !is_over()) std::this_thread::yield();
  ASSERT_FALSE(is_over()) << "the first has it";
  index.reset();
  EXPECT_EQ(opener.get(), "opened");
}

TEST_F(IndexOpening, AKilledHolderLeavesTheDirectoryFree) {
  EXPECT_EQ(in_child([&] {
              Index index(cache_);
              return raise(SIGKILL);
            }),
            -SIGKILL);
  EXPECT_EQ(refused().message, "opened");
}

TEST_F(IndexOpening, ANewerFormatIsRefusedAndLeftAlone) {
  { const Index index(cache_); }
  write("format", "astrofs cache format 2\n");
  const Error error = refused();
  EXPECT_EQ(error.code, Errc::invalid);
  EXPECT_THAT(error.message, HasSubstr("newer astrofs (format 2"));
  EXPECT_FALSE(fs::exists(cache_ + "/catalog.damaged-1"));
}

TEST_F(IndexOpening, AnUnreadableFormatIsDamage) {
  { const Index index(cache_); }
  write("format", "garbage");
  Index index(cache_);
  EXPECT_THAT(index.catalog().recovery_note(), HasSubstr("moved aside"));
  EXPECT_TRUE(fs::exists(cache_ + "/catalog.damaged-1"));
  index.reopen();
  EXPECT_EQ(index.catalog().recovery_note(), "");
}

TEST_F(IndexOpening, ADirectoryOthersMayWriteToIsRefused) {
  { const Index index(cache_); }
  fs::permissions(cache_, fs::perms::group_write, fs::perm_options::add);
  EXPECT_EQ(refused().code, Errc::denied);
  EXPECT_THAT(refused().message, HasSubstr(cache_));
}

TEST_F(IndexOpening, ASymlinkOrAFileInItsPlaceIsRefused) {
  fs::create_directories(dir_.path() + "/real");
  fs::create_directory_symlink(dir_.path() + "/real", dir_.path() + "/link");
  cache_ = dir_.path() + "/link";
  EXPECT_EQ(refused().code, Errc::denied);
  std::ofstream(dir_.path() + "/file") << "x";
  cache_ = dir_.path() + "/file";
  EXPECT_EQ(refused().code, Errc::denied);
}

TEST_F(IndexOpening, WhereADirectoryCannotBeMadeAnotherMayBeChosen) {
  cache_ = "/proc/absent/.cache/astrofs";
  EXPECT_THAT(refused().message, testing::AllOf(HasSubstr("/proc/absent: "), HasSubstr("cache=")));
}

TEST_F(IndexOpening, AnotherUsersDirectoryIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to give a directory away";
  { const Index index(cache_); }
  ASSERT_EQ(chown(cache_.c_str(), 65534, 65534), 0);
  EXPECT_EQ(refused().code, Errc::denied);
}

TEST_F(IndexOpening, ACleanEndIsNotLookedOverAndAnUncleanOneIsKept) {
  {
    Index index(cache_);
    ASSERT_TRUE(index.list(kRootNode, {file_entry("a")}));
    EXPECT_FALSE(fs::exists(cache_ + "/catalog/clean")) << "not while it is in use";
  }
  EXPECT_TRUE(fs::exists(cache_ + "/catalog/clean"));
  fs::remove(cache_ + "/catalog/clean");
  Index index(cache_);
  EXPECT_EQ(index.catalog().recovery_note(), "");
  EXPECT_EQ(index.names(kRootNode), std::vector<std::string>{"a"});
}

TEST_F(IndexOpening, OnlyTheNewestDamagedIndexIsKept) {
  for (int round = 1; round <= 3; ++round) {
    { const Index index(cache_); }
    std::ofstream(cache_ + "/catalog/data.mdb", std::ios::trunc) << std::string(20'000, 'x');
    Index index(cache_);
    EXPECT_THAT(index.catalog().recovery_note(), HasSubstr("begun anew")) << round;
    EXPECT_EQ(fs::exists(cache_ + "/catalog.damaged-" + std::to_string(round)), true) << round;
    EXPECT_FALSE(fs::exists(cache_ + "/catalog.damaged-" + std::to_string(round - 1))) << round;
  }
}

TEST_F(IndexOpening, AFileWhereTheIndexBelongsIsMovedAside) {
  fs::create_directories(cache_);
  write("catalog", "not a directory");
  Index index(cache_);
  EXPECT_THAT(index.catalog().recovery_note(), HasSubstr("moved aside"));
  EXPECT_TRUE(index.list(kRootNode, {file_entry("a")}));
}

TEST_F(IndexOpening, AnIndexMadeAndNeverWrittenToOpens) {
  fs::create_directories(cache_ + "/catalog");
  fs::permissions(cache_, fs::perms::owner_all);
  std::ofstream(cache_ + "/catalog/data.mdb") << "";  // a crash before the first page
  fs::permissions(cache_ + "/catalog", fs::perms::owner_all);
  Index index(cache_);
  EXPECT_EQ(index.catalog().recovery_note(), "");
  EXPECT_TRUE(index.list(kRootNode, {file_entry("a")}));
}

TEST_F(IndexOpening, AnIndexWhoseMakingWasCutOffBeforeItsTablesOpens) {
  { const Index index(cache_); }
  for (const char* gone : {"format", "catalog/clean"}) fs::remove(cache_ + "/" + gone);
  fs::resize_file(cache_ + "/catalog/data.mdb", 0);
  EXPECT_EQ(in_child([&] {
              // LMDB's two meta pages fit, no further one does.
              constexpr rlim_t kMetaPages = 2 * 4096;
              const rlimit few{kMetaPages, kMetaPages};
              signal(SIGXFSZ, SIG_IGN);
              setrlimit(RLIMIT_FSIZE, &few);
              return refused().message == "opened" ? 1 : 0;
            }),
            0);
  ASSERT_EQ(fs::file_size(cache_ + "/catalog/data.mdb"), 2U * 4096U);
  Index index(cache_);
  EXPECT_EQ(index.catalog().recovery_note(), "");
  EXPECT_TRUE(index.list(kRootNode, {file_entry("a")}));
}

TEST_F(IndexOpening, AWholeIndexWithoutAFormatIsKept) {
  {
    Index index(cache_);
    ASSERT_TRUE(index.list(kRootNode, {file_entry("a")}));
  }
  for (const char* gone : {"format", "catalog/clean"}) fs::remove(cache_ + "/" + gone);
  Index index(cache_);
  EXPECT_EQ(index.catalog().recovery_note(), "");
  EXPECT_EQ(index.names(kRootNode), std::vector<std::string>{"a"});
  EXPECT_TRUE(fs::exists(cache_ + "/format"));
}

TEST_F(IndexOpening, ABrokenIndexWithoutAFormatIsMovedAside) {
  { const Index index(cache_); }
  fs::remove(cache_ + "/format");
  std::ofstream(cache_ + "/catalog/data.mdb", std::ios::trunc) << std::string(20'000, 'x');
  Index index(cache_);
  EXPECT_THAT(index.catalog().recovery_note(), HasSubstr("begun anew"));
}

TEST_F(IndexOpening, AnIndexThatCannotBeLookedAtNowIsNoDamage) {
  {
    Index index(cache_);
    ASSERT_TRUE(index.list(kRootNode, {file_entry("a")}));
  }
  fs::remove(cache_ + "/catalog/clean");
  EXPECT_EQ(in_child([&] {
              // Room for the directories and the lock, none for the index.
              const rlimit few{static_cast<rlim_t>(next_descriptor() + 4), 64};
              setrlimit(RLIMIT_NOFILE, &few);
              return refused().code == Errc::unavailable ? 0 : 1;
            }),
            0);
  Index index(cache_);
  EXPECT_EQ(index.names(kRootNode), std::vector<std::string>{"a"});
}

}  // namespace
}  // namespace astrofs::test
