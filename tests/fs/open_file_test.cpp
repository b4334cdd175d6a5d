// What is open: one version for all its handles, real or a placeholder and never both, and what its reads
// teach of its headers.
#include "fs/open_file.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/cache/block_support.h"
#include "tests/fs/placeholder_fixture.h"

namespace astrofs {
namespace {

constexpr std::uint64_t kSize = 4ULL << 20;
constexpr std::uint64_t kFitsUnit = 2880;

Node node_of_file(NodeId id, std::string name = "x.fits", std::uint64_t size = kSize) {
  Node node;
  node.id = id;
  node.name = std::move(name);
  node.size = size;
  return node;
}

std::shared_ptr<OpenFile> open_file(const Node& node) {
  FileVersion version = block_test::version_of(static_cast<unsigned>(node.id), node.size.value_or(0));
  return std::make_shared<OpenFile>(node, version, nullptr);
}

std::shared_ptr<const Placeholder> some_placeholder() {
  return std::make_shared<const Placeholder>(
      Placeholder::make(fake::ffi_shape(8, 8), {}, {}, MissingCause::denied_by_archive, "x.fits").value());
}

/// A primary header without data, then an image of 100 × 100 bytes, then one more header.
std::string fits_bytes() {
  const auto header = [](const std::vector<std::string>& cards) {
    std::string text;
    for (const std::string& card : cards) text += fmt::format("{:<80}", card);
    text += fmt::format("{:<80}", "END");
    text.resize((text.size() + kFitsUnit - 1) / kFitsUnit * kFitsUnit, ' ');
    return text;
  };
  const std::vector<std::string> image{"XTENSION= 'IMAGE   '",           "BITPIX  =                    8",
                                       "NAXIS   =                    2", "NAXIS1  =                  100",
                                       "NAXIS2  =                  100", "PCOUNT  =                    0",
                                       "GCOUNT  =                    1"};
  std::string bytes = header({"SIMPLE  =                    T", "BITPIX  =                    8",
                              "NAXIS   =                    0", "EXTEND  =                    T"});
  for (int i = 0; i < 2; ++i) {
    bytes += header(image);
    bytes += std::string(4 * kFitsUnit, '\0');  // 10,000 bytes and their padding
  }
  return bytes;
}
constexpr std::uint64_t kFirstImage = kFitsUnit;
constexpr std::uint64_t kSecondImage = kFirstImage + 5 * kFitsUnit;

// ---- handles

class OpenFilesTest : public ::testing::Test {
 protected:
  std::shared_ptr<OpenHandle> open(Inode inode) {
    return files_.open(inode, [&] {
      ++made_;
      return open_file(node_of_file(inode));
    });
  }

  block_test::Rig rig_;
  OpenFiles files_{*rig_.cache};
  int made_{0};
};

TEST_F(OpenFilesTest, HandlesOfOneVersionShareItUntilTheLastIsClosed) {
  const auto one = open(1);
  const auto other = open(1);
  EXPECT_EQ(made_, 1);
  EXPECT_EQ(one->file, other->file);
  EXPECT_NE(one, other) << "each has its own pattern of reads";
  EXPECT_EQ(files_.count(), 1U);
  EXPECT_EQ(files_.find(1), one->file);
  files_.close(1);
  EXPECT_EQ(files_.find(1), one->file);
  files_.close(1);
  EXPECT_EQ(files_.find(1), nullptr);
  EXPECT_EQ(files_.count(), 0U);
  EXPECT_NE(open(1)->file, one->file) << "who opens it again has it anew";
  files_.close(1);
}

TEST_F(OpenFilesTest, VersionsAreOpenEachByItself) {
  const auto one = open(1);
  const auto other = open(2);
  EXPECT_NE(one->file, other->file);
  files_.close(1);
  EXPECT_EQ(files_.find(1), nullptr);
  EXPECT_EQ(files_.find(2), other->file);
  files_.close(2);
}

TEST_F(OpenFilesTest, WhatIsNotOpenCannotBeClosed) {
  files_.close(1);
  EXPECT_EQ(files_.count(), 0U);
}

TEST_F(OpenFilesTest, WhatIsOpenIsNotEvicted) {
  rig_.source->answer_by_itself(1);
  const auto one = open(1);
  const auto other = open(1);
  const FileVersion& version = one->file->version;
  ASSERT_TRUE(rig_.reads_right(version, {0, 100}));
  ASSERT_TRUE(rig_.settle());
  EXPECT_FALSE(rig_.cache->evict(version));
  files_.close(1);
  EXPECT_FALSE(rig_.cache->evict(version));
  files_.close(1);
  EXPECT_TRUE(rig_.cache->evict(version));
}

TEST_F(OpenFilesTest, OpeningAndClosingFromManyThreadsLeavesNothingOpen) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] {
      for (Inode round = 0; round < 2000; ++round) {
        const Inode inode = 1 + round % 3;
        const auto handle = files_.open(inode, [inode] { return open_file(node_of_file(inode)); });
        EXPECT_EQ(files_.find(inode), handle->file);
        files_.close(inode);
      }
    });
  }
  threads.clear();
  EXPECT_EQ(files_.count(), 0U);
}

