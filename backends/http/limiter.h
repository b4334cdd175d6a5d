// How much may be asked of an origin now: connection budgets, queues by urgency, pauses that the server asked
// for, and a circuit breaker. Owned by the Fetcher. Everything but status() on the client's thread only.
#pragma once

#include <array>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backends/http/client.h"
#include "backends/http/fetcher.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/metrics.h"
#include "base/mutex.h"

namespace astrofs::http {

class Limiter : public std::enable_shared_from_this<Limiter> {
 public:
  /// The right to one request. Gives it back when destroyed; report() first what came of it (nothing: no
  /// opinion).
  class Slot {
   public:
    Slot(std::shared_ptr<Limiter> limiter, std::string origin, Urgency urgency, bool probe)
        : limiter_(std::move(limiter)), origin_(std::move(origin)), urgency_(urgency), probe_(probe) {}
    Slot(Slot&&) noexcept = default;
    Slot& operator=(Slot&&) = delete;
    ~Slot();
    void report_success();
    void report_failure(const std::string& error);
    void count_bytes(std::size_t bytes);
    /// An answer that came whole, see Pace::note.
    void report_pace(std::chrono::nanoseconds waited, std::uint64_t bytes, std::chrono::nanoseconds took);
    [[nodiscard]] bool is_probe() const { return probe_; }

   private:
    std::shared_ptr<Limiter> limiter_;  ///< empty when moved from
    std::string origin_;
    Urgency urgency_;
    bool probe_;  ///< finds out whether an open breaker may close
  };
  using Answer = std::function<void(Result<Slot>)>;
  /// How long an asker can wait.
  struct Patience {
    SteadyTime until{};
    /// Instead: its time begins with its turn. It has so much then, and so much patience with a pause,
    /// however long it has queued.
    std::optional<std::chrono::milliseconds> from_turn{};
  };

  Limiter(Client& client, const Clock& clock, Metrics& metrics, const FetcherOptions& options);

  void set_budget(const std::string& origin, unsigned connections);
  /// `answer` is called once, now or later: with a slot, or `unavailable` when the breaker is open or the
  /// origin has asked for a pause that outlasts `patience`. `who` names the asker for forget(); it asks once
  /// at a time.
  void ask(const void* who, const std::string& origin, Urgency urgency, Patience patience, Answer answer);
  /// The asker no longer waits; no answer will come.
  void forget(const void* who, const std::string& origin);
  /// Nobody asks this origin anything for so long (cut to five minutes: a server must not lock itself out for
  /// a day).
  void pause(const std::string& origin, std::chrono::milliseconds duration);
  /// True the first time.
  bool note_ignores_ranges(const std::string& origin);
  void count_retry(const std::string& origin);

  /// Any thread.
  [[nodiscard]] std::vector<OriginStatus> status() const EXCLUDES(mutex_);
  [[nodiscard]] Pace pace(const std::string& origin) const EXCLUDES(mutex_);

 private:
  struct Waiting {
    const void* who;
    Patience patience;
    Answer answer;
  };
  struct Origin {
    Metric* requests{nullptr};
    Metric* bytes{nullptr};
    Metric* retries{nullptr};
    unsigned budget{0};
    std::array<unsigned, 3> in_flight{};  ///< by urgency
    std::array<std::deque<Waiting>, 3> queues;
    SteadyTime paused_until{};
    SteadyTime wake{};  ///< when the timer for the end of the pause is due
    SteadyTime open_until{};
    unsigned failures{0};  ///< in a row
    bool open{false};      ///< the breaker
    bool probing{false};   ///< a probe is under way
    bool ignores_ranges{false};
    std::string last_error;
    SysSeconds last_error_at{};
    Pace pace;
  };

  Origin& at(const std::string& origin);
  void pump(const std::string& name);
  /// Takes from the queues whom nothing can be granted; they are answered by the caller.
  std::vector<Waiting> take_refused(Origin& origin, std::string& why);
  /// The next in the queues that the budget allows.
  bool take_next(Origin& origin, Waiting& next, Urgency& urgency);
  void release(const std::string& origin, Urgency urgency, bool probe);
  void wake_at(const std::string& name, SteadyTime when);
  void publish(const std::string& name) EXCLUDES(mutex_);

  Client& client_;
  const Clock& clock_;
  Metrics& metrics_;
  Metric& in_flight_;
  const FetcherOptions options_;
  std::map<std::string, Origin> origins_;
  mutable Mutex mutex_;
  std::map<std::string, OriginStatus> published_ GUARDED_BY(mutex_);  ///< copies for other threads
};

}  // namespace astrofs::http
