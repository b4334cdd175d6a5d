#include "fs/archive_turns.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace astrofs {

bool ArchiveTurns::submit(const MountedArchive* archive, std::function<void()> job,
                          std::function<bool()> unwanted) {
  std::deque<Job> given_up;  // before the lock: what they hold goes after it
  {
    const MutexLock lock(mutex_);
    Turns& turns = turns_[archive];
    if (turns.running >= each_) {
      if (turns.waiting.size() >= turns.sweep_at) given_up = sweep(turns);
      turns.waiting.push_back({std::move(job), std::move(unwanted)});
      return true;
    }
    ++turns.running;
  }
  if (threads_.submit([this, archive, job = std::move(job)] { run(archive, job); })) return true;
  pass_on(archive);  // who came meanwhile and waits for this turn was told that his job will run
  return false;
}

std::deque<ArchiveTurns::Job> ArchiveTurns::sweep(Turns& turns) {
  const auto is_wanted = [](const Job& job) { return !job.unwanted || !job.unwanted(); };
  const auto end = std::stable_partition(turns.waiting.begin(), turns.waiting.end(), is_wanted);
  std::deque<Job> given_up(std::make_move_iterator(end), std::make_move_iterator(turns.waiting.end()));
  turns.waiting.erase(end, turns.waiting.end());
  turns.sweep_at = 2 * turns.waiting.size() + kSweepAt;
  return given_up;
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
      next = std::move(turns.waiting.front().run);
      turns.waiting.pop_front();
    }
    // Behind what other archives have asked for meanwhile; at the end, when nothing is taken any more, here.
    if (threads_.submit([this, archive, next] { run(archive, next); })) return;
    next();
  }
}

}  // namespace astrofs
