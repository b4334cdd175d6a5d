// Whatever happens to the index's file: it opens, nothing wrong comes out of it, and it can be written to
// again.
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <random>
#include <stdexcept>

#include "base/unique_fd.h"
#include "cache/lmdb.h"
#include "cache/lmdb_pages.h"
#include "cache/recover.h"
#include "cache/schema.h"
#include "tests/cache/index_fixture.h"

namespace astrofs::test {
namespace {

namespace fs = std::filesystem;

constexpr int kFiles = 2000;
constexpr std::uint64_t kObjects = 150;
constexpr std::size_t kPage = 4096;

std::string name_of_file(int i) {
  return fmt::format("tess-{:05}-ffic.fits", i);
}

/// An index with all tables filled, and free pages from changes.
void fill(const std::string& dir) {
  Index index(dir, 1 << 20);
  std::vector<ListedEntry> entries;
  for (int i = 0; i < kFiles; ++i)
    entries.push_back(file_entry(name_of_file(i), 1000 + static_cast<unsigned>(i)));
  entries.push_back(dir_entry("sub"));
  ASSERT_TRUE(index.list(kRootNode, entries));
  ASSERT_TRUE(index.list(index.child(kRootNode, "sub").id, {file_entry("x")}));
  for (int round = 0; round < 3; ++round) {
    for (std::uint64_t number = 1; number <= kObjects; ++number) {
      index.writer().add_blocks(version_of(number, 1 << 21), some_blocks(number, 0, 99));
      if (number % 7 == 0) index.writer().drop_object(version_of(number, 1 << 21).object);
    }
    ASSERT_TRUE(index.writer().flush());
  }
  index.writer().set_pin(index.child(kRootNode, "sub").id, true);
}

/// Reads all there is; true when nothing was seen that was never written.
bool nothing_wrong(Index& index) {
  bool good = true;
  const auto check = [&good](const Node& node) {
    const bool sub = node.name == "sub";
    if (!sub && node.name != "x" && node.name != "new") {
      good = good && node.locator == "at/" + node.name && node.validator == "\"v\"" && node.size &&
             node.name == name_of_file(static_cast<int>(*node.size) - 1000) && node.kind == NodeKind::file;
    }
    return true;
  };
  (void)index.catalog().scan(kRootNode, 0, check);
  for (int i = 0; i < kFiles; i += 3) {
    if (const auto node = index.catalog().child(kRootNode, name_of_file(i))) check(*node);
  }
  for (std::uint64_t number = 1; number <= kObjects; ++number) {
    const FileVersion version = version_of(number, 1 << 21);
    if (const auto object = index.catalog().object(version.object))
      good = good && object->size == version.size;
    for (std::uint32_t chunk = 0; chunk < 2; ++chunk) {
      const auto blocks = index.catalog().blocks(version.object, chunk);
      for (std::uint32_t i = 0; blocks && i < kBlocksPerChunk; ++i) {
        const std::uint32_t block = chunk * kBlocksPerChunk + i;
        if ((blocks->present >> i & 1U) != 0)
          good = good && block < 100 && blocks->hashes[i] == hash_of(number, block);
      }
    }
  }
  (void)index.catalog().scan_oldest([](const Hash128&, const ObjectState&) { return true; });
  return good;
}

enum Exit { kFine, kWrong, kUnwritable, kBadAccounts, kBegunAnew };

/// Opens what is left, reads it all, writes to it, and counts; in a child, for a crash must be seen as such.
/// kFine and kBegunAnew are both right; which of them, the damage decides. An index that does not open is an
/// exception.
int use_it(const std::string& dir) {
  return in_child([&]() -> int {
    Index index(dir, 1 << 20);
    if (!nothing_wrong(index)) return kWrong;
    if (!index.add(kRootNode, file_entry("new"))) return kUnwritable;
    for (std::uint64_t number = 1; number <= kObjects; ++number) {
      index.writer().add_blocks(version_of(number, 1 << 21), some_blocks(number, 90, 99));
    }
    if (!index.writer().flush()) return kUnwritable;
    if (!audit(index.catalog()).empty()) return kBadAccounts;
    if (!index.catalog().recovery_note().empty()) return kBegunAnew;
    return index.names(kRootNode).size() == kFiles + 2 ? kFine : kWrong;
  });
}

MATCHER(IsUsable, "opens, tells nothing wrong and can be written to") {
  return arg == kFine || arg == kBegunAnew;
}

class Damage {
 public:
  Damage() {
    fill(whole_.path() + "/c");
    std::ifstream in(data(), std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(in), {});
  }
  /// Uses the index with its file's bytes changed.
  template <class Change>
  int with(Change change) {
    std::string bytes = bytes_;
    change(bytes);
    const std::string dir = whole_.path() + "/c";
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(dir)) {
      if (entry.path().filename().string().starts_with("catalog")) fs::remove_all(entry.path(), ignored);
    }
    fs::create_directory(dir + "/catalog");
    fs::permissions(dir + "/catalog", fs::perms::owner_all);
    std::ofstream(data(), std::ios::binary) << bytes;
    return use_it(dir);
  }
  [[nodiscard]] std::size_t pages() const { return bytes_.size() / kPage; }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  [[nodiscard]] std::string data() const { return whole_.path() + "/c/catalog/data.mdb"; }
  FreshDir whole_{in_memory()};
  std::string bytes_;
};

/// One damage per suite run: filling it takes longer than a trial.
class IndexDamage : public testing::Test {
 protected:
  static void SetUpTestSuite() { damage_ = std::make_unique<Damage>(); }
  static void TearDownTestSuite() { damage_.reset(); }
  static std::unique_ptr<Damage> damage_;
};
std::unique_ptr<Damage> IndexDamage::damage_;

TEST_F(IndexDamage, AnUnharmedCopyIsUsedAsItIs) {
  EXPECT_EQ(damage_->with([](std::string&) {}), kFine);
}

TEST_F(IndexDamage, FlippedBits) {
  for (unsigned seed = 0; seed < 150; ++seed) {
    std::mt19937_64 random(seed);
    EXPECT_THAT(damage_->with([&](std::string& bytes) {
      // The first pages hold what everything hangs on: hit them as often as all the rest.
      const std::size_t reach = seed % 2 == 0 ? bytes.size() : 2 * kPage;
      const std::size_t at = random() % (seed % 4 == 1 ? 200 : reach);
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
    }),
                IsUsable())
        << "seed " << seed;
  }
}

TEST_F(IndexDamage, FlippedBitsInPageHeaders) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    std::mt19937_64 random(seed + 1000);
    EXPECT_THAT(damage_->with([&](std::string& bytes) {
      const std::size_t at = random() % damage_->pages() * kPage + random() % 64;
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
    }),
                IsUsable())
        << "seed " << seed;
  }
}

