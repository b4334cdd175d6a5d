// An index that cannot be used for a moment: it opens again in place, though nobody can look anything up and
// so nobody changes anything.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/clock.h"
#include "cache/lmdb.h"
#include "tests/cache/index_fixture.h"

namespace astrofs::test {
namespace {

namespace fs = std::filesystem;

std::vector<ListedEntry> many(std::size_t count) {
  std::vector<ListedEntry> entries;
  for (std::size_t i = 0; i < count; ++i) entries.push_back(file_entry(fmt::format("frame-{:06}", i)));
  return entries;
}

/// Looks it up until it is found, for ten times as long as it should take.
bool comes_back(const Catalog& catalog, const std::string& name) {
  const SteadyTime end = std::chrono::steady_clock::now() + seconds(10);
  while (std::chrono::steady_clock::now() < end) {
    if (catalog.child(kRootNode, name)) return true;
    std::this_thread::sleep_for(milliseconds(20));
  }
  return false;
}

TEST(IndexRevival, AnIndexThatCouldNotBeOpenedAnewIsOpenedAsSoonAsItCanBe) {
  const FreshDir dir;
  Index index(dir.path());
  ASSERT_TRUE(index.list(kRootNode, {file_entry("a")}));
  fs::rename(dir.path() + "/catalog", dir.path() + "/away");
  // So many names that the index thread opens it anew, to give their memory back.
  ASSERT_TRUE(index.list(kRootNode, many(10'000)));
  const auto gone = [&] { return !index.catalog().child(kRootNode, "frame-000001"); };
  for (int i = 0; i < 500 && !gone(); ++i) std::this_thread::sleep_for(milliseconds(10));
  ASSERT_TRUE(gone());
  EXPECT_EQ(index.catalog().child(kRootNode, "a").error().code, Errc::unavailable);
  fs::rename(dir.path() + "/away", dir.path() + "/catalog");
  EXPECT_TRUE(comes_back(index.catalog(), "frame-000001"));
  EXPECT_TRUE(index.add(kRootNode, file_entry("b")));
  index.reopen();
  EXPECT_EQ(index.catalog().recovery_note(), "");
  EXPECT_EQ(index.names(kRootNode).size(), 10'001U);
}

/// From now on this thread and those it starts cannot write into the first two pages of any file, where LMDB
/// has its meta pages.
bool refuse_meta_pages() {
  constexpr std::uint32_t kMetaPages = 2 * 4096;
  constexpr std::uint32_t kOffset = offsetof(seccomp_data, args[3]);  // of pwrite; little endian
  std::array<sock_filter, 8> steps{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pwrite64, 0, 5),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kOffset + 4),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kOffset),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, kMetaPages, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EIO),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog program{steps.size(), steps.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

enum Exit { kFine, kNoFilter, kFailed };

TEST(IndexRevival, AFailedWriteOfAMetaPageIsMendedWithoutAnotherChange) {
  const FreshDir dir;
  {
    Index index(dir.path());
    ASSERT_TRUE(index.list(kRootNode, {file_entry("a")}));
  }
  const int code = in_child([&]() -> int {
    const auto catalog = Catalog::open({dir.path()});
    if (!catalog) return kFailed;
    if (!refuse_meta_pages()) return kNoFilter;
    IndexWriter writer(**catalog);  // its thread is refused as well
    writer.set_pin(kRootNode, true);
    if (writer.flush()) return kFailed + 1;
    return comes_back(**catalog, "a") ? kFine : kFailed + 2;
  });
  if (code == kNoFilter) GTEST_SKIP() << "needs seccomp";
  EXPECT_EQ(code, kFine);
}

/// Bytes of addresses that this process has given out.
rlim_t address_space() {
  rlim_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE));
}

TEST(IndexRevival, AMapThatCannotGrowStaysAsItWas) {
  constexpr std::uint64_t kMap = 1ULL << 30;
  const FreshDir dir;
  {
    Index index(dir.path());
    ASSERT_TRUE(index.list(kRootNode, {file_entry("a")}));
  }
  EXPECT_EQ(in_child([&]() -> int {
              const auto catalog = Catalog::open({dir.path(), kMap});
              if (!catalog || !(*catalog)->child(kRootNode, "a")) return kFailed;
              Environment& environment = (*catalog)->environment();
              // Relative to what there is, so that a sanitizer's shadow fits: enough for all but a second
              // map.
              rlimit before{};
              getrlimit(RLIMIT_AS, &before);
              const rlimit few{address_space() + kMap / 2, before.rlim_max};
              setrlimit(RLIMIT_AS, &few);
              if (environment.grow()) return kFailed + 1;
              if (environment.map_size() != kMap || !(*catalog)->child(kRootNode, "a")) return kFailed + 2;
              setrlimit(RLIMIT_AS, &before);
              if (!environment.grow() || environment.map_size() != 2 * kMap) return kFailed + 3;
              return (*catalog)->child(kRootNode, "a") ? kFine : kFailed + 4;
            }),
            kFine);
}

}  // namespace
}  // namespace astrofs::test
