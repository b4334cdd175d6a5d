// The cache as a program that may be killed, or have its system calls fail, at any of them:
// tests/crash/kill_sweep does that.
//   cache_driver prepare SCENE DIR   what the scene begins with
//   cache_driver work SCENE DIR      one life of the cache; 0: came to its end, 3: refused to open, 4:
//   something wrong cache_driver check DIR HOW       what is left, seen by a later life: 0: all as promised,
//   else told on stderr.
//                                    HOW: killed, failed (a call returned an error), lied (or success without
//                                    doing)
// What was promised is noted in DIR.told, a mapped file, so that noting it is no system call that could be
// struck.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <iostream>
#include <set>

#include "tests/cache/block_support.h"
#include "tests/cache/index_fixture.h"

namespace astrofs::block_test {
namespace {

constexpr int kRefused = 3;
constexpr int kWrong = 4;
constexpr unsigned kFiles = 6;
constexpr std::uint64_t kNames = 300;
/// Small enough that the scene "list" has to grow its index.
constexpr std::uint64_t kSmallMap = 1ULL << 18;

FileVersion file_number(unsigned n) {
  return version_of(n, 6 * kBlock + 10 * n + 1);
}

/// Of a file: `here` was committed; `leaving` may be gone or not; `gone` was evicted and that was committed.
enum class State : std::uint32_t { unknown, here, leaving, gone };

struct Told {
  std::array<std::atomic<State>, kFiles> files{};
  std::atomic<std::uint64_t> listings{0};
  std::atomic<bool> index_damaged{false};  ///< by the scene: it may be begun anew
  std::atomic<bool> block_damaged{false};  ///< by the scene: one
};

Told& map_told(const std::string& dir) {
  const UniqueFd fd(::open((dir + ".told").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd || ::ftruncate(fd.get(), sizeof(Told)) != 0) throw std::runtime_error("no report");
  void* shared = ::mmap(nullptr, sizeof(Told), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (shared == MAP_FAILED) throw std::runtime_error("no report");
  return *static_cast<Told*>(shared);
}

class WrongByte : public std::logic_error {
  using std::logic_error::logic_error;
};

/// One life over the directory, on which something may strike at any time.
class Life {
 public:
  Life(const std::string& dir, Told& told, BlockCacheOptions options = {})
      : told_(told), rig_(options, dir, 1) {
    rig_.source->answer_by_itself(1);
  }
  Rig& rig() { return rig_; }

  /// Through the cache or the source: right in any case.
  void read(unsigned n, ByteRange range) {
    const FileVersion file = file_number(n);
    const auto bytes = rig_.read(file, range);
    if (!bytes) throw WrongByte(fmt::format("file {} cannot be read: {}", n, bytes.error().message));
    if (bytes->text() != content_of(file, range)) throw WrongByte(fmt::format("file {} reads wrong", n));
  }

  /// Reads all of it, in two steps, and notes it as committed when the index says so.
  void fill(unsigned n) {
    const FileVersion file = file_number(n);
    if (told_.files.at(n) == State::gone) told_.files.at(n) = State::leaving;
    rig_.cache->open(file);
    read(n, {kBlock, 2 * kBlock});
    (void)rig_.settle();
    read(n, {0, file.size});
    rig_.cache->close(file);
    if (!rig_.settle()) return;
    const auto known = rig_.catalog->object(file.object);
    if (known && known->present_bytes == file.size) told_.files.at(n) = State::here;
  }

  void evict(unsigned n) {
    told_.files.at(n) = State::leaving;
    if (rig_.cache->evict(file_number(n))) told_.files.at(n) = State::gone;
  }

 private:
  Told& told_;
  Rig rig_;
};

void overwrite(const std::string& path, std::uint64_t offset, const std::string& bytes) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (::pwrite(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)) < 0)
    throw std::runtime_error(path);
}

void list(const std::string& dir, Told& told, std::uint64_t times) {
  test::Index index(dir, kSmallMap);
  for (std::uint64_t time = 0; time < times; ++time) {
    std::vector<ListedEntry> entries;
    const std::uint64_t number = told.listings + 1;
    for (std::uint64_t i = 0; i < kNames + number; ++i)
      entries.push_back(test::file_entry(fmt::format("f{}", i), number));
    if (index.list(kRootNode, std::move(entries))) told.listings = number;
  }
}

// --- the scenes: how each begins, and what is done in it

void prepare_fill(const std::string& dir, Told& told) {
  Life(dir, told).fill(0);
}
void work_fill(const std::string& dir, Told& told) {
  Life life(dir, told);
  for (const unsigned n : {0U, 1U, 2U}) life.fill(n);
}

void prepare_evict(const std::string& dir, Told& told) {
  {
    Life life(dir, told);
    for (const unsigned n : {0U, 1U, 2U, 3U}) life.fill(n);
    const FileVersion orphan = version_of(99, kBlock);
    std::filesystem::create_directories(std::filesystem::path(life.rig().object_path(orphan)).parent_path());
    overwrite(life.rig().object_path(orphan), 0, "of no object");
    overwrite(life.rig().object_path(file_number(0)), 2 * kBlock + 5, "damage");
  }
  told.block_damaged = true;
  told.files[0] = State::leaving;
}
void work_evict(const std::string& dir, Told& told) {
  BlockCacheOptions options;
  options.quota = 32 * kBlock;  // five of the files, and then room has to be made
  Life life(dir, told, options);
  life.fill(0);
  life.evict(1);
  (void)life.rig().cache->resum({}, seconds(0));
  for (auto& file : told.files) file = State::leaving;  // from now on the oldest of them may go
  for (const unsigned n : {4U, 5U, 1U}) {
    life.read(n, {0, file_number(n).size});
    (void)life.rig().settle();
  }
  life.rig().cache->evict_to_quota();
}

void prepare_mend(const std::string& dir, Told& told) {
  {
    Life life(dir, told);
    for (const unsigned n : {0U, 1U}) life.fill(n);
  }
  for (std::uint64_t page = 2; page <= 8; ++page)
    overwrite(dir + "/catalog/data.mdb", page * 4096, std::string(4096, '\xa5'));
  told.index_damaged = true;
  told.files[0] = told.files[1] = State::leaving;
}
void work_mend(const std::string& dir, Told& told) {
  Life life(dir, told);
  if (!life.rig().catalog->recovery_note().empty()) life.fill(0);
}

void prepare_begin(const std::string&, Told&) {}
void work_begin(const std::string& dir, Told& told) {
  Life(dir, told).fill(3);
}

/// After a crash, so that the index is looked over first.
void prepare_again(const std::string& dir, Told& told) {
  prepare_fill(dir, told);
  std::filesystem::remove(dir + "/catalog/clean");
}

void prepare_list(const std::string& dir, Told& told) {
  list(dir, told, 1);
}
void work_list(const std::string& dir, Told& told) {
  list(dir, told, 4);
}

struct Scene {
  const char* name;
  void (*prepare)(const std::string& dir, Told&);
  void (*work)(const std::string& dir, Told&);
};
constexpr std::array<Scene, 6> kScenes{{{"begin", prepare_begin, work_begin},
                                        {"fill", prepare_fill, work_fill},
                                        {"again", prepare_again, work_fill},
                                        {"evict", prepare_evict, work_evict},
                                        {"mend", prepare_mend, work_mend},
                                        {"list", prepare_list, work_list}}};

// --- what is left

class Check {
 public:
  Check(std::string dir, std::string_view how) : dir_(std::move(dir)), how_(how), told_(map_told(dir_)) {
    // An index that the disk cannot read is damaged.
    if (how_ == "unreadable") told_.index_damaged = true;
  }