TEST_F(IndexDamage, FlippedBitsInThePagesBounds) {
  // Where a page's free room begins and ends shows in none of its records, and is believed by the next write.
  for (unsigned seed = 0; seed < 100; ++seed) {
    std::mt19937_64 random(seed + 5000);
    EXPECT_THAT(damage_->with([&](std::string& bytes) {
      const std::size_t at = random() % damage_->pages() * kPage + 12 + random() % 4;
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
    }),
                IsUsable())
        << "seed " << seed;
  }
}

TEST_F(IndexDamage, EveryBitOfAPagesHeaderCounts) {
  const auto sound = [](const std::string& bytes) { return lmdb_pages_sound(bytes, [] { return true; }); };
  std::string bytes = damage_->bytes();
  ASSERT_TRUE(sound(bytes));
  std::size_t used = 0;
  for (std::size_t page = 2; page < damage_->pages(); ++page) {
    unsigned noticed = 0;
    for (const std::size_t bit : {0U, 17U, 63U, 80U, 95U, 97U, 111U, 113U, 127U}) {
      char& byte = bytes[page * kPage + bit / 8];
      byte = static_cast<char>(byte ^ (1 << bit % 8));
      noticed += sound(bytes) ? 0 : 1;
      byte = static_cast<char>(byte ^ (1 << bit % 8));
    }
    EXPECT_TRUE(noticed == 0 || noticed == 9) << "page " << page << ": " << noticed;
    used += noticed == 9 ? 1 : 0;
  }
  EXPECT_GT(used, damage_->pages() / 2) << "the others are free, or in the middle of a large record";
}

TEST_F(IndexDamage, ZeroedAndRandomPages) {
  for (unsigned seed = 0; seed < 80; ++seed) {
    std::mt19937_64 random(seed + 2000);
    EXPECT_THAT(damage_->with([&](std::string& bytes) {
      const std::size_t page = random() % damage_->pages() * kPage;
      for (std::size_t i = 0; i < kPage; ++i)
        bytes[page + i] = seed % 2 == 0 ? '\0' : static_cast<char>(random());
    }),
                IsUsable())
        << "seed " << seed;
  }
}

