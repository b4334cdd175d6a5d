#include "cache/jobs.h"

#include <utility>

namespace astrofs {

bool Jobs::enter() {
  const MutexLock lock(mutex_);
  if (closed_) return false;
  ++active_;
  return true;
}

void Jobs::begin() {
  const MutexLock lock(mutex_);
  ++active_;
}

void Jobs::leave() {
  // Notified under the lock: the owner that waits may destroy this as soon as it has it.
  const MutexLock lock(mutex_);
  if (--active_ == 0) idle_.notify_all();
}

void Jobs::run(std::function<void()> job) {
  begin();
  auto counted = [this, job = std::move(job)]() mutable {
    job();
    job = nullptr;  // what it holds goes before it counts as done
    leave();
  };
  if (!store_.submit(counted)) counted();
}

void Jobs::close() {
  const MutexLock lock(mutex_);
  closed_ = true;
}

void Jobs::wait() {
  MutexLock lock(mutex_);
  while (active_ != 0) lock.wait(idle_);
}

}  // namespace astrofs
