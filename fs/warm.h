// Brings whole files into the cache ahead of need: `astrofs warm`. Runs on the caller's thread, behind
// readers in urgency; what is here already is not fetched again, so a warm that was stopped goes on where it
// was.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "cache/block_cache.h"

namespace astrofs {

struct WarmProgress {
  std::size_t files{0}, files_done{0}, failed{0};
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
  };
  /// `progress` is called a few times a second; false ends the run.
  Warmer(BlockCache& cache, std::function<bool(const WarmProgress&)> progress);

  /// Fetches all; false when it was ended before.
  bool run(const std::vector<File>& files);
  [[nodiscard]] WarmProgress progress() const EXCLUDES(mutex_);
  [[nodiscard]] std::vector<WarmFailure> failures() const EXCLUDES(mutex_);

 private:
  class Piece;
  bool fetch(const File& file);
  void check_kept(const File& file) EXCLUDES(mutex_);
  bool wait_for_room(unsigned at_most);
  void landed(std::uint64_t piece, const std::string& path, std::uint64_t length,
              const Result<Bytes>& result);
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
  std::vector<WarmFailure> failures_ GUARDED_BY(mutex_);
};

}  // namespace astrofs