// ---- real or placeholder

TEST(OpenFile, WhoReadBytesOfTheArchiveIsNeverShownAPlaceholder) {
  const auto file = open_file(node_of_file(1));
  EXPECT_FALSE(file->served());
  EXPECT_TRUE(file->serve());
  EXPECT_TRUE(file->served());
  EXPECT_FALSE(file->set_placeholder(some_placeholder()));
  EXPECT_EQ(file->placeholder(), nullptr);
}

TEST(OpenFile, WhoWasShownAPlaceholderNeverReadsBytesOfTheArchive) {
  const auto file = open_file(node_of_file(1));
  const auto first = some_placeholder();
  EXPECT_TRUE(file->set_placeholder(first));
  EXPECT_FALSE(file->serve());
  EXPECT_FALSE(file->served());
  EXPECT_TRUE(file->set_placeholder(some_placeholder()));
  EXPECT_EQ(file->placeholder(), first) << "nor another placeholder";
}

TEST(OpenFile, OfAnArrivalAndADenialAtOneTimeOneWins) {
  const auto placeholder = some_placeholder();
  for (int round = 0; round < 2000; ++round) {
    const auto file = open_file(node_of_file(1));
    bool served = false;
    bool shown = false;
    {
      const std::jthread arrival([&] { served = file->serve(); });
      shown = file->set_placeholder(placeholder);
    }
    ASSERT_NE(served, shown) << "round " << round;
  }
}

// ---- headers

TEST(OpenFile, LearnsWhereHeadersAreFromBytesThatPassBy) {
  const std::string bytes = fits_bytes();
  const auto file = open_file(node_of_file(1, "x.fits", bytes.size()));
  EXPECT_EQ(file->next_header(), 0U);
  const std::string first = file->learn(0, Bytes::copy_of(bytes.substr(0, kFirstImage)));
  EXPECT_NE(first, "") << "worth to be remembered";
  EXPECT_EQ(file->next_header(), kFirstImage);
  EXPECT_EQ(file->learn(0, Bytes::copy_of(bytes.substr(0, kFirstImage))), "") << "nothing new";
  EXPECT_NE(file->learn(kFirstImage, Bytes::copy_of(bytes.substr(kFirstImage, kFitsUnit))), "");
  EXPECT_EQ(file->next_header(), kSecondImage);
  EXPECT_EQ(file->header_in({kFirstImage - 100, 200}), (ByteRange{kFirstImage, kFitsUnit}));
  EXPECT_FALSE(file->header_in({kFirstImage + 1, 200})) << "it does not begin there";
  EXPECT_FALSE(file->header_in({0, 100})) << "the first is fetched as a head";
}

TEST(OpenFile, WhatWasRememberedIsKnownAtTheNextOpen) {
  const std::string bytes = fits_bytes();
  Node node = node_of_file(1, "x.fits", bytes.size());
  node.layout = open_file(node)->learn(0, Bytes::copy_of(bytes));
  ASSERT_NE(node.layout, "");
  const auto again = open_file(node);
  EXPECT_EQ(again->header_in({kSecondImage, 1}), (ByteRange{kSecondImage, kFitsUnit}));
}

TEST(OpenFile, GarbageTeachesNothingAndHarmsNothing) {
  const auto fits = open_file(node_of_file(1));
  EXPECT_EQ(fits->learn(0, Bytes::copy_of(std::string(5000, 'x'))), "");
  EXPECT_FALSE(fits->header_in({0, kSize}));
  const auto text = open_file(node_of_file(1, "x.txt"));
  EXPECT_EQ(text->learn(0, Bytes::copy_of(fits_bytes())), "");
}

TEST(OpenHandle, AHeaderThatIsKnownIsFetchedExactly) {
  const std::string bytes = fits_bytes();
  const auto file = open_file(node_of_file(1, "x.fits", bytes.size()));
  (void)file->learn(0, Bytes::copy_of(bytes));
  OpenHandle handle(file);
  EXPECT_EQ(handle.plan({kSecondImage, 100}, false, false, {}).fetch, (ByteRange{kSecondImage, kFitsUnit}));
  EXPECT_EQ(handle.plan({kFirstImage - 80, 4096}, false, false, {}).fetch,
            ByteRange::between(kFirstImage - 80, kFirstImage - 80 + 4096))
      << "all that was asked for, and the header lies within";
}

TEST_F(OpenFilesTest, TheHeadThatAnEarlierReaderLeftIsLearntFromTheCache) {
  const auto first = open(1);
  rig_.source->answer_by_itself(1);
  ASSERT_TRUE(rig_.reads_right(first->file->version, {0, kHeadBytes}));
  const auto before = rig_.source->fetches();
  first->file->learn_head(*rig_.cache);  // made-up bytes, and no FITS file: nothing to learn, nothing fetched
  EXPECT_EQ(rig_.source->fetches(), before);
  files_.close(1);
  const auto other = open(2);
  other->file->learn_head(*rig_.cache);
  EXPECT_EQ(rig_.source->fetches(), before) << "what is not here is not fetched for it";
  files_.close(2);
}

}  // namespace
}  // namespace astrofs
