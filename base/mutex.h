// std::mutex with the annotations of clang's -Wthread-safety. Lock order: cache/README.md.
// No lock of the project is held while a reply is sent or a callback of another room runs.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define ASTROFS_TSA(x) __attribute__((x))
#else
#define ASTROFS_TSA(x)
#endif
#define GUARDED_BY(m) ASTROFS_TSA(guarded_by(m))
#define REQUIRES(...) ASTROFS_TSA(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) ASTROFS_TSA(locks_excluded(__VA_ARGS__))
#define ACQUIRE(...) ASTROFS_TSA(acquire_capability(__VA_ARGS__))
#define RELEASE(...) ASTROFS_TSA(release_capability(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS ASTROFS_TSA(no_thread_safety_analysis)

namespace astrofs {

class ASTROFS_TSA(capability("mutex")) Mutex {
 public:
  void lock() ACQUIRE() { mutex_.lock(); }
  void unlock() RELEASE() { mutex_.unlock(); }

 private:
  friend class MutexLock;
  std::mutex mutex_;
};

/// Holds a Mutex for a scope and can wait on a condition meanwhile.
class ASTROFS_TSA(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ACQUIRE(mutex) : lock_(mutex.mutex_) {}
  ~MutexLock() RELEASE() = default;
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

  /// Waits may end without a cause: call them in a loop `while (!condition holds)` written out in the
  /// function that holds the lock, as the analysis does not look into a predicate.
  void wait(std::condition_variable& condition) { condition.wait(lock_); }
  /// False when `duration` passed without a notification.
  bool wait_for(std::condition_variable& condition, std::chrono::nanoseconds duration) {
    return condition.wait_for(lock_, duration) == std::cv_status::no_timeout;
  }

 private:
  std::unique_lock<std::mutex> lock_;
};

}  // namespace astrofs
