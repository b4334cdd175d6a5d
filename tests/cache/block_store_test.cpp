// The object files and the directory they live in.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/cache/block_support.h"

namespace astrofs::block_test {
namespace {

std::span<const std::byte> bytes_of_text(const std::string& text) {
  return as_bytes(text);
}

TEST(BlockStore, KeepsWhatWasWrittenInAPrivateFile) {
  const FreshDir dir;
  const auto store = BlockStore::open(dir.path() + "/made/below").value();
  const auto id = version_of(1, 0).object;
  EXPECT_EQ(store->object(id, false).error().code, Errc::not_found);
  ASSERT_TRUE(store->object(id, true).value()->write(5, bytes_of_text("hello")));
  std::string back(5, '\0');
  ASSERT_TRUE(store->object(id, false).value()->read(5, std::as_writable_bytes(std::span(back))));
  EXPECT_EQ(back, "hello");
  const std::string hex = to_hex(id);
  struct stat status {};
  ASSERT_EQ(::stat((store->path() + "/" + hex.substr(0, 2) + "/" + hex).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  ASSERT_EQ(::stat(store->path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0700U);
}

TEST(BlockStore, AReadBeyondTheEndIsCorruptNotShort) {
  const FreshDir dir;
  const auto store = BlockStore::open(dir.path()).value();
  const auto file = store->object(version_of(1, 0).object, true).value();
  ASSERT_TRUE(file->write(0, bytes_of_text("four")));
  std::string back(5, '\0');
  EXPECT_EQ(file->read(0, std::as_writable_bytes(std::span(back))).error().code, Errc::corrupt);
}

TEST(BlockStore, ARemovedFileStaysReadableForItsHoldersAndIsNewForOthers) {
  const FreshDir dir;
  const auto store = BlockStore::open(dir.path()).value();
  const auto id = version_of(1, 0).object;
  const auto held = store->object(id, true).value();
  ASSERT_TRUE(held->write(0, bytes_of_text(std::string(8192, 'x'))));
  EXPECT_GE(store->remove(id).value(), 8192U);
  EXPECT_EQ(store->remove(id).value(), 0U);
  std::string back(8192, '\0');
  EXPECT_TRUE(held->read(0, std::as_writable_bytes(std::span(back))));
  EXPECT_EQ(store->object(id, false).error().code, Errc::not_found);
  EXPECT_EQ(store->object(id, true).value()->disk_bytes(), 0U);
}

TEST(BlockStore, ScanFindsEveryObjectAndNothingElse) {
  const FreshDir dir;
  const auto store = BlockStore::open(dir.path()).value();
  std::set<Hash128> expected;
  for (unsigned n = 0; n < 40; ++n) {
    expected.insert(version_of(n, 0).object);
    ASSERT_TRUE(store->object(version_of(n, 0).object, true).value()->write(0, bytes_of_text("data")));
  }
  const std::string hex = to_hex(version_of(0, 0).object);
  std::filesystem::create_symlink("/etc/passwd",
                                  store->path() + "/" + hex.substr(0, 2) + "/" + std::string(32, 'a'));
  std::set<Hash128> found;
  for (unsigned first = 0; first < 256; ++first) {
    store->scan(std::byte(first), [&](const StoredObject& stored) {
      EXPECT_EQ(stored.id[0], std::byte(first));
      EXPECT_GT(stored.disk_bytes, 0U);
      return found.insert(stored.id).second;
    });
  }
  EXPECT_EQ(found, expected);
}

TEST(BlockStore, NeverFollowsAPlantedSymlink) {
  const FreshDir dir;
  const auto store = BlockStore::open(dir.path()).value();
  const auto id = version_of(1, 0).object;
  ASSERT_TRUE(store->object(id, true));
  ASSERT_TRUE(store->remove(id));
  const std::string hex = to_hex(id);
  const std::string victim = dir.path() + "/victim";
  ASSERT_GE(UniqueFd(::open(victim.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)).get(), 0);
  std::filesystem::create_symlink(victim, store->path() + "/" + hex.substr(0, 2) + "/" + hex);
  EXPECT_FALSE(store->object(id, true));
  EXPECT_FALSE(store->object(id, false));
}

TEST(BlockStore, RefusesADirectoryThatOthersMayWriteOrThatIsALink) {
  const FreshDir dir;
  std::filesystem::create_directories(dir.path() + "/open/theirs");
  std::filesystem::permissions(dir.path() + "/open", std::filesystem::perms::all);
  EXPECT_EQ(BlockStore::open(dir.path() + "/open").error().code, Errc::denied);
  std::filesystem::create_directory(dir.path() + "/real");
  std::filesystem::create_symlink(dir.path() + "/real", dir.path() + "/link");
  EXPECT_EQ(BlockStore::open(dir.path() + "/link").error().code, Errc::denied);
  EXPECT_TRUE(BlockStore::open(dir.path() + "/real/"));
  EXPECT_EQ(BlockStore::open("/").error().code, Errc::invalid);
}

TEST(BlockStore, ClosesIdleFilesWhenDescriptorsRunOut) {
  const FreshDir dir;
  const auto store = BlockStore::open(dir.path()).value();
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit few{64, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  bool all = true;
  for (unsigned n = 0; n < 200; ++n) all = all && store->object(version_of(n, 0).object, true).has_value();
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_TRUE(all);
}

TEST(BlockStore, KeepsABoundedNumberOfIdleFilesOpen) {
  const FreshDir dir;
  const auto store = BlockStore::open(dir.path()).value();
  for (unsigned n = 0; n < 600; ++n) ASSERT_TRUE(store->object(version_of(n, 0).object, true));
  std::size_t open = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (std::filesystem::read_symlink(entry.path(), gone).string().starts_with(store->path())) ++open;
  }
  EXPECT_GT(open, 0U);
  EXPECT_LE(open, 258U);
}

}  // namespace
}  // namespace astrofs::block_test
