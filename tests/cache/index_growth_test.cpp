// The map grows under readers, and readers and the writer do not get in each other's way (run it under TSan
// too).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "base/heap.h"
#include "cache/lmdb.h"
#include "tests/cache/index_fixture.h"

namespace astrofs::test {
namespace {

constexpr std::uint64_t kSmallMap = 256 * 1024;

std::vector<ListedEntry> many(int from, int count) {
  std::vector<ListedEntry> entries;
  for (int i = from; i < from + count; ++i) {
    entries.push_back(file_entry(fmt::format("frame-{:06}-with-a-name-of-some-length.fits", i), 1000));
  }
  return entries;
}

TEST(IndexGrowth, AListingLargerThanTheMapGrowsIt) {
  const FreshDir dir;
  Index index(dir.path(), kSmallMap);
  ASSERT_TRUE(index.list(kRootNode, many(0, 20'000)));
  EXPECT_GT(index.catalog().environment().map_size(), kSmallMap);
  EXPECT_EQ(index.names(kRootNode).size(), 20'000U);
  index.reopen();  // asks for the small map again
  EXPECT_EQ(index.names(kRootNode).size(), 20'000U);
  ASSERT_TRUE(index.list(kRootNode, many(10'000, 30'000)));
  EXPECT_EQ(index.names(kRootNode).size(), 30'000U);
}

TEST(IndexGrowth, AnIndexThatIsReadAndWrittenAllOverDoesNotStayInMemory) {
  constexpr int kFolders = 300;
  constexpr int kFiles = 400;  // too few to count as a large change
  constexpr std::size_t kMost = 24U << 20;
  const FreshDir dir;
  Index index(dir.path(), 1ULL << 30);
  std::vector<ListedEntry> folders;
  for (int i = 0; i < kFolders; ++i) folders.push_back(dir_entry(fmt::format("{:04}", i)));
  ASSERT_TRUE(index.list(kRootNode, folders));
  const std::size_t before = resident_file_bytes();
  for (int i = 0; i < kFolders; ++i)
    ASSERT_TRUE(index.list(index.child(kRootNode, fmt::format("{:04}", i)).id, many(0, kFiles)));
  EXPECT_LT(resident_file_bytes(), before + kMost);
  for (int i = 0; i < kFolders; ++i) {
    const NodeId folder = index.child(kRootNode, fmt::format("{:04}", i)).id;
    EXPECT_EQ(index.names(folder).size(), static_cast<std::size_t>(kFiles));
    index.writer().set_pin(folder, true);
    ASSERT_TRUE(index.writer().flush());
  }
  EXPECT_LT(resident_file_bytes(), before + kMost);
}

TEST(IndexGrowth, ReadersGoOnWhileTheMapGrows) {
  const FreshDir dir;
  Index index(dir.path(), kSmallMap);
  ASSERT_TRUE(index.list(kRootNode, {dir_entry("d"), file_entry("f")}));
  const NodeId below = index.child(kRootNode, "d").id;
  const FileVersion version = version_of(1, 64 * kBlockSize);
  index.writer().add_blocks(version, some_blocks(1, 0, 63));
  ASSERT_TRUE(index.writer().flush());
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> reads{0};
  std::atomic<int> wrong{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      while (!stop) {
        const auto file = index.catalog().child(kRootNode, "f");
        const auto blocks = index.catalog().blocks(version.object, 0);
        std::size_t count = 0;
        const auto scanned = index.catalog().scan(below, 0, [&](const Node&) { return ++count < 1000; });
        if (!file || !blocks || blocks->present != ~0ULL || blocks->hashes[9] != hash_of(1, 9) || !scanned)
          ++wrong;
        ++reads;
        index.writer().touch(version);
      }
    });
  }
  for (int round = 1; round <= 5; ++round) {
    EXPECT_TRUE(index.list(below, many(0, round * 2000)));
    for (std::uint64_t number = 2; number < 50; ++number) {
      index.writer().add_blocks(version_of(number, 1 << 20), some_blocks(number, 0, 63));
    }
    EXPECT_TRUE(index.writer().flush());
  }
  while (reads < 50) std::this_thread::yield();
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(index.catalog().environment().map_size(), kSmallMap * 4);
  EXPECT_EQ(index.names(below).size(), 10'000U);
  EXPECT_EQ(audit(index.catalog()), "");
}

TEST(IndexGrowth, ReadersGoOnWhileALargeChangeGivesItsMemoryBack) {
  const FreshDir dir(in_memory());
  Index index(dir.path());
  ASSERT_TRUE(index.list(kRootNode, {dir_entry("d"), file_entry("f")}));
  const NodeId below = index.child(kRootNode, "d").id;
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::thread reader([&] {
    while (!stop) {
      if (!index.catalog().child(kRootNode, "f")) ++wrong;
    }
  });
  // Some 36 MB of records: beyond what is given back after the commit.
  EXPECT_TRUE(index.list(below, many(0, 120'000)));
  for (int i = 0; i < 20; ++i)
    EXPECT_TRUE(index.set_size(index.child(kRootNode, "f").id, 100U + static_cast<unsigned>(i)));
  stop = true;
  reader.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(index.names(below).size(), 120'000U);
}

TEST(IndexGrowth, MoreReadersThanLmdbsDefaultReadAtOnce) {
  const FreshDir dir;
  Index index(dir.path());
  ASSERT_TRUE(index.list(kRootNode, {file_entry("f")}));
  constexpr int kReaders = 200;  // LMDB's own default is 126
  std::atomic<int> inside{0};
  std::atomic<int> good{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < kReaders; ++i) {
    readers.emplace_back([&] {
      const auto txn = index.catalog().environment().read();
      ++inside;
      while (inside < kReaders) std::this_thread::yield();
      if (txn) ++good;
    });
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(good, kReaders);
}

}  // namespace
}  // namespace astrofs::test
