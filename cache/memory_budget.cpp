#include "cache/memory_budget.h"

#include <utility>

namespace astrofs {

bool MemoryBudget::take(std::uint64_t bytes, const std::function<void()>& resume) {
  const MutexLock lock(mutex_);
  if (queued_ > 0 && held_ + bytes > limit_) {
    paused_.push_back(resume);
    return false;
  }
  held_ += bytes;
  gauge_.set(static_cast<std::int64_t>(held_));
  return true;
}

void MemoryBudget::queue(std::uint64_t bytes) {
  const MutexLock lock(mutex_);
  queued_ += bytes;
}

void MemoryBudget::drained(std::uint64_t bytes) {
  release(bytes, bytes);
}
void MemoryBudget::dropped(std::uint64_t bytes) {
  release(bytes, 0);
}

void MemoryBudget::release(std::uint64_t held, std::uint64_t queued) {
  std::vector<std::function<void()>> resumed;
  {
    const MutexLock lock(mutex_);
    held_ -= held;
    queued_ -= queued;
    gauge_.set(static_cast<std::int64_t>(held_));
    // At half, not at once: a stream that is paused and resumed for every block pays a wake-up for each.
    if (held_ <= limit_ / 2 || queued_ == 0) resumed = std::exchange(paused_, {});
  }
  for (const auto& resume : resumed) resume();
}

std::uint64_t MemoryBudget::held() const {
  const MutexLock lock(mutex_);
  return held_;
}

bool MemoryBudget::half_used() const {
  const MutexLock lock(mutex_);
  return held_ > limit_ / 2;
}

void MemoryBudget::close() {
  std::vector<std::function<void()>> forgotten;  // destroyed after the lock
  const MutexLock lock(mutex_);
  forgotten.swap(paused_);
  held_ = queued_;
  gauge_.set(static_cast<std::int64_t>(held_));
}

}  // namespace astrofs
