// What the stand-in archive was asked: every request, with what was sent for it. Any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "tests/support/sim_http.h"

namespace astrofs::sim {

struct LoggedRequest {
  std::uint64_t number{0};      ///< 1, 2, 3 ... since start, also after clear()
  std::uint64_t connection{0};  ///< requests of one keep-alive connection share it
  milliseconds at{0};           ///< since the log was made
  milliseconds took{0};
  std::string method, target, path, range, if_match;
  Headers headers;              ///< names in lower case
  int status{0};                ///< 0 while unanswered, or when it was never answered
  std::uint64_t body_bytes{0};  ///< handed to the kernel so far, and what is being handed to it
  bool finished{false};
};

class RequestLog {
 public:
  /// An entry is visible before the first byte of its answer is sent.
  std::uint64_t open(const HttpRequest& request, std::uint64_t connection) EXCLUDES(mutex_);
  void answered(std::uint64_t number, int status) EXCLUDES(mutex_);
  /// Negative for what was counted and could not be sent.
  void sent(std::uint64_t number, std::int64_t bytes) EXCLUDES(mutex_);
  void finished(std::uint64_t number) EXCLUDES(mutex_);

  [[nodiscard]] std::vector<LoggedRequest> all() const EXCLUDES(mutex_);
  [[nodiscard]] std::size_t count(const std::function<bool(const LoggedRequest&)>& wanted) const
      EXCLUDES(mutex_);
  [[nodiscard]] std::uint64_t body_bytes() const EXCLUDES(mutex_);
  /// Requests being answered at one time, the most so far.
  [[nodiscard]] unsigned peak() const EXCLUDES(mutex_);
  void clear() EXCLUDES(mutex_);

 private:
  [[nodiscard]] LoggedRequest* find(std::uint64_t number) REQUIRES(mutex_);

  const SteadyTime born_{std::chrono::steady_clock::now()};
  mutable Mutex mutex_;
  std::deque<LoggedRequest> rows_ GUARDED_BY(mutex_);
  std::uint64_t last_ GUARDED_BY(mutex_){0};
  unsigned running_ GUARDED_BY(mutex_){0};
  unsigned peak_ GUARDED_BY(mutex_){0};
};

}  // namespace astrofs::sim