TEST_F(IndexDamage, SwappedPages) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    std::mt19937_64 random(seed + 3000);
    EXPECT_THAT(damage_->with([&](std::string& bytes) {
      const std::size_t one = (2 + random() % (damage_->pages() - 2)) * kPage;
      const std::size_t two = (2 + random() % (damage_->pages() - 2)) * kPage;
      std::swap_ranges(bytes.begin() + static_cast<std::ptrdiff_t>(one),
                       bytes.begin() + static_cast<std::ptrdiff_t>(one + kPage),
                       bytes.begin() + static_cast<std::ptrdiff_t>(two));
    }),
                IsUsable())
        << "seed " << seed;
  }
}

TEST_F(IndexDamage, ATruncatedFile) {
  for (unsigned seed = 0; seed < 40; ++seed) {
    std::mt19937_64 random(seed + 4000);
    EXPECT_THAT(damage_->with([&](std::string& bytes) { bytes.resize(random() % bytes.size()); }), IsUsable())
        << "seed " << seed;
  }
  EXPECT_EQ(damage_->with([](std::string& bytes) { bytes.clear(); }), kBegunAnew);
}

TEST_F(IndexDamage, AFileThatIsSomethingElse) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{100}, kPage, 10 * kPage + 7}) {
    EXPECT_EQ(damage_->with([&](std::string& bytes) { bytes.assign(size, 'G'); }), kBegunAnew) << size;
  }
}

/// A page that went bad while the index was closed, and the file system does not show it. Opening does not
/// come by it.
class IndexPageDamage : public testing::Test {
 protected:
  IndexPageDamage() {
    fill(cache_);
    std::string bytes;
    {
      std::ifstream in(data(), std::ios::binary);
      bytes.assign(std::istreambuf_iterator<char>(in), {});
    }
    // Nodes have locators, children have not.
    const std::size_t at = bytes.find("at/" + name_of_file(kLost));
    if (at == std::string::npos) throw std::runtime_error("no such record");
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at / kPage * kPage), kPage, '\0');
    std::fstream(data(), std::ios::binary | std::ios::in | std::ios::out) << bytes;
    const UniqueFd dir(::open(cache_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    EXPECT_TRUE(seal_index(dir.get()));
  }
  [[nodiscard]] std::string data() const { return cache_ + "/catalog/data.mdb"; }
  /// Opens it, and comes upon the page.
  [[nodiscard]] bool fails_to_read() const {
    Index index(cache_, 1 << 20);
    const auto lost = index.catalog().child(kRootNode, name_of_file(kLost));
    return index.catalog().recovery_note().empty() && !lost && lost.error().code == Errc::corrupt;
  }
  void expect_begun_anew() const {
    Index index(cache_, 1 << 20);
    EXPECT_THAT(index.catalog().recovery_note(), testing::HasSubstr("found damaged when it was last in use"));
    EXPECT_EQ(index.catalog().child(kRootNode, name_of_file(kLost)).error().code, Errc::not_found);
    EXPECT_TRUE(index.list(kRootNode, {file_entry("new")}));
    index.reopen();
    EXPECT_EQ(index.catalog().recovery_note(), "");
    EXPECT_EQ(index.names(kRootNode), std::vector<std::string>{"new"});
  }

  static constexpr int kLost = kFiles / 2;
  FreshDir dir_;
  std::string cache_ = dir_.path() + "/c";
};

TEST_F(IndexPageDamage, APageFoundDamagedInUseIsNotSealedAndTheNextStartBeginsAnew) {
  ASSERT_TRUE(fails_to_read());
  EXPECT_FALSE(fs::exists(cache_ + "/catalog/clean"));
  expect_begun_anew();
}

TEST_F(IndexPageDamage, AProcessThatIsKilledAfterwardsHasLeftWord) {
  EXPECT_EQ(in_child([&] {
              Index index(cache_, 1 << 20);
              if (index.catalog().child(kRootNode, name_of_file(kLost))) return 1;
              return raise(SIGKILL);
            }),
            -SIGKILL);
  expect_begun_anew();
}

