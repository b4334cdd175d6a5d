// A fixed number of named threads and one queue in order of arrival.
// Jobs must not throw. The destructor finishes the jobs already queued, then joins.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace astrofs {

class Executor {
 public:
  /// At least one thread; throws std::system_error when the system has none left.
  /// `name` becomes the threads' name with a number behind it ("store-0"); at most 12 letters.
  Executor(std::string name, unsigned threads);
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  /// False when the executor is stopping: the job will not run.
  bool submit(std::function<void()> job) EXCLUDES(mutex_);
  /// Jobs waiting and running: at 0 nothing that was submitted is still to happen.
  [[nodiscard]] std::size_t unfinished() const EXCLUDES(mutex_);
  /// Refuse new jobs, run those queued, join. Idempotent; the owner calls it, from one thread at a time and
  /// not from a job.
  void stop() EXCLUDES(mutex_);

 private:
  void run(unsigned number);

  const std::string name_;
  mutable Mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_ GUARDED_BY(mutex_);
  std::size_t running_ GUARDED_BY(mutex_){0};
  bool stopping_ GUARDED_BY(mutex_){false};
  std::vector<std::jthread> threads_;
};

/// Name of the calling thread as tools show it (15 letters at most).
void name_this_thread(const std::string& name);

}  // namespace astrofs
