#include "fs/archive_turns.h"

#include <utility>

namespace astrofs {

bool ArchiveTurns::submit(const MountedArchive* archive, std::function<void()> job) {
  {
    const MutexLock lock(mutex_);
    Turns& turns = turns_[archive];
    if (turns.running >= each_) {
      turns.waiting.push_back(std::move(job));
      return true;
    }
    ++turns.running;
  }
  if (threads_.submit([this, archive, job = std::move(job)] { run(archive, job); })) return true;
  pass_on(archive);  // who came meanwhile and waits for this turn was told that his job will run
  return false;
}

void ArchiveTurns::run(const MountedArchive* archive, const std::function<void()>& job) {
  job();
  pass_on(archive);
}

void ArchiveTurns::pass_on(const MountedArchive* archive) {
  for (;;) {
    std::function<void()> next;
    {
      const MutexLock lock(mutex_);
      Turns& turns = turns_[archive];
      if (turns.waiting.empty()) {
        --turns.running;
        return;
      }
      next = std::move(turns.waiting.front());
      turns.waiting.pop_front();
    }
    // Behind what other archives have asked for meanwhile; at the end, when nothing is taken any more, here.
    if (threads_.submit([this, archive, next] { run(archive, next); })) return;
    next();
  }
}

}  // namespace astrofs
