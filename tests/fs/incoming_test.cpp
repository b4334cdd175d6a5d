// What a courier brings: nothing is at its place before all of it is there.
#include "fs/incoming.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/fresh_dir.h"

namespace astrofs {
namespace {

namespace stdfs = std::filesystem;

constexpr const char* kId = "00000000-0000-4000-8000-000000000001";

class IncomingTest : public ::testing::Test {
 protected:
  void put(const std::string& path, const std::string& content) {
    stdfs::create_directories((folder_ / path).parent_path());
    std::ofstream(folder_ / path, std::ios::binary) << content;
  }
  [[nodiscard]] Errc refusal(const std::string& place, std::uint64_t size) {
    const auto file = Incoming(folder_).open(place, size);
    return file ? Errc::internal : file.error().code;
  }

  const FreshDir place_;
  const stdfs::path folder_ = place_.path();
};

TEST_F(IncomingTest, WhatAnOrderBringsIsAtItsPlaceOnceItIsTakenIn) {
  const Incoming incoming(folder_);
  put(Incoming::below(kId) + "/pid/BEOGN/a.fits", "whole");
  put(Incoming::below(kId) + "/pid/BEOGN/extra/b.fits", "too");
  EXPECT_EQ(refusal("pid/BEOGN/a.fits", 5), Errc::not_found);
  ASSERT_TRUE(incoming.take_in(kId));
  const auto file = incoming.open("pid/BEOGN/a.fits", 5);
  ASSERT_TRUE(file);
  char first = 0;
  EXPECT_EQ(::pread(file->get(), &first, 1, 0), 1);
  EXPECT_EQ(first, 'w');
  EXPECT_TRUE(incoming.open("pid/BEOGN/extra/b.fits", 3));
  EXPECT_TRUE(incoming.take_in("00000000-0000-4000-8000-00000000000f")) << "nothing was brought";
}

TEST_F(IncomingTest, AFileOfAnotherSizeIsNotServedAndGivesWayToTheNext) {
  const Incoming incoming(folder_);
  put("pid/BEOGN/a.fits", "of old");
  EXPECT_EQ(refusal("pid/BEOGN/a.fits", 3), Errc::stale);
  put(Incoming::below(kId) + "/pid/BEOGN/a.fits", "new");
  ASSERT_TRUE(incoming.take_in(kId));
  EXPECT_TRUE(incoming.open("pid/BEOGN/a.fits", 3));
}

TEST_F(IncomingTest, NothingOutsideTheFolderIsServedOrMoved) {
  put("secret", "s");
  stdfs::create_directory(folder_ / "in");
  const Incoming incoming(folder_ / "in");
  EXPECT_FALSE(incoming.open("../secret", 1));
  stdfs::create_symlink(folder_ / "secret", folder_ / "in/a.fits");
  EXPECT_FALSE(incoming.open("a.fits", 1));
  stdfs::create_directories(folder_ / "in" / Incoming::below(kId));
  stdfs::create_directory_symlink(folder_, folder_ / "in" / Incoming::below(kId) / "link");
  ASSERT_TRUE(incoming.take_in(kId));
  EXPECT_TRUE(stdfs::exists(folder_ / "secret"));
  incoming.forget(kId);
  EXPECT_TRUE(stdfs::exists(folder_ / "secret"));
}

TEST_F(IncomingTest, OrdersAreFoundAgainUntilTheyAreForgotten) {
  const Incoming incoming(folder_);
  EXPECT_TRUE(incoming.notes().empty());
  ASSERT_TRUE(incoming.note(kId, "order"));
  put(Incoming::below(kId) + "/a.fits", "a");
  EXPECT_EQ(incoming.notes(), std::vector<std::string>{"order"});
  incoming.forget(kId);
  EXPECT_TRUE(incoming.notes().empty());
  EXPECT_TRUE(stdfs::is_empty(folder_ / "incoming"));
}

TEST_F(IncomingTest, VeryOldOrdersAreForgotten) {
  const Incoming incoming(folder_);
  ASSERT_TRUE(incoming.note(kId, "order"));
  put(Incoming::below(kId) + "/a.fits", "a");
  stdfs::last_write_time(folder_ / (Incoming::below(kId) + ".json"),
                         stdfs::file_time_type::clock::now() - std::chrono::hours(24 * 30));
  EXPECT_TRUE(incoming.notes().empty());
  EXPECT_TRUE(stdfs::is_empty(folder_ / "incoming"));
}

TEST_F(IncomingTest, AFolderThatIsNotThereIsNoEmptyOne) {
  const Incoming incoming(folder_ / "disk");
  const auto file = incoming.open("a.fits", 1);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, Errc::unavailable);
  EXPECT_FALSE(incoming.note(kId, "order"));
  EXPECT_FALSE(stdfs::exists(folder_ / "disk"));
}

}  // namespace
}  // namespace astrofs
