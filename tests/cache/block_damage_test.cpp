// Files on disk that are not what they were: never a wrong byte, always a fetch.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "tests/cache/block_support.h"

namespace astrofs::block_test {
namespace {

class DamagedBlocks : public ::testing::Test {
 protected:
  void SetUp() override {
    rig_.source->answer_by_itself(2);
    for (const FileVersion& file : {file_, other_}) ASSERT_TRUE(rig_.reads_right(file, {0, file.size}));
    ASSERT_TRUE(rig_.settle());
    fetched_ = rig_.source->fetches();
  }

  void overwrite(std::uint64_t offset, const std::string& bytes) const {
    const UniqueFd fd(::open(rig_.object_path(file_).c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_EQ(::pwrite(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)),
              static_cast<ssize_t>(bytes.size()));
  }

  /// Every byte is right, now and from a cache that was opened anew, and then needs no source.
  void expect_healed() {
    EXPECT_TRUE(rig_.reads_right(file_, {0, file_.size}));
    EXPECT_GT(rig_.source->fetches(), fetched_) << "the damage was not noticed";
    EXPECT_GT(rig_.metrics.value("astrofs_cache_bad_blocks_total"), 0);
    ASSERT_TRUE(rig_.settle());
    EXPECT_TRUE(rig_.reads_right(other_, {0, other_.size}));
    rig_.reopen(true);
    EXPECT_TRUE(rig_.reads_right(file_, {0, file_.size}));
    EXPECT_EQ(rig_.source->fetches(), 0U);
  }

  Rig rig_;
  const FileVersion file_ = version_of(1, 30 * kBlock + 1000);
  const FileVersion other_ = version_of(2, 30 * kBlock + 1000);
  std::size_t fetched_{0};
};

TEST_F(DamagedBlocks, AFlippedBitCostsOneBlock) {
  std::string byte = content_of(file_, {7 * kBlock + 99, 1});
  byte[0] = static_cast<char>(byte[0] ^ 4);
  overwrite(7 * kBlock + 99, byte);
  expect_healed();
  EXPECT_EQ(rig_.metrics.value("astrofs_cache_bad_blocks_total"), 1);
}

TEST_F(DamagedBlocks, AZeroedPageIsNoticed) {
  overwrite(12 * kBlock + 4096, std::string(4096, '\0'));
  expect_healed();
}

TEST_F(DamagedBlocks, AnEmptiedFileIsNoticed) {
  std::filesystem::resize_file(rig_.object_path(file_), 0);
  expect_healed();
}

TEST_F(DamagedBlocks, ATruncatedFileCostsWhatWasCutOff) {
  std::filesystem::resize_file(rig_.object_path(file_), 20 * kBlock + 5);
  expect_healed();
  EXPECT_EQ(rig_.metrics.value("astrofs_cache_bad_blocks_total"), 11);
}

TEST_F(DamagedBlocks, SwappedFilesAreNoticed) {
  const std::string aside = rig_.dir() + "/aside";
  std::filesystem::rename(rig_.object_path(file_), aside);
  std::filesystem::rename(rig_.object_path(other_), rig_.object_path(file_));
  std::filesystem::rename(aside, rig_.object_path(other_));
  rig_.reopen();
  rig_.source->answer_by_itself(2);
  expect_healed();
}

TEST_F(DamagedBlocks, ARemovedFileIsNoticed) {
  rig_.close();
  std::filesystem::remove(rig_.object_path(file_));
  rig_.reopen();
  expect_healed();
}

TEST_F(DamagedBlocks, SwappedBlocksWithinAFileAreNoticed) {
  overwrite(3 * kBlock, content_of(file_, {4 * kBlock, kBlock}));
  overwrite(4 * kBlock, content_of(file_, {3 * kBlock, kBlock}));
  expect_healed();
}

TEST_F(DamagedBlocks, ADirectoryInPlaceOfAFileIsOnlyAMiss) {
  rig_.close();
  std::filesystem::remove(rig_.object_path(file_));
  std::filesystem::create_directory(rig_.object_path(file_));
  rig_.reopen();
  EXPECT_TRUE(rig_.reads_right(file_, {0, file_.size}));
  EXPECT_TRUE(rig_.reads_right(file_, {0, file_.size}));
}

TEST_F(DamagedBlocks, OfflineADamagedBlockIsAnErrorNotAGuess) {
  overwrite(0, std::string(100, 'x'));
  rig_.options.offline = true;
  rig_.reopen();
  EXPECT_EQ(rig_.read(file_, {0, 10}).error().code, Errc::offline);
  EXPECT_TRUE(rig_.reads_right(file_, {kBlock, file_.size - kBlock}));
}

}  // namespace
}  // namespace astrofs::block_test
