// Calls that wait for the network, and the promise that none waits for ever.
//
// A Pending owns a reply. The first of three settles it: the answer, the deadline, an interrupt; the others
// find it settled. Parking owns the `deadline` thread. Any thread may park and settle.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <thread>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "fs/reply.h"

namespace astrofs {

class PendingBase {
 public:
  virtual ~PendingBase() = default;
  /// Settles with an error; harmless when settled already.
  virtual void expire(Error error) = 0;
  [[nodiscard]] virtual bool settled() const = 0;
  /// See Reply.
  [[nodiscard]] virtual bool caller_is_dying() const = 0;
};

template <class T>
class Pending final : public PendingBase {
 public:
  explicit Pending(ReplyPtr<T> reply) : reply_(std::move(reply)) {}

  /// False when somebody else was first.
  bool settle(Result<T> result) {
    if (settled_.exchange(true)) return false;
    reply_->send(std::move(result));
    return true;
  }
  void expire(Error error) override {
    if (!settle(tl::unexpected<Error>(std::move(error)))) return;
    {
      const MutexLock lock(mutex_);
      abandoned_ = true;
    }
    const std::function<void()> abandon = take_abandon();
    if (abandon) abandon();
  }
  [[nodiscard]] bool settled() const override { return settled_.load(); }
  [[nodiscard]] bool caller_is_dying() const override { return reply_->caller_is_dying(); }

  /// What to tell the one who would have answered when the caller is gone. Runs at once when that has
  /// happened already; never when the answer came first, which may be sooner than this is called.
  void when_abandoned(std::function<void()> abandon) {
    {
      const MutexLock lock(mutex_);
      abandon_ = std::move(abandon);
      if (!abandoned_) return;
    }
    const std::function<void()> late = take_abandon();
    if (late) late();
  }
  [[nodiscard]] Reply<T>& reply() { return *reply_; }

 private:
  std::function<void()> take_abandon() {
    const MutexLock lock(mutex_);
    return std::exchange(abandon_, nullptr);
  }

  std::atomic<bool> settled_{false};
  ReplyPtr<T> reply_;
  Mutex mutex_;
  std::function<void()> abandon_ GUARDED_BY(mutex_);
  bool abandoned_ GUARDED_BY(mutex_){false};
};

class Parking {
 public:
  /// `timeout` is what any one call may take.
  Parking(std::chrono::milliseconds timeout, Metrics& metrics);
  ~Parking();
  /// Answers all who still wait, and who comes later, Errc::interrupted: before that goes which their ends
  /// are told to. Once.
  void close();
  Parking(const Parking&) = delete;
  Parking& operator=(const Parking&) = delete;

  /// Hand in a reply that cannot be answered yet: from now on it has a deadline and can be interrupted.
  template <class T>
  std::shared_ptr<Pending<T>> park(ReplyPtr<T> reply) {
    auto pending = std::make_shared<Pending<T>>(std::move(reply));
    std::weak_ptr<PendingBase> weak = pending;
    const SteadyTime since = std::chrono::steady_clock::now();
    pending->reply().on_interrupt([this, weak, since] { interrupt(weak, since); });
    add(pending);  // last: from here on its deadline may send the reply, and nobody may touch it then
    return pending;
  }
  [[nodiscard]] std::size_t parked() const;
  [[nodiscard]] std::chrono::milliseconds timeout() const { return timeout_; }

 private:
  struct Row {
    std::weak_ptr<PendingBase> pending;
    Error error;
    SteadyTime at_the_latest{};  ///< of an interrupt: honoured even for a caller who lives on
  };
  [[nodiscard]] bool is_put_off(const Row& row, const PendingBase& pending);
  void add(const std::shared_ptr<PendingBase>& pending);
  /// False: closed.
  bool add_row(SteadyTime due, Row row);
  void interrupt(const std::weak_ptr<PendingBase>& pending, SteadyTime since);
  void run();

  const std::chrono::milliseconds timeout_;
  Metric& expired_;
  Metric& interrupted_;
  mutable Mutex mutex_;
  std::condition_variable wake_;
  std::multimap<SteadyTime, Row> rows_ GUARDED_BY(mutex_);
  std::size_t sweep_at_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_){false};
  std::jthread thread_;
};

}  // namespace astrofs
