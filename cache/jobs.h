// Work of one BlockCache that is under way on other threads: store jobs, calls from sources, evictions. Its
// owner closes it and waits, after which nothing of the cache runs any more. Any thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>

#include "base/executor.h"
#include "base/mutex.h"

namespace astrofs {

class Jobs {
 public:
  explicit Jobs(Executor& store) : store_(store) {}

  /// A call from outside begins; false after close(). Each success is followed by leave().
  [[nodiscard]] bool enter() EXCLUDES(mutex_);
  /// Work that belongs to some that is under way, and so is welcome after close() too. Followed by leave().
  void begin() EXCLUDES(mutex_);
  void leave() EXCLUDES(mutex_);
  /// Runs `job` on the store executor (here, when that is stopping). Part of work under way, or of a call by
  /// the owner.
  void run(std::function<void()> job) EXCLUDES(mutex_);
  /// No more calls from outside.
  void close() EXCLUDES(mutex_);
  /// Until nothing is under way. Not from a job.
  void wait() EXCLUDES(mutex_);

 private:
  Executor& store_;
  Mutex mutex_;
  std::condition_variable idle_;
  std::size_t active_ GUARDED_BY(mutex_){0};
  bool closed_ GUARDED_BY(mutex_){false};
};

}  // namespace astrofs
