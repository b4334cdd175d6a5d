// A process that is killed at any moment: what was said to be committed is there, nothing else is wrong.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <atomic>
#include <future>
#include <new>
#include <random>

#include "tests/cache/index_fixture.h"

namespace astrofs::test {
namespace {

/// What the writing child has been told is committed; shared with the parent that kills it.
struct Told {
  std::atomic<std::uint64_t> listings{0};
  std::atomic<std::uint64_t> objects{0};
};

std::vector<ListedEntry> listing_number(std::uint64_t number) {
  std::vector<ListedEntry> entries;
  for (std::uint64_t i = 0; i < 300; ++i) entries.push_back(file_entry(fmt::format("f{}", i), number + 1));
  return entries;
}

[[noreturn]] void write_until_killed(const std::string& dir, Told& told) {
  alarm(60);
  Index index(dir, 1 << 20);
  for (std::uint64_t step = told.listings;; ++step) {
    if (!index.list(kRootNode, listing_number(step))) _exit(1);
    told.listings = step + 1;
    const std::uint64_t number = told.objects + 1;
    index.writer().add_blocks(version_of(number, 1 << 21),
                              some_blocks(number, 0, static_cast<std::uint32_t>(number % 128)));
    if (number > 10 && !index.drop_object(version_of(number - 10, 1 << 21).object)) _exit(1);
    index.writer().touch(version_of(number / 2 + 1, 1 << 21));
    if (!index.writer().flush()) _exit(1);
    told.objects = number;
  }
}

TEST(IndexCrash, AKillAtAnyMomentLosesNothingCommitted) {
  const FreshDir dir;
  void* shared = mmap(nullptr, sizeof(Told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(shared, MAP_FAILED);
  Told* told = new (shared) Told;
  std::mt19937 random(20181019);
  for (int round = 0; round < 25; ++round) {
    const std::uint64_t before = told->listings;
    const pid_t child = fork();
    if (child == 0) write_until_killed(dir.path() + "/c", *told);
    // Wait until it writes, then any moment will do.
    int status = 0;
    while (told->listings == before && waitpid(child, &status, WNOHANG) == 0) usleep(1000);
    usleep(static_cast<useconds_t>(random() % 60'000));
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "round " << round;

    Index index(dir.path() + "/c", 1 << 20);
    EXPECT_EQ(index.catalog().recovery_note(), "") << "a kill is no damage";
    EXPECT_EQ(audit(index.catalog()), "") << "round " << round;
    const std::vector<std::string> names = index.names(kRootNode);
    ASSERT_EQ(names.size(), 300U);
    const std::uint64_t size = *index.child(kRootNode, names.front()).size;
    EXPECT_GE(size, told->listings);
    EXPECT_LE(size, told->listings + 1);
    for (const std::string& name : names)
      EXPECT_EQ(index.child(kRootNode, name).size, size) << "half a listing";
    const std::uint64_t number = told->objects;
    if (number == 0) continue;
    const auto chunk = index.catalog().blocks(version_of(number, 1 << 21).object, 0);
    ASSERT_TRUE(chunk);
    EXPECT_EQ(chunk->hashes[0], hash_of(number, 0));
    if (number > 10) {
      EXPECT_FALSE(index.catalog().object(version_of(number - 10, 1 << 21).object));
    }
  }
  munmap(shared, sizeof(Told));
}

TEST(IndexCrash, AKillWhileTheIndexIsMadeLeavesOneThatOpens) {
  for (int delay = 0; delay < 30; ++delay) {
    const FreshDir dir(in_memory());
    const pid_t child = fork();
    if (child == 0) {
      alarm(60);
      auto catalog = Catalog::open({dir.path() + "/c"});
      pause();
    }
    usleep(static_cast<useconds_t>(delay * 100));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    Index index(dir.path() + "/c");
    EXPECT_TRUE(index.list(kRootNode, {file_entry("a")})) << delay;
  }
}

}  // namespace
}  // namespace astrofs::test
