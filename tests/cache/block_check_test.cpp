// Which files may be read past the cache: complete, each block found right, written out; and never longer
// than that holds.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/cache/block_support.h"

namespace astrofs::block_test {
namespace {

class CheckedFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    rig_.source->answer_by_itself(2);
    rig_.cache->check_complete_files();
  }

  void reopen() {
    rig_.reopen();
    rig_.cache->check_complete_files();
  }
  void read_and_close(const FileVersion& file, ByteRange range) {
    rig_.cache->open(file);
    EXPECT_TRUE(rig_.reads_right(file, range));
    rig_.cache->close(file);
  }
  [[nodiscard]] bool becomes_checked(const FileVersion& file) {
    return eventually([&] { return rig_.cache->checked_file(file) != nullptr; });
  }
  /// The work is done in order: when another file has had its turn, so has everything before it.
  void wait_for_the_work() {
    read_and_close(other_, {0, other_.size});
    ASSERT_TRUE(becomes_checked(other_));
  }

  Rig rig_;
  const FileVersion file_ = version_of(1, 150 * kBlock + 1000);
  const FileVersion other_ = version_of(2, 3 * kBlock);
};

TEST_F(CheckedFiles, AFileThatWasJustFetchedWholeIsOne) {
  EXPECT_EQ(rig_.cache->checked_file(file_), nullptr);
  read_and_close(file_, {0, file_.size});
  ASSERT_TRUE(becomes_checked(file_));
  const auto file = rig_.cache->checked_file(file_);
  Buffer bytes(file_.size);
  ASSERT_TRUE(file->read(0, bytes));
  const std::string truth = content_of(file_, {0, file_.size});
  EXPECT_EQ(std::memcmp(bytes.data(), truth.data(), truth.size()), 0);
  EXPECT_EQ(file->stamp().size, file_.size);
}

TEST_F(CheckedFiles, AFileThatWasOnlyPrefetchedIsOne) {
  rig_.cache->prefetch(file_, {0, file_.size});
  EXPECT_TRUE(becomes_checked(file_));
}

TEST_F(CheckedFiles, APartOfAFileIsNone) {
  read_and_close(file_, {0, 100 * kBlock});
  ASSERT_TRUE(rig_.settle());
  wait_for_the_work();
  EXPECT_EQ(rig_.cache->checked_file(file_), nullptr);
}

TEST_F(CheckedFiles, WithoutAnyoneToAskForThemThereAreNone) {
  rig_.reopen();
  read_and_close(file_, {0, file_.size});
  ASSERT_TRUE(rig_.settle());
  rig_.cache->check_complete_files();
  wait_for_the_work();
  EXPECT_EQ(rig_.cache->checked_file(file_), nullptr);
}

TEST_F(CheckedFiles, AfterARestartAFileIsReadAgainBeforeItIsOne) {
  read_and_close(file_, {0, file_.size});
  ASSERT_TRUE(becomes_checked(file_));
  reopen();
  EXPECT_EQ(rig_.cache->checked_file(file_), nullptr);
  read_and_close(file_, {0, file_.size});
  EXPECT_TRUE(becomes_checked(file_));
}

TEST_F(CheckedFiles, AReaderOfMostOfAFileHasTheRestChecked) {
  read_and_close(file_, {0, file_.size});
  ASSERT_TRUE(rig_.settle());
  reopen();
  read_and_close(file_, {0, 80 * kBlock});
  EXPECT_TRUE(becomes_checked(file_));
}

TEST_F(CheckedFiles, AReaderOfAHeaderDoesNotHaveTheRestRead) {
  read_and_close(file_, {0, file_.size});
  ASSERT_TRUE(rig_.settle());
  reopen();
  read_and_close(file_, {0, 4 * kBlock});
  wait_for_the_work();
  EXPECT_EQ(rig_.cache->checked_file(file_), nullptr);
}

