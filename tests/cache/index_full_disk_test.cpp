// A disk without room: changes are refused or forgotten, reads go on, and it mends itself when there is room
// again.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>

#include <filesystem>
#include <fstream>

#include "cache/lmdb.h"
#include "tests/cache/index_fixture.h"

namespace astrofs::test {
namespace {

enum Exit { kFine, kNoMount, kFailed };

std::vector<ListedEntry> many(int count) {
  std::vector<ListedEntry> entries;
  for (int i = 0; i < count; ++i) entries.push_back(file_entry(fmt::format("frame-{:06}", i)));
  return entries;
}

/// Fills the disk to the last byte.
void fill_up(const std::string& name) {
  std::ofstream out(name, std::ios::binary);
  const std::string piece(4096, 'x');
  while (out.write(piece.data(), 4096).flush()) continue;
}

/// A small disk of its own for who calls, and his children.
bool mount_disk(const std::string& disk) {
  return unshare(CLONE_NEWNS) == 0 && mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=4m,mode=0700") == 0;
}

int try_it(const std::string& disk) {
  if (!mount_disk(disk)) return kNoMount;
  Index index(disk + "/cache", 1 << 20);
  const FileVersion version = version_of(1, 1 << 20);
  index.writer().add_blocks(version, some_blocks(1, 0, 9));
  if (!index.list(kRootNode, many(50)) || !index.writer().flush()) return kFailed;
  fill_up(disk + "/ballast");

  const auto refused = index.list(kRootNode, many(20'000));
  if (refused || refused.error().code != Errc::no_space) return kFailed + 1;
  index.writer().add_blocks(version_of(2, 1 << 21), some_blocks(2, 0, 99));
  (void)index.writer().flush();
  if (index.names(kRootNode).size() != 50 || index.catalog().used_bytes() < 10 * kBlockSize)
    return kFailed + 2;
  if (!audit(index.catalog()).empty()) return kFailed + 3;

  std::filesystem::remove(disk + "/ballast");
  if (!index.list(kRootNode, many(60))) return kFailed + 4;
  index.writer().add_blocks(version_of(3, 1 << 20), some_blocks(3, 0, 9));
  index.reopen();
  if (index.names(kRootNode).size() != 60 || !audit(index.catalog()).empty()) return kFailed + 5;
  if (!index.catalog().recovery_note().empty()) return kFailed + 6;

  // Full while nobody has it open: it opens, is read, and closes.
  index.close();
  fill_up(disk + "/ballast");
  index.open();
  if (index.names(kRootNode).size() != 60) return kFailed + 7;
  return kFine;
}

TEST(IndexFullDisk, ReadsGoOnAndWritesComeBack) {
  const FreshDir dir;
  const int code = in_child([&] { return try_it(dir.path()); });
  if (code == kNoMount) GTEST_SKIP() << "needs the right to mount a tmpfs of its own";
  EXPECT_EQ(code, kFine);
}

/// An index that begins on a disk with so many pages left, from none to enough.
int begin_it(const std::string& disk) {
  if (!mount_disk(disk)) return kNoMount;
  bool began = false;
  for (std::uintmax_t pages = 0; pages < 64 && !began; ++pages) {
    fill_up(disk + "/ballast");
    std::filesystem::resize_file(disk + "/ballast",
                                 std::filesystem::file_size(disk + "/ballast") - pages * 4096);
    const auto catalog = Catalog::open({disk + "/cache"});
    began = catalog.has_value();
    // A directory in which nothing was said yet is begun again by the next.
    if (!began && catalog.error().code != Errc::no_space) return kFailed;
  }
  return began ? kFine : kFailed + 1;
}

TEST(IndexFullDisk, WhereThereIsNoRoomToBeginItSaysSo) {
  const FreshDir dir;
  const int code = in_child([&] { return begin_it(dir.path()); });
  if (code == kNoMount) GTEST_SKIP() << "needs the right to mount a tmpfs of its own";
  EXPECT_EQ(code, kFine);
}

}  // namespace
}  // namespace astrofs::test