  bool run() {
    {
      Rig rig({}, dir_);
      expect(rig.catalog->recovery_note().empty() || told_.index_damaged,
             "the index was given up: " + rig.catalog->recovery_note());
      sums(rig, "as it was left");
      listing(rig);
      committed(rig);
      everything_reads(rig);
      sweep(rig);
      sums(rig, "in the end");
    }
    no_strays();
    Rig rig({}, dir_);
    expect(rig.catalog->recovery_note().empty(), "a clean end was not believed");
    for (unsigned n = 0; n < kFiles; ++n) cached(rig, n, "after a clean end");
    return fine_;
  }

 private:
  void expect(bool condition, const std::string& sentence) {
    if (condition) return;
    fine_ = false;
    std::cerr << sentence << '\n';
  }
  void sums(const Rig& rig, const std::string& when) {
    const std::string wrong = test::audit(*rig.catalog);
    expect(wrong.empty(), fmt::format("the index {}: {}", when, wrong));
  }
  void cached(Rig& rig, unsigned n, const std::string& when) {
    const FileVersion file = file_number(n);
    const auto bytes = rig.cache->read_cached(file, {0, file.size});
    expect(bytes.has_value(), fmt::format("file {} is not in the cache {}", n, when));
    expect(!bytes || bytes->text() == content_of(file, {0, file.size}),
           fmt::format("file {} reads wrong {}", n, when));
  }
  /// A listing is shown whole or not at all, and never an older one than was committed.
  void listing(const Rig& rig) {
    const std::uint64_t told = told_.listings;
    if (told == 0) return;
    std::set<std::uint64_t> sizes;
    std::uint64_t names = 0;
    const auto scanned = rig.catalog->scan(kRootNode, 0, [&](const Node& node) {
      sizes.insert(*node.size);
      ++names;
      return true;
    });
    expect(scanned && sizes.size() == 1, "half a listing is shown");
    if (sizes.size() != 1) return;
    expect(names == kNames + *sizes.begin(), "another number of names than was listed");
    // Its commit may have been finished by the disk and never reported, so one more is right.
    expect(
        *sizes.begin() == told || *sizes.begin() == told + 1 || (how_ != "killed" && *sizes.begin() > told),
        "a committed listing is lost");
  }
  /// What was committed is here; bytes that a disk only pretended to take are nobody's promise.
  void committed(Rig& rig) {
    if (how_ == "lied" || how_ == "unreadable") return;
    for (unsigned n = 0; n < kFiles; ++n) {
      const State state = told_.files.at(n);
      if (state == State::here) cached(rig, n, "though it was committed");
      if (state == State::gone)
        expect(rig.cache->presence(file_number(n)).bytes == 0, fmt::format("file {} was evicted", n));
    }
  }
  void everything_reads(Rig& rig) {
    rig.source->answer_by_itself(2);
    for (unsigned n = 0; n < kFiles; ++n) {
      const FileVersion file = file_number(n);
      const auto bytes = rig.read(file, {0, file.size});
      expect(bytes && bytes->text() == content_of(file, {0, file.size}),
             fmt::format("file {} reads wrong", n));
    }
    const std::int64_t bad = rig.metrics.value("astrofs_cache_bad_blocks_total");
    expect(how_ == "lied" || bad <= (told_.block_damaged ? 1 : 0),
           fmt::format("the index ran ahead of the data by {} blocks", bad));
    expect(rig.settle(), "it does not come to rest");
  }
  /// After a sweep the files on disk are the objects of the index, and the quota counts what they occupy.
  void sweep(Rig& rig) {
    expect(rig.cache->resum({}, seconds(-60)).has_value(), "the sweep failed");
    std::set<std::string> files;
    std::set<std::string> objects;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(dir_ + "/data"))
      if (!entry.is_directory()) files.insert(entry.path().filename().string());
    const auto scanned = rig.catalog->scan_oldest([&](const Hash128& id, const ObjectState&) {
      objects.insert(to_hex(id));
      return true;
    });
    expect(scanned && files == objects,
           fmt::format("{} files on disk, {} objects in the index", files.size(), objects.size()));
    expect(rig.cache->disk_bytes() == rig.du(),
           fmt::format("the quota counts {} and du says {}", rig.cache->disk_bytes(), rig.du()));
  }
  void no_strays() {
    static const std::set<std::string> kKnown{"lock",     "format",   "catalog", "data",
                                              "data.mdb", "lock.mdb", "clean"};
    for (const std::string& place : {dir_, dir_ + "/catalog"}) {
      for (const auto& entry : std::filesystem::directory_iterator(place)) {
        const std::string name = entry.path().filename().string();
        const bool aside = told_.index_damaged && name.starts_with("catalog.damaged-");
        expect(aside || kKnown.contains(name), "left behind: " + name);
      }
    }
  }

  const std::string dir_;
  const std::string how_;
  Told& told_;
  bool fine_{true};
};

int run(const std::vector<std::string>& words) {
  ::alarm(120);  // whatever hangs has an end
  if (words.size() == 3 && words[0] == "check") return Check(words[1], words[2]).run() ? 0 : 1;
  for (const Scene& scene : kScenes) {
    if (words.size() != 3 || words[1] != scene.name) continue;
    Told& told = map_told(words[2]);
    (words[0] == "prepare" ? scene.prepare : scene.work)(words[2], told);
    return 0;
  }
  std::cerr << "cache_driver: see the head of its source\n";
  return 2;
}

}  // namespace
}  // namespace astrofs::block_test

int main(int argc, char** argv) {
  try {
    return astrofs::block_test::run(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const astrofs::block_test::WrongByte& wrong) {
    std::cerr << wrong.what() << '\n';
    return astrofs::block_test::kWrong;
  } catch (const std::exception& refused) {
    std::cerr << "refused: " << refused.what() << '\n';
    return astrofs::block_test::kRefused;
  }
}
