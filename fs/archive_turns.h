// Jobs that ask an archive and may wait for it, on threads that all archives share: only so many at a time
// for one of them, the others wait their turn, so that an archive that does not answer leaves threads for
// those that do. Owned by the mount; any thread.
#pragma once

#include <deque>
#include <functional>
#include <unordered_map>

#include "base/executor.h"
#include "base/mutex.h"
#include "fs/archive_table.h"

namespace astrofs {

class ArchiveTurns {
 public:
  /// `threads` outlives the turns; at most `each` of them work for one archive.
  ArchiveTurns(Executor& threads, unsigned each) : threads_(threads), each_(each) {}

  /// False when the threads are stopping: the job will not run. Nor may one that is `unwanted` when it has
  /// waited behind many: asked under the lock, by any thread.
  bool submit(const MountedArchive* archive, std::function<void()> job,
              std::function<bool()> unwanted = nullptr) EXCLUDES(mutex_);

 private:
  struct Job {
    std::function<void()> run;
    std::function<bool()> unwanted;
  };
  struct Turns {
    unsigned running{0};
    std::deque<Job> waiting;
    std::size_t sweep_at{kSweepAt};
  };
  /// Those who have given up are looked for when this many wait beyond those who had not: of an archive that
  /// hangs for days, more come all the time.
  static constexpr std::size_t kSweepAt = 1024;

  /// Takes out what nobody wants any more, for the caller to let go of without the lock.
  [[nodiscard]] static std::deque<Job> sweep(Turns& turns);
  void run(const MountedArchive* archive, const std::function<void()>& job) EXCLUDES(mutex_);
  /// A turn is over: the next who waits has it.
  void pass_on(const MountedArchive* archive) EXCLUDES(mutex_);

  Executor& threads_;
  const unsigned each_;
  Mutex mutex_;
  std::unordered_map<const MountedArchive*, Turns> turns_ GUARDED_BY(mutex_);
};

}  // namespace astrofs
