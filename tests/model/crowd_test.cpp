// Eight readers over twenty files, while they are evicted, listed anew and changed. Worth most under
// ThreadSanitizer.
#include <gtest/gtest.h>

#include <random>
#include <thread>

#include <fmt/format.h>

#include "tests/model/stage.h"

namespace astrofs::model {
namespace {

constexpr unsigned kReaders = 8;
constexpr unsigned kRounds = 200;  ///< files that each of them opens

class Crowd : public ModelTest {
 protected:
  void read_files(unsigned reader) {
    std::mt19937_64 random(reader);
    for (unsigned round = 0; round < kRounds; ++round) {
      const auto file = static_cast<unsigned>(random() % kFiles);
      const auto attr = house->lookup(dirs_[dir_of(file)].id, shown_name(file));
      if (!attr) {
        note(fmt::format("lookup of {}: {}", file, attr.error().message));
        continue;
      }
      const auto opened = house->open(attr->inode);
      if (opened) {
        read_file(file, *opened, random);
        house->vfs.release(*opened);
      } else if (opened.error().code != Errc::stale) {
        note(fmt::format("open of {}: {}", file, opened.error().message));
      }
    }
  }

  void read_file(unsigned file, const std::shared_ptr<OpenHandle>& handle, std::mt19937_64& random) {
    const std::uint64_t size = handle->file->version.size;
    std::uint32_t possible = ~0U;
    for (int i = 0; i < 6; ++i) {
      const std::uint64_t at = random() % size;
      const ByteRange range = ByteRange{at, 1 + random() % (3ULL * kBlockSize)}.intersect({0, size});
      const auto bytes = house->read(handle, range);
      if (!bytes) {
        const bool declined = bytes.error().message.starts_with("read-ahead past a header");
        if (bytes.error().code == Errc::stale) return;
        if (!declined) note(fmt::format("read of {}: {}", file, bytes.error().message));
        continue;
      }
      ++reads_;
      std::uint32_t same = 0;
      const std::vector<Version> versions = remote.versions(file);
      for (unsigned v = 0; v < versions.size(); ++v) {
        if (versions[v].size == size && content_of(file, versions[v], range) == bytes->text())
          same |= 1U << v;
      }
      possible &= same;
      if (possible == 0) return note(fmt::format("{} reads as no single version of it", file));
    }
  }

  void disturb(const std::stop_token& stop) {
    std::mt19937_64 random(99);
    while (!stop.stop_requested()) {
      const auto file = static_cast<unsigned>(random() % kFiles);
      const Result<Attr> attr = house->lookup(dirs_[dir_of(file)].id, shown_name(file));
      switch (random() % 4) {
        case 0:
          remote.change(file, random(),
                        random() % 2 == 0 ? long_frame() : frame_size() + random() % 40 * 2880);
          break;
        case 1:
          if (const auto fresh = house->refresh(dirs_[dir_of(file)]); !fresh)
            note("refresh: " + fresh.error().message);
          break;
        case 2:
          if (attr) {
            if (const auto known = house->vfs.node(attr->inode); known && known->size) {
              (void)house->cache.evict(house->archives.version(*known));
            }
          }
          break;
        default:
          house->cache.evict_to_quota();
      }
      std::this_thread::sleep_for(milliseconds(1));  // or all changes are made before the first read
    }
  }

  void note(const std::string& what) {
    const std::lock_guard lock(mutex_);
    if (faults_.size() < 10) faults_.push_back(what);
  }

  std::vector<Node> dirs_;
  std::atomic<unsigned> reads_{0};
  std::mutex mutex_;
  std::vector<std::string> faults_;
};

TEST_F(Crowd, ManyReadersSeeWholeVersionsWhileTheArchiveChanges) {
  options.sweep = true;
  options.quota = 60ULL * kBlockSize;
  mount();
  const auto sky = house->lookup(kRootNode, "sky");
  ASSERT_TRUE(sky);
  ASSERT_TRUE(house->opendir(sky->node));
  for (unsigned dir = 0; dir < kDirs; ++dir) {
    const auto attr = house->lookup(sky->node, dir_name(dir));
    ASSERT_TRUE(attr);
    dirs_.push_back(house->vfs.node(attr->inode).value());
    ASSERT_TRUE(house->opendir(attr->node));
  }
  {
    std::jthread disturber([this](const std::stop_token& stop) { disturb(stop); });
    std::vector<std::jthread> readers;
    for (unsigned reader = 0; reader < kReaders; ++reader)
      readers.emplace_back([this, reader] { read_files(reader); });
  }
  EXPECT_TRUE(faults_.empty()) << faults_.front();
  EXPECT_GT(reads_, kReaders * kRounds) << "most reads succeed";
  EXPECT_TRUE(house->rest()) << house->unrest();
  EXPECT_EQ(house->vfs.open_files(), 0U);
}

}  // namespace
}  // namespace astrofs::model
