// Bytes received and not yet on disk, over all flights: beyond the limit streams are paused until the disk
// has caught up. Owned by BlockCache; any thread. Streams are resumed without the lock.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/metrics.h"
#include "base/mutex.h"

namespace astrofs {

class MemoryBudget {
 public:
  MemoryBudget(std::uint64_t limit, Metric& gauge) : limit_(limit), gauge_(gauge) {}

  /// Room for `bytes` more? False: not now; `resume` is called once when there is. Never false while nothing
  /// waits for the disk, for then nothing would ever call it: partial blocks alone do not stop their own
  /// completion.
  [[nodiscard]] bool take(std::uint64_t bytes, const std::function<void()>& resume) EXCLUDES(mutex_);
  /// Of the bytes taken, so many wait for the disk now.
  void queue(std::uint64_t bytes) EXCLUDES(mutex_);
  /// Queued bytes are gone: written or discarded.
  void drained(std::uint64_t bytes) EXCLUDES(mutex_);
  /// Bytes taken and never queued are gone: of no use, or of a flight that ended within a block.
  void dropped(std::uint64_t bytes) EXCLUDES(mutex_);

  [[nodiscard]] std::uint64_t held() const EXCLUDES(mutex_);
  [[nodiscard]] bool half_used() const EXCLUDES(mutex_);
  /// The flights are stopped: who is paused and what they hold of unfinished blocks is forgotten.
  void close() EXCLUDES(mutex_);

 private:
  void release(std::uint64_t held, std::uint64_t queued) EXCLUDES(mutex_);

  const std::uint64_t limit_;
  Metric& gauge_;
  mutable Mutex mutex_;
  std::uint64_t held_ GUARDED_BY(mutex_){0};
  std::uint64_t queued_ GUARDED_BY(mutex_){0};
  std::vector<std::function<void()>> paused_ GUARDED_BY(mutex_);
};

}  // namespace astrofs
