// A process that fills the cache is killed at random moments; what it leaves is opened again.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <random>

#include "tests/cache/block_support.h"

namespace astrofs::block_test {
namespace {

constexpr unsigned kFiles = 5;
FileVersion file_number(unsigned n) {
  return version_of(n, 50 * kBlock + 10 * n);
}

/// Streams files into the cache, and says through `report` which are committed and which are about to go.
[[noreturn]] void fill(const std::string& dir, unsigned round, int report) {
  Rig rig({}, dir);
  rig.source->answer_by_itself(2, round % 3 == 0);
  for (unsigned turn = 0;; ++turn) {
    const auto n = static_cast<unsigned char>((round + turn) % kFiles);
    const FileVersion file = file_number(n);
    rig.cache->open(file);
    for (std::uint64_t at = 0; at < file.size; at += 7 * kBlock) {
      Answer answer;
      auto waiter = answer.waiter();
      const auto result = rig.cache->read(file, {at, 7 * kBlock}, {at, 20 * kBlock}, waiter);
      if (std::holds_alternative<WaitId>(result) && !answer.get()) ::_exit(1);
    }
    rig.cache->close(file);
    if (!rig.settle() || ::write(report, &n, 1) != 1) ::_exit(1);
    if (turn % 8 == 7) {
      const auto going = static_cast<unsigned char>(0x80 | ((n + 1) % kFiles));
      if (::write(report, &going, 1) != 1 || !rig.cache->evict(file_number((n + 1) % kFiles))) ::_exit(1);
    }
  }
}

/// Files that were committed and not evicted when the writer died, who may have reported `first` before.
std::vector<bool> read_report(int fd, std::optional<unsigned char> first) {
  std::vector<bool> committed(kFiles, false);
  if (first) committed[*first] = true;
  unsigned char letter = 0;
  while (::read(fd, &letter, 1) == 1) committed[letter & 0x7fU] = (letter & 0x80U) == 0;
  return committed;
}

TEST(BlockKill, AKilledWriterLeavesNoWrongByteAndEveryCommittedBlock) {
  const FreshDir dir;
  std::mt19937 random(20181018);
  unsigned committed_files = 0;
  for (unsigned round = 0; round < 12; ++round) {
    SCOPED_TRACE(round);
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) fill(dir.path(), round, ends[1]);
    ::close(ends[1]);
    // Every other writer lives until it has committed something, however slow the disk is.
    std::optional<unsigned char> first(0);
    if (round % 2 == 0 || ::read(ends[0], &*first, 1) != 1) first.reset();
    std::this_thread::sleep_for(std::chrono::milliseconds(30 + random() % 700));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "ended by itself with " << WEXITSTATUS(status);
    const std::vector<bool> committed = read_report(ends[0], first);
    ::close(ends[0]);

    Rig rig({}, dir.path());
    for (unsigned n = 0; n < kFiles; ++n) {
      const FileVersion file = file_number(n);
      if (committed[n]) {
        ++committed_files;
        EXPECT_TRUE(rig.cache->presence(file).complete) << "file " << n << " was committed";
        const Bytes bytes = rig.cache->read_cached(file, {0, file.size}).value_or(Bytes());
        EXPECT_TRUE(bytes.text() == content_of(file, {0, file.size}));
      }
    }
    rig.source->answer_by_itself(2);
    for (unsigned n = 0; n < kFiles; ++n)
      EXPECT_TRUE(rig.reads_right(file_number(n), {0, file_number(n).size}));
    EXPECT_EQ(rig.metrics.value("astrofs_cache_bad_blocks_total"), 0)
        << "the index never runs ahead of the data";
    ASSERT_TRUE(rig.settle());
    // The next round begins with an empty file here and there.
    (void)rig.cache->evict(file_number(round % kFiles));
    (void)rig.cache->evict(file_number((round + 2) % kFiles));
  }
  EXPECT_GT(committed_files, 0U);
}

}  // namespace
}  // namespace astrofs::block_test
