// A seeded walk of reads, prefetches, evictions, damage, failures and reopenings against plain bytes. A
// failure prints its seed; ASTROFS_SEED=<n> runs that one alone.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <random>

#include "tests/cache/block_support.h"

namespace astrofs::block_test {
namespace {

constexpr unsigned kFiles = 6;

class Walk {
 public:
  explicit Walk(std::uint64_t seed) : random_(seed), rig_(options_for(seed)) {
    for (unsigned n = 0; n < kFiles; ++n) files_.push_back(version_of(n, pick(60 * kBlock)));
    source_anew();
  }

  void run(unsigned steps) {
    for (unsigned step = 0; step < steps && !::testing::Test::HasFailure(); ++step) {
      switch (pick(20)) {
        case 0:
          reopen();
          break;
        case 1:
          damage();
          break;
        case 2:
          (void)rig_.cache->evict(file());
          break;
        case 3:
          rig_.cache->evict_to_quota();
          break;
        case 4:
          rig_.cache->prefetch(file(), range(file()));
          break;
        case 5:
          fail_for_a_moment();
          break;
        case 6:
          EXPECT_TRUE(rig_.cache->resum({}, seconds(0)));
          break;
        case 7:
          read_cached();
          break;
        case 8:
          ranges();
          break;
        default:
          read();
          break;
      }
    }
    EXPECT_TRUE(rig_.settle());
    EXPECT_EQ(rig_.cache->parked(), 0U);
  }

 private:
  static BlockCacheOptions options_for(std::uint64_t seed) {
    BlockCacheOptions options;
    options.quota = (seed % 3 == 0 ? 60 : 400) * kBlock;
    options.memory = (seed % 2 == 0 ? 10 : 1000) * kBlock;
    options.largest_flight = (1 + seed % 9) * kBlock;
    return options;
  }
  std::uint64_t pick(std::uint64_t below) { return random_() % below; }
  const FileVersion& file() { return files_[pick(kFiles)]; }
  ByteRange range(const FileVersion& of) {
    return {pick(of.size + 1), pick(pick(2) == 0 ? 100 : 20 * kBlock)};
  }
  void source_anew() { rig_.source->answer_by_itself(2, pick(4) == 0); }

  void read() {
    std::vector<std::jthread> readers;
    for (std::uint64_t reader = pick(3); reader < 3; ++reader) {
      const FileVersion& of = file();
      readers.emplace_back([this, &of, at = range(of), fetch = range(of)] {
        rig_.cache->open(of);
        EXPECT_TRUE(rig_.reads_right(of, at, fetch)) << at.offset << "+" << at.length << " of " << of.size;
        rig_.cache->close(of);
      });
    }
  }
  void read_cached() {
    const FileVersion& of = file();
    const ByteRange at = range(of);
    const auto bytes = rig_.cache->read_cached(of, at);
    if (bytes) {
      EXPECT_TRUE(bytes->text() == content_of(of, {at.offset, std::min(at.length, of.size - at.offset)}));
    } else {
      EXPECT_EQ(bytes.error().code, Errc::not_found);
    }
  }
  void ranges() {
    const FileVersion& of = file();
    EXPECT_TRUE(rig_.settle());
    std::uint64_t sum = 0, last = 0;
    for (const ByteRange& one : rig_.cache->present_ranges(of, {0, of.size})) {
      EXPECT_TRUE(one.offset > last || (one.offset == 0 && last == 0)) << "merged and in order";
      last = one.end();
      sum += one.length;
    }
    EXPECT_LE(last, of.size);
    EXPECT_EQ(rig_.cache->presence(of).bytes, sum);
  }
  void reopen() {
    rig_.reopen(true);
    source_anew();
  }
  void fail_for_a_moment() {
    rig_.source->refuse(Errc::unavailable);
    const FileVersion& of = file();
    const ByteRange at = range(of);
    const auto bytes = rig_.read(of, at);
    if (bytes) {
      EXPECT_TRUE(bytes->text() == content_of(of, {at.offset, std::min(at.length, of.size - at.offset)}));
    } else {
      EXPECT_EQ(bytes.error().code, Errc::unavailable);
    }
    rig_.source->refuse(std::nullopt);
  }
  void damage() {
    const std::string path = rig_.object_path(file());
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0 || status.st_size == 0) return;
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (pick(4) == 0) {
      EXPECT_EQ(::truncate(path.c_str(), static_cast<off_t>(pick(size))), 0);
      return;
    }
    const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    const std::string junk(1 + pick(3 * kBlock), static_cast<char>(pick(256)));
    (void)!::pwrite(fd.get(), junk.data(), junk.size(), static_cast<off_t>(pick(size)));
  }

  std::mt19937_64 random_;
  Rig rig_;
  std::vector<FileVersion> files_;
};

TEST(BlockModel, RandomWalksNeverReadAWrongByte) {
  if (const char* seed = std::getenv("ASTROFS_SEED")) {
    Walk(std::strtoull(seed, nullptr, 10)).run(100);
    return;
  }
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Walk(seed).run(100);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace astrofs::block_test