TEST_F(IndexPageDamage, APageThatEndsTheProcessHasLeftWord) {
  // A walk comes to the page from the one before it, where LMDB 0.9.24 has no error to give but an assertion.
  EXPECT_EQ(in_child([&] {
              Index index(cache_, 1 << 20);
              const auto walked = index.catalog().scan(kRootNode, 0, [](const Node&) { return true; });
              return walked ? 0 : raise(SIGABRT);
            }),
            -SIGABRT);
  expect_begun_anew();
}

/// A record that goes bad while the index is in use.
void spoil(Index& index, Table table, std::string_view key) {
  auto txn = index.catalog().environment().write();
  ASSERT_TRUE(txn);
  const auto value = txn->get(table, key);
  ASSERT_TRUE(value && *value);
  std::string bytes(**value);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  ASSERT_TRUE(txn->put(table, key, bytes));
  ASSERT_TRUE(txn->commit());
}

TEST(IndexRecordDamage, ADamagedNodeIsAbsentAndItsListingIsNoLongerOne) {
  const FreshDir dir;
  Index index(dir.path());
  ASSERT_TRUE(index.list(kRootNode, {file_entry("a"), file_entry("b"), file_entry("c")}));
  spoil(index, Table::node, schema::id_key(index.child(kRootNode, "b").id));
  EXPECT_TRUE(index.catalog().listing(kRootNode));
  EXPECT_EQ(index.names(kRootNode), (std::vector<std::string>{"a", "c"}));
  EXPECT_EQ(index.catalog().child(kRootNode, "b").error().code, Errc::not_found);
  EXPECT_EQ(index.catalog().listing(kRootNode).error().code, Errc::not_found);
  ASSERT_TRUE(index.list(kRootNode, {file_entry("a"), file_entry("b"), file_entry("c")}));
  EXPECT_EQ(index.names(kRootNode), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_TRUE(index.catalog().listing(kRootNode));
}

TEST(IndexRecordDamage, ADamagedChildIsListedAnew) {
  const FreshDir dir;
  Index index(dir.path());
  ASSERT_TRUE(index.list(kRootNode, {file_entry("a"), file_entry("b"), file_entry("c")}));
  spoil(index, Table::child, schema::child_key(kRootNode, "b"));
  spoil(index, Table::child, schema::child_key(kRootNode, "c"));
  EXPECT_EQ(index.names(kRootNode), (std::vector<std::string>{"a"}));
  EXPECT_EQ(index.catalog().listing(kRootNode).error().code, Errc::not_found);
  ASSERT_TRUE(index.list(kRootNode, {file_entry("a"), file_entry("b")}));
  EXPECT_EQ(index.names(kRootNode), (std::vector<std::string>{"a", "b"}));
}

TEST(IndexRecordDamage, AccountsAreCountedAgainWhenTheyCannotBeBelieved) {
  const FreshDir dir;
  Index index(dir.path());
  for (std::uint64_t number = 1; number <= 5; ++number) {
    index.writer().add_blocks(version_of(number, 1 << 21), some_blocks(number, 0, 99));
  }
  ASSERT_TRUE(index.writer().flush());
  const auto again = [&](const char* what) {
    index.writer().add_blocks(version_of(1, 1 << 21), some_blocks(1, 0, 70));
    ASSERT_TRUE(index.writer().flush());
    EXPECT_EQ(audit(index.catalog()), "") << what;
  };
  spoil(index, Table::block, schema::block_key(version_of(1, 0).object, 0));
  EXPECT_EQ(index.catalog().blocks(version_of(1, 0).object, 0)->present, 0U);
  again("a chunk");
  spoil(index, Table::object, schema::object_key(version_of(1, 0).object));
  again("an object");
  for (const std::string_view key :
       {schema::kMetaUsedBytes, schema::kMetaObjectCount, schema::kMetaUseCounter}) {
    spoil(index, Table::meta, key);
    again("a counter");
  }
  EXPECT_EQ(index.catalog().used_bytes(), (4 * 100 + 71) * std::uint64_t{kBlockSize});
}

TEST(IndexRecordDamage, ALostNumberOfNodesDoesNotGiveANumberTwice) {
  const FreshDir dir;
  Index index(dir.path());
  ASSERT_TRUE(index.list(kRootNode, {file_entry("a"), file_entry("b")}));
  spoil(index, Table::meta, schema::kMetaNextNode);
  ASSERT_TRUE(index.list(kRootNode, {file_entry("a"), file_entry("b"), file_entry("c")}));
  EXPECT_GT(index.child(kRootNode, "c").id, index.child(kRootNode, "b").id);
}

}  // namespace
}  // namespace astrofs::test
