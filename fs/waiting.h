// Waits on this thread for something that is answered on another. Never on a FUSE thread, the net thread or
// the index thread.
#pragma once

#include <condition_variable>
#include <memory>
#include <optional>
#include <stop_token>

#include "base/error.h"
#include "base/mutex.h"
#include "cache/block_cache.h"
#include "fs/reply.h"

namespace astrofs {

/// One answer, given once by any thread, taken once by the waiting one. Shared: the giver may be late.
template <class T>
class Answer {
 public:
  void give(Result<T> result) {
    {
      const MutexLock lock(mutex_);
      if (!result_) result_ = std::move(result);
    }
    arrived_.notify_all();
  }
  /// timed_out when nothing came within `timeout`.
  Result<T> take(std::chrono::milliseconds timeout) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    MutexLock lock(mutex_);
    while (!result_) {
      const auto left = deadline - std::chrono::steady_clock::now();
      if (left <= left.zero()) return fail(Errc::timed_out, "no answer in time");
      lock.wait_for(arrived_, left);
    }
    return std::move(*result_);
  }
  /// interrupted when `stop` is requested first.
  Result<T> take(std::chrono::milliseconds timeout, const std::stop_token& stop) {
    const std::stop_callback interrupt(
        stop, [this] { give(fail(Errc::interrupted, "nobody waits for it any more")); });
    return take(timeout);
  }

 private:
  Mutex mutex_;
  std::condition_variable arrived_;
  std::optional<Result<T>> result_ GUARDED_BY(mutex_);
};

/// A Reply that somebody waits for.
template <class T>
class WaitingReply final : public Reply<T> {
 public:
  explicit WaitingReply(std::shared_ptr<Answer<T>> answer) : answer_(std::move(answer)) {}
  void send(Result<T> result) override { answer_->give(std::move(result)); }
  void on_interrupt(std::function<void()>) override {}

 private:
  const std::shared_ptr<Answer<T>> answer_;
};

/// Calls `call` with a reply and waits for it. The file system's own deadline ends it first.
template <class T, class Call>
Result<T> wait_for_reply(std::chrono::milliseconds timeout, Call call) {
  auto answer = std::make_shared<Answer<T>>();
  call(std::make_unique<WaitingReply<T>>(answer));
  return answer->take(timeout);
}

/// Reads through the cache, fetching what is not there.
[[nodiscard]] Result<Bytes> read_waiting(BlockCache& cache, const FileVersion& version, ByteRange range,
                                         std::chrono::milliseconds timeout, const std::stop_token& stop = {});

}  // namespace astrofs
