// Brings whole files into the cache ahead of need: `astrofs warm`. Runs on the caller's thread, behind
// readers in urgency; what is here already is not fetched again, so a warm that was stopped goes on where it
// was.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "cache/block_cache.h"

namespace astrofs {

struct WarmProgress {
  std::size_t files{0};       ///< expected
  std::size_t files_done{0};  ///< of which all bytes have come or failed
  std::size_t failed{0};
  std::size_t missing{0};          ///< the archive has denied them: no failures, and expected no more
  std::uint64_t bytes{0};          ///< of all files
  std::uint64_t bytes_done{0};     ///< here now, those that were here before included
  std::uint64_t bytes_fetched{0};  ///< by this run
};

struct WarmFailure {
  std::string path;
  Error error;
};

class Warmer {
 public:
  struct File {
    std::string path;
    FileVersion version;
    bool ordered{false};  ///< it is not fetched but ordered, with as many others as are asked for by then
  };
  /// `progress` is called a few times a second; false ends the run.
  Warmer(BlockCache& cache, std::function<bool(const WarmProgress&)> progress);

  /// What all runs together are about to bring: the progress is measured against it.
  void expect(std::size_t files, std::uint64_t bytes) EXCLUDES(mutex_);
  /// Fetches these and waits until they are on the disk; false when it was ended before. Once per so many
  /// files as one likes to hold in memory.
  bool run(const std::vector<File>& files);
  /// The same for what came and was dropped since.
  bool run_again(const std::vector<File>& files) EXCLUDES(mutex_);
  /// After all runs: a file that is not completely here is a failure, if it is none yet. What is fetched need
  /// not be kept, and a later run may have driven out what an earlier one brought.
  void check_kept(const File& file) EXCLUDES(mutex_);
  /// Or is missing.
  [[nodiscard]] bool has_failed(NodeId node) const EXCLUDES(mutex_);
  /// Those that turned out to be missing since the last call.
  [[nodiscard]] std::set<NodeId> take_missing() EXCLUDES(mutex_);
  [[nodiscard]] WarmProgress progress() const EXCLUDES(mutex_);
  /// The first of them, at most kMostFailures; the progress counts all.
  [[nodiscard]] std::vector<WarmFailure> failures() const EXCLUDES(mutex_);
  static constexpr std::size_t kMostFailures = 1000;

 private:
  class Piece;
  /// Parts of a file still to come, one more while they are being asked for.
  struct Left {
    NodeId node;
    unsigned pieces{1};
  };
  bool fetch(const File& file, const std::shared_ptr<Left>& left);
  bool wait_for_room(unsigned at_most);
  bool ask(const File& file, ByteRange piece, const std::shared_ptr<Left>& left);
  void landed(std::uint64_t piece, const std::string& path, std::uint64_t length, const Result<Bytes>& result,
              const std::shared_ptr<Left>& left) EXCLUDES(mutex_);
  void part_done(const std::shared_ptr<Left>& left) REQUIRES(mutex_);
  /// Once for a file: a dead server fails each of its pieces alike.
  void note_failure(NodeId node, const std::string& path, const Error& error) REQUIRES(mutex_);
  void give_up();
  void settle();

  BlockCache& cache_;
  const std::function<bool(const WarmProgress&)> report_;
  mutable Mutex mutex_;
  std::condition_variable landed_;
  std::uint64_t pieces_ GUARDED_BY(mutex_){0};                ///< asked for so far
  std::map<std::uint64_t, WaitId> waits_ GUARDED_BY(mutex_);  ///< of pieces that were parked, by their number
  unsigned in_flight_ GUARDED_BY(mutex_){0};
  WarmProgress progress_ GUARDED_BY(mutex_);
  std::set<NodeId> failed_ GUARDED_BY(mutex_);   ///< or missing
  std::set<NodeId> missing_ GUARDED_BY(mutex_);  ///< not taken yet
  std::vector<WarmFailure> failures_ GUARDED_BY(mutex_);
};

}  // namespace astrofs
