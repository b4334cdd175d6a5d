#include "backends/local.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/support/fresh_dir.h"

namespace astrofs {
namespace {

namespace files = std::filesystem;

class LocalArchiveTest : public ::testing::Test {
 protected:
  void SetUp() override {
    files::create_directories(root() / "sub");
    write(root() / "sub" / "a.fits", "SIMPLE");
    write(top_ / "secret", "not yours");
  }
  [[nodiscard]] files::path root() const { return top_ / "root"; }
  static void write(const files::path& path, const std::string& text) { std::ofstream(path) << text; }
  std::vector<std::string> names(const std::string& dir) {
    const auto answer = archive().list(dir, "", {});
    EXPECT_TRUE(answer) << answer.error().message;
    std::vector<std::string> found;
    if (!answer) return found;
    for (const Entry& entry : std::get<Listing>(*answer).entries) found.push_back(entry.name);
    return found;
  }
  LocalArchive archive() { return LocalArchive(root().string()); }
  const FreshDir place_;
  const files::path top_ = place_.path();
};

TEST_F(LocalArchiveTest, ShowsALinkAsWhatItLeadsTo) {
  files::create_symlink("sub/a.fits", root() / "file_link");
  files::create_directory_symlink(root() / "sub", root() / "dir_link");
  const auto answer = archive().list("", "", {});
  ASSERT_TRUE(answer);
  for (const Entry& entry : std::get<Listing>(*answer).entries) {
    EXPECT_EQ(entry.kind, entry.name == "file_link" ? EntryKind::file : EntryKind::directory) << entry.name;
    if (entry.name == "file_link") {
      EXPECT_EQ(entry.size, 6U);
    }
  }
  EXPECT_THAT(names(""), ::testing::ElementsAre("dir_link", "file_link", "sub"));
  EXPECT_THAT(names("dir_link"), ::testing::ElementsAre("a.fits"));
  const auto file = archive().local_file("dir_link/a.fits");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->path, files::canonical(root() / "sub" / "a.fits").string());
}

TEST_F(LocalArchiveTest, NeverLeavesItsRoot) {
  files::create_symlink(top_ / "secret", root() / "absolute");
  files::create_symlink("../secret", root() / "relative");
  files::create_directory_symlink(top_, root() / "above");
  files::create_directory_symlink("..", root() / "sub" / "up");
  files::create_directory_symlink(".", root() / "sub" / "self");
  files::create_symlink("nowhere", root() / "dangling");
  EXPECT_THAT(names(""), ::testing::ElementsAre("sub"));
  EXPECT_THAT(names("sub"), ::testing::ElementsAre("a.fits"));
  for (const char* const path :
       {"absolute", "relative", "above/secret", "../secret", "sub/../../secret", "dangling"}) {
    EXPECT_FALSE(archive().local_file(path)) << path;
    EXPECT_FALSE(archive().open_local(path)) << path;
  }
  const auto outside = archive().list("above", "", {});
  ASSERT_FALSE(outside);
  EXPECT_EQ(outside.error().code, Errc::not_found);
}

TEST_F(LocalArchiveTest, HidesWhatIsNoData) {
  ASSERT_EQ(::mkfifo((root() / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(names(""), ::testing::ElementsAre("sub"));
  EXPECT_FALSE(archive().local_file("pipe"));
  EXPECT_FALSE(archive().open_local("pipe"));
  EXPECT_FALSE(archive().local_file("sub"));
}

TEST_F(LocalArchiveTest, WhatOthersMayNotReadOnTheDiskIsForWhoMounted) {
  const auto is_public = [this](const char* locator) {
    return archive().credential_scope(locator) == kPublic;
  };
  const auto chmod = [](const files::path& path, ::mode_t mode) {
    ASSERT_EQ(::chmod(path.c_str(), mode), 0) << path;
  };
  chmod(root(), 0755);
  chmod(root() / "sub", 0755);
  chmod(root() / "sub" / "a.fits", 0644);
  for (const char* const locator : {"", "sub", "sub/a.fits"}) EXPECT_TRUE(is_public(locator)) << locator;

  chmod(root() / "sub" / "a.fits", 0640);
  EXPECT_FALSE(is_public("sub/a.fits"));
  EXPECT_TRUE(is_public("sub")) << "its names are for all";
  chmod(root() / "sub" / "a.fits", 0644);
  EXPECT_TRUE(is_public("sub/a.fits")) << "a mode counts at once";

  chmod(root() / "sub", 0711);
  EXPECT_FALSE(is_public("sub")) << "it may be passed, and not listed";
  EXPECT_TRUE(is_public("sub/a.fits"));
  chmod(root() / "sub", 0744);
  EXPECT_FALSE(is_public("sub"));
  EXPECT_FALSE(is_public("sub/a.fits")) << "the way to it may not be passed";

  chmod(root() / "sub", 0755);
  chmod(root(), 0700);
  for (const char* const locator : {"", "sub", "sub/a.fits"}) EXPECT_FALSE(is_public(locator)) << locator;
}

TEST_F(LocalArchiveTest, ALinkIsForOthersAsWhatItLeadsToIs) {
  files::permissions(root(), files::perms(0755));
  files::create_directories(root() / "closed");
  write(root() / "closed" / "b.fits", "SIMPLE");
  files::permissions(root() / "closed" / "b.fits", files::perms(0644));
  files::create_symlink("closed/b.fits", root() / "link");
  files::permissions(root() / "closed", files::perms(0755));
  EXPECT_EQ(archive().credential_scope("link"), kPublic);
  files::permissions(root() / "closed", files::perms(0700));
  EXPECT_NE(archive().credential_scope("link"), kPublic);
}

TEST_F(LocalArchiveTest, WhatIsNotThereIsNotForOthers) {
  files::permissions(root(), files::perms(0755));
  EXPECT_NE(archive().credential_scope("gone.fits"), kPublic);
  EXPECT_NE(LocalArchive((top_ / "not mounted").string()).credential_scope(""), kPublic);
}

TEST_F(LocalArchiveTest, ADiskThatIsNotMountedIsUnavailableAndNotEmpty) {
  LocalArchive gone((top_ / "not mounted").string());
  const auto answer = gone.list("", "", {});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::unavailable);
}

TEST_F(LocalArchiveTest, AFileIsNoDirectory) {
  const auto answer = archive().list("sub/a.fits", "", {});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::not_directory);
}

TEST_F(LocalArchiveTest, FindsWhatWasWrittenSinceAndNothingOutside) {
  LocalArchive here = archive();
  ASSERT_TRUE(here.finds("sub"));
  write(root() / "sub" / "b.fits", "SIMPLE and new");
  const auto found = here.find("sub", "b.fits", {});
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->size, 14U);
  EXPECT_EQ((*found)->locator, "sub/b.fits");
  files::create_symlink(top_ / "secret", root() / "sub" / "out");
  for (const char* const none : {"", ".", "..", "c.fits", "out", "../sub", "a.fits/x"}) {
    const auto nothing = here.find("sub", none, {});
    EXPECT_TRUE(nothing && !*nothing) << none;
  }
}

TEST_F(LocalArchiveTest, ALinkInACircleIsNotThereAndTakesNothingElseAway) {
  files::create_symlink("round", root() / "sub" / "round");
  EXPECT_THAT(names("sub"), ::testing::ElementsAre("a.fits"));
  const auto answer = archive().list("sub/round", "", {});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::not_found);
}

TEST_F(LocalArchiveTest, NoticesAFileThatGrew) {
  const auto before = archive().list("sub", "", {});
  ASSERT_TRUE(before);
  write(root() / "sub" / "a.fits", "SIMPLE and more");
  const auto after = archive().list("sub", std::get<Listing>(*before).token, {});
  ASSERT_TRUE(after);
  ASSERT_TRUE(std::holds_alternative<Listing>(*after));
  EXPECT_EQ(std::get<Listing>(*after).entries.front().size, 15U);
}

}  // namespace
}  // namespace astrofs
