// What the tests of the index share: a directory of their own, calls that wait for their commit, and an
// audit.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cache/catalog.h"
#include "cache/index_writer.h"
#include "tests/support/fresh_dir.h"

namespace astrofs::test {

/// Where a FreshDir is made for a test that opens hundreds of indexes and whose subject is no power cut.
[[nodiscard]] std::filesystem::path in_memory();

/// An index with its writer, as the daemon has them.
class Index {
 public:
  explicit Index(std::string dir, std::uint64_t map_size = 1ULL << 30);
  ~Index() { close(); }
  Index(const Index&) = delete;
  Index& operator=(const Index&) = delete;

  void open();
  void close();
  void reopen() {
    close();
    open();
  }
  [[nodiscard]] Catalog& catalog() { return *catalog_; }
  [[nodiscard]] IndexWriter& writer() { return *writer_; }

  Result<ListingChange> list(NodeId dir, std::vector<ListedEntry> entries);
  Result<Node> add(NodeId dir, ListedEntry entry);
  Result<void> set_size(NodeId node, std::uint64_t size, const std::string& validator = "");
  Result<void> drop_object(const Hash128& object);
  std::vector<std::string> names(NodeId dir, NodeId after = 0);
  Node child(NodeId dir, const std::string& name);

 private:
  std::string dir_;
  std::uint64_t map_size_;
  std::unique_ptr<Catalog> catalog_;
  std::unique_ptr<IndexWriter> writer_;
};

[[nodiscard]] ListedEntry file_entry(std::string name, std::optional<std::uint64_t> size = 100,
                                     std::string validator = "\"v\"");
[[nodiscard]] ListedEntry dir_entry(std::string name);
[[nodiscard]] FileVersion version_of(std::uint64_t number, std::uint64_t size);
/// Blocks first..last with hashes that hash_of() gives.
[[nodiscard]] std::vector<IndexWriter::BlockHash> some_blocks(std::uint64_t number, std::uint32_t first,
                                                              std::uint32_t last);
[[nodiscard]] std::uint64_t hash_of(std::uint64_t number, std::uint32_t block);

/// What does not add up between the records of an index; "" = all does. `used` is what the blocks present
/// amount to.
[[nodiscard]] std::string audit(const Catalog& catalog);

/// Runs `job` in a forked child; its exit code, or minus the signal that ended it. Without core files and
/// sanitizers' handlers.
template <class Job>
int in_child(Job job);

}  // namespace astrofs::test

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

template <class Job>
int astrofs::test::in_child(Job job) {
  const pid_t pid = fork();
  if (pid == 0) {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
    for (const int number : {SIGSEGV, SIGBUS, SIGABRT}) signal(number, SIG_DFL);
    alarm(60);  // an end to every child
    _exit(job());
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) continue;
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}