TEST_F(CheckedFiles, DamageInTheRestIsFoundAndHealed) {
  read_and_close(file_, {0, file_.size});
  ASSERT_TRUE(rig_.settle());
  reopen();
  const UniqueFd fd(::open(rig_.object_path(file_).c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_EQ(::pwrite(fd.get(), "wrong", 5, static_cast<off_t>(120 * kBlock)), 5);
  read_and_close(file_, {0, 100 * kBlock});
  ASSERT_TRUE(eventually([&] { return rig_.metrics.value("astrofs_cache_bad_blocks_total") == 1; }));
  wait_for_the_work();
  EXPECT_EQ(rig_.cache->checked_file(file_), nullptr);
  read_and_close(file_, {0, file_.size});
  EXPECT_TRUE(becomes_checked(file_));
}

TEST_F(CheckedFiles, DamageThatAReaderFindsLaterEndsIt) {
  read_and_close(file_, {0, file_.size});
  ASSERT_TRUE(becomes_checked(file_));
  const UniqueFd fd(::open(rig_.object_path(file_).c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_EQ(::pwrite(fd.get(), "wrong", 5, static_cast<off_t>(120 * kBlock)), 5);
  EXPECT_FALSE(rig_.cache->read_cached(file_, {120 * kBlock, 10}));
  EXPECT_EQ(rig_.cache->checked_file(file_), nullptr);
}

TEST_F(CheckedFiles, AFileThatSomebodyElseWroteIntoIsReadAgainBeforeItIsOne) {
  read_and_close(file_, {0, file_.size});
  ASSERT_TRUE(becomes_checked(file_));
  const UniqueFd fd(::open(rig_.object_path(file_).c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_EQ(::pwrite(fd.get(), "wrong", 5, static_cast<off_t>(120 * kBlock)), 5);
  EXPECT_EQ(rig_.cache->checked_file(file_), nullptr);
  read_and_close(file_, {0, 100 * kBlock});
  wait_for_the_work();
  EXPECT_EQ(rig_.metrics.value("astrofs_cache_bad_blocks_total"), 1);
  EXPECT_EQ(rig_.cache->checked_file(file_), nullptr);
  read_and_close(file_, {0, file_.size});
  EXPECT_TRUE(becomes_checked(file_));
}

TEST_F(CheckedFiles, WhatIsWrittenIntoAFileBeforeTheLastLookIsFound) {
  rig_.cache->open(file_);
  EXPECT_TRUE(rig_.reads_right(file_, {0, 149 * kBlock}));
  ASSERT_TRUE(rig_.settle());
  const UniqueFd fd(::open(rig_.object_path(file_).c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_EQ(::pwrite(fd.get(), "wrong", 5, static_cast<off_t>(120 * kBlock)), 5);
  EXPECT_TRUE(rig_.reads_right(file_, {149 * kBlock, kBlock + 1000}));
  rig_.cache->close(file_);
  ASSERT_TRUE(eventually([&] { return rig_.metrics.value("astrofs_cache_bad_blocks_total") == 1; }));
  wait_for_the_work();
  EXPECT_EQ(rig_.cache->checked_file(file_), nullptr);
}

TEST_F(CheckedFiles, AFileOfAnotherLengthIsNone) {
  read_and_close(file_, {0, file_.size});
  ASSERT_TRUE(rig_.settle());
  reopen();
  std::filesystem::resize_file(rig_.object_path(file_), file_.size + 1);
  read_and_close(file_, {0, file_.size});
  wait_for_the_work();
  EXPECT_EQ(rig_.cache->checked_file(file_), nullptr);
}

TEST_F(CheckedFiles, EvictionEndsItAndWhoHasTheFileOpenKeepsItsBytes) {
  read_and_close(file_, {0, file_.size});
  ASSERT_TRUE(becomes_checked(file_));
  const auto held = rig_.cache->checked_file(file_);
  ASSERT_TRUE(eventually([&] { return rig_.cache->evict(file_).has_value(); }));
  EXPECT_EQ(rig_.cache->checked_file(file_), nullptr);
  EXPECT_TRUE(rig_.reads_right(file_, {0, 10}));  // begun anew, with a file of its own
  ASSERT_TRUE(rig_.settle());
  EXPECT_EQ(rig_.cache->checked_file(file_), nullptr);
  Buffer bytes(file_.size);
  ASSERT_TRUE(held->read(0, bytes));
  const std::string truth = content_of(file_, {0, file_.size});
  EXPECT_EQ(std::memcmp(bytes.data(), truth.data(), truth.size()), 0);
}

TEST_F(CheckedFiles, ReadersEvictionsAndTheWorkGoOnSideBySide) {
  constexpr unsigned kRounds = 60;
  std::vector<std::jthread> threads;
  for (unsigned n = 0; n < 3; ++n) {
    threads.emplace_back([this, n] {
      for (unsigned round = 0; round < kRounds; ++round) {
        read_and_close(file_, {0, file_.size});
        if (n == 0) (void)rig_.cache->evict(file_);
        const auto file = rig_.cache->checked_file(file_);
        if (!file) continue;
        Buffer bytes(kBlock);
        EXPECT_TRUE(file->read(100 * kBlock, bytes));
        const std::string truth = content_of(file_, {100 * kBlock, kBlock});
        EXPECT_EQ(std::memcmp(bytes.data(), truth.data(), truth.size()), 0);
      }
    });
  }
  threads.clear();
  read_and_close(file_, {0, file_.size});
  EXPECT_TRUE(becomes_checked(file_));
}

}  // namespace
}  // namespace astrofs::block_test
