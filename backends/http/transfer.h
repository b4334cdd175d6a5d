// One job's life, whatever it carries: mirrors in order, attempts, back-off, pauses, deadline, stop.
// A Transfer lives in its Exchange until finish(); everything here is on the client's thread only.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "backends/http/answer_check.h"
#include "backends/http/client.h"
#include "backends/http/fetcher.h"
#include "backends/http/limiter.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/metrics.h"

namespace astrofs::http {

class Transfer;

/// What all transfers of one Fetcher share, and who is under way.
class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(Client& client_ref, const Clock& clock_ref, Metrics& metrics_ref, FetcherOptions chosen);

  void add(const std::shared_ptr<Transfer>& transfer);
  void set_deadline(Transfer* transfer, SteadyTime when);
  void move_deadline(Transfer* transfer, SteadyTime from, SteadyTime to);
  void remove(Transfer* transfer, SteadyTime deadline);
  /// Ends everything under way, and whatever comes later, with `interrupted`.
  void close();
  [[nodiscard]] bool closed() const { return closed_; }
  /// The n-th back-off, from 1.
  [[nodiscard]] std::chrono::milliseconds backoff(unsigned n);

  Client& client;
  const Clock& clock;
  Metrics& metrics;
  const FetcherOptions options;
  const std::shared_ptr<Limiter> limiter;

 private:
  void arm();
  void expire();

  std::mt19937_64 random_;
  std::map<Transfer*, std::shared_ptr<Transfer>> live_;
  std::set<std::pair<SteadyTime, Transfer*>> deadlines_;
  SteadyTime timer_{SteadyTime::max()};  ///< when the one timer for all deadlines is due
  bool closed_{false};
};

class Transfer : public std::enable_shared_from_this<Transfer> {
 public:
  struct Terms {
    std::vector<Request> mirrors;
    Urgency urgency{Urgency::demand};
    std::chrono::milliseconds timeout{};
    bool queueing_counts{true};   ///< does waiting for the first turn use up the timeout?
    bool confirm_missing{false};  ///< ask twice before 404 is believed
  };
  Transfer(std::shared_ptr<Exchange> exchange, Terms terms);
  virtual ~Transfer() = default;
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  /// Once, after Exchange::add.
  void run(std::stop_token stop);
  /// Ends the job; later calls change nothing.
  void finish(Result<void> result);
  void expire();
  [[nodiscard]] SteadyTime deadline() const { return deadline_; }

 protected:
  // What differs between kinds of jobs. One attempt: prepare, head at most once, data, ended.
  virtual void prepare(Request& request) = 0;
  virtual Flow head(const ResponseHead& head) = 0;
  virtual Flow data(std::span<const std::byte> data) = 0;
  [[nodiscard]] virtual Verdict ended(const Result<void>& transport) = 0;
  virtual void finished(Result<void> result) = 0;
  /// The attempt that has just ended brought the job so much nearer to its end that it costs nothing.
  [[nodiscard]] virtual bool got_further() const { return false; }

  /// Follows a verdict that came after `Remedy::wait`.
  void follow(Verdict verdict);
  /// What the attempt under way brings is worth waiting for: the time allowed begins anew.
  void grant_more_time();
  /// Lets the attempt under way go on after Flow::pause.
  void resume_attempt();
  [[nodiscard]] Exchange& exchange() { return *exchange_; }
  [[nodiscard]] const std::string& origin() const { return mirrors_[at_].origin; }

 private:
  class Attempt;
  struct Mirror {
    Request request;
    std::string origin;
    unsigned failures{0};  ///< those that may pass
    unsigned lies{0};
    unsigned missing{0};  ///< times it said 404 or 410
    bool tried{false};
    bool out{false};  ///< nothing more to hope for from it in this job
    std::optional<Error> error;
  };

  /// Has anything been sent?
  [[nodiscard]] bool launched() const { return attempts_ + confirmations_ > 0; }
  void next_attempt();
  void launch(Limiter::Slot slot);
  void refused(Error error);
  void attempt_ended(const Result<void>& transport, Attempt& attempt);
  void try_again(const Verdict& verdict);
  void confirm(const Verdict& verdict);
  void later(std::chrono::milliseconds delay);
  bool advance();
  void conclude();
  void log_end(const Error& error) const;

  const std::shared_ptr<Exchange> exchange_;
  Terms terms_;  ///< but the mirrors, which move to mirrors_
  std::vector<Mirror> mirrors_;
  std::size_t at_{0};
  unsigned attempts_{0};       ///< requests sent, without confirmations
  unsigned confirmations_{0};  ///< at most one for each mirror
  unsigned fruitless_{0};      ///< of them, those since the last that got further
  unsigned backoffs_{0};       ///< since then, too
  bool fresh_{false};          ///< the next request must not reuse what may have misled the last
  bool waiting_{false};
  bool finished_{false};
  int last_status_{0};
  SteadyTime deadline_{SteadyTime::max()};
  std::shared_ptr<Attempt> attempt_;  ///< under way
  using OnStop = std::function<void()>;
  std::optional<std::stop_callback<OnStop>> on_stop_;
};

}  // namespace astrofs::http
