// What the tests of blocks share: files whose every byte is known, a source that does as it is told, waiters
// that can be waited for, and a cache in a fresh directory.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/executor.h"
#include "base/hash.h"
#include "base/metrics.h"
#include "cache/block_cache.h"
#include "cache/block_store.h"
#include "cache/catalog.h"
#include "cache/index_writer.h"
#include "tests/support/fresh_dir.h"

namespace astrofs::block_test {

inline constexpr std::uint64_t kBlock = kBlockSize;

/// Version number `n`, of `size` bytes.
[[nodiscard]] FileVersion version_of(unsigned n, std::uint64_t size);
/// The bytes that every source gives for it.
[[nodiscard]] std::string content_of(const FileVersion& version, ByteRange range);

/// True as soon as `condition` is; false after a time that only a broken program needs.
template <class Condition>
[[nodiscard]] bool eventually(Condition condition) {
  for (int i = 0; i < 6000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return condition();
}

/// A parked reader's answer.
class Answer {
 public:
  [[nodiscard]] std::unique_ptr<Waiter> waiter();
  /// Waits; an error of its own when nothing comes.
  [[nodiscard]] Result<Bytes> get();
  [[nodiscard]] bool ready() const;
  [[nodiscard]] int calls() const;

 private:
  struct State {
    mutable std::mutex mutex;
    std::condition_variable changed;
    std::optional<Result<Bytes>> result;
    int calls{0};
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

/// One call of Source::fetch, played by the test (or by the source itself).
class Fetch {
 public:
  Fetch(const FileVersion& version, ByteRange range, FetchUrgency urgency, std::shared_ptr<Sink> sink,
        std::stop_token stop);

  [[nodiscard]] const FileVersion& version() const { return version_; }
  [[nodiscard]] ByteRange range() const { return range_; }
  [[nodiscard]] FetchUrgency urgency() const { return urgency_; }
  [[nodiscard]] bool stopped() const { return stop_.stop_requested(); }
  bool begin() { return begin(range_); }
  bool begin(ByteRange arriving);
  /// Content up to file offset `end`, in pieces as a network gives them; waits while paused. False: stopped.
  bool send_to(std::uint64_t end);
  /// As much as the sink takes without pausing, up to `end`; where it stands then.
  std::uint64_t send_unpaused(std::uint64_t end);
  Sink::Flow send_raw(std::uint64_t offset, const std::string& bytes);
  void end(Result<void> result = {});
  /// begin, all, end.
  void serve();
  void serve_whole_file();
  void fail_with(Errc code) { end(fail(code, "as the test wants")); }

 private:
  struct Gate {
    std::mutex mutex;
    std::condition_variable changed;
    bool open{true};
  };
  const FileVersion version_;
  const ByteRange range_;
  const FetchUrgency urgency_;
  std::shared_ptr<Sink> sink_;
  const std::stop_token stop_;
  const std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
  ByteRange arriving_;
  std::uint64_t position_{0};
};

/// Keeps what it is asked for until the test plays it; or answers by itself.
class FakeSource final : public Source {
 public:
  ~FakeSource() override;
  void fetch(const FileVersion& version, ByteRange range, FetchUrgency urgency, std::shared_ptr<Sink> sink,
             std::stop_token stop) override;
  /// The next fetch that was asked for; null when none comes.
  [[nodiscard]] std::shared_ptr<Fetch> next();
  [[nodiscard]] std::size_t pending() const;
  [[nodiscard]] std::size_t fetches() const;
  [[nodiscard]] std::uint64_t bytes_asked() const;
  /// Answer from so many threads from now on; `ignore_range`: always the whole file.
  void answer_by_itself(unsigned threads, bool ignore_range = false);
  /// Answers every fetch at once, in the caller's thread, with this error.
  void refuse(std::optional<Errc> code);

 private:
  mutable std::mutex mutex_;
  std::condition_variable asked_;
  std::deque<std::shared_ptr<Fetch>> queue_;
  std::size_t fetches_{0};
  std::uint64_t bytes_{0};
  std::optional<Errc> refuse_;
  bool ignore_range_{false};
  std::unique_ptr<Executor> threads_;
};

/// Everything of a cache, in order of construction.
class Rig {
 public:
  explicit Rig(BlockCacheOptions options = {}, std::string dir = {}, unsigned store_threads = 2);
  ~Rig();
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  /// Ends and begins again on the same directory, as a daemon that was restarted.
  void reopen(bool fresh_source = false);
  void close();

  /// Reads through the cache and waits for the answer; `fetch` as asked.
  [[nodiscard]] Result<Bytes> read(const FileVersion& version, ByteRange range, ByteRange fetch = {});
  /// A read that must be parked.
  [[nodiscard]] WaitId park(const FileVersion& version, ByteRange range, Answer& answer,
                            ByteRange fetch = {});
  /// Reads and compares every byte.
  [[nodiscard]] bool reads_right(const FileVersion& version, ByteRange range, ByteRange fetch = {});
  /// Nothing in the air, nothing in memory, everything committed.
  [[nodiscard]] bool settle();
  [[nodiscard]] std::string object_path(const FileVersion& version) const;
  /// Sum of st_blocks below data/, files only.
  [[nodiscard]] std::uint64_t du() const;
  [[nodiscard]] std::string dir() const { return dir_; }

  BlockCacheOptions options;
  Metrics metrics;
  std::unique_ptr<FakeSource> source = std::make_unique<FakeSource>();
  std::unique_ptr<Catalog> catalog;
  std::unique_ptr<IndexWriter> writer;
  std::unique_ptr<BlockStore> blocks;
  std::unique_ptr<Executor> store;
  std::unique_ptr<BlockCache> cache;

 private:
  void start();
  std::unique_ptr<FreshDir> temp_;
  std::string dir_;
  const unsigned store_threads_;
};

}  // namespace astrofs::block_test
