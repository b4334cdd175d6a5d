#include "backends/http/transfer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "backends/http/url.h"
#include "base/log.h"
#include "base/redact.h"

namespace astrofs::http {
namespace {

/// Failures in a row on one mirror before the next one is tried: one may be chance.
constexpr unsigned kFailuresPerMirror = 2;
/// A pause that a server asks for is waited for when it is as short as this; else another mirror is asked, if
/// there is one.
constexpr std::chrono::seconds kPatience{5};

/// Which failure to report when mirrors differ: what may pass by itself comes first, "not found" last.
int rank(Errc code) {
  switch (code) {
    case Errc::not_found:
      return 0;
    case Errc::invalid:
    case Errc::unsupported:
      return 1;
    case Errc::denied:
      return 2;
    case Errc::corrupt:
      return 3;
    default:
      return 4;
  }
}

}  // namespace

// ---- Exchange

Exchange::Exchange(Client& client_ref, const Clock& clock_ref, Metrics& metrics_ref, FetcherOptions chosen)
    : client(client_ref),
      clock(clock_ref),
      metrics(metrics_ref),
      options(chosen),
      limiter(std::make_shared<Limiter>(client_ref, clock_ref, metrics_ref, chosen)),
      random_(chosen.seed != 0 ? chosen.seed : std::random_device{}()) {}

void Exchange::add(const std::shared_ptr<Transfer>& transfer) {
  live_.emplace(transfer.get(), transfer);
}

void Exchange::set_deadline(Transfer* transfer, SteadyTime when) {
  deadlines_.emplace(when, transfer);
  arm();
}

void Exchange::move_deadline(Transfer* transfer, SteadyTime from, SteadyTime to) {
  deadlines_.erase({from, transfer});
  set_deadline(transfer, to);
}

void Exchange::remove(Transfer* transfer, SteadyTime deadline) {
  deadlines_.erase({deadline, transfer});
  live_.erase(transfer);
}

void Exchange::close() {
  closed_ = true;
  while (!live_.empty()) {
    const std::shared_ptr<Transfer> one = live_.begin()->second;
    one->finish(fail(Errc::interrupted, "shutting down"));
  }
}

std::chrono::milliseconds Exchange::backoff(unsigned n) {
  std::chrono::milliseconds pause = options.first_backoff;
  for (unsigned i = 1; i < n && pause < options.longest_backoff; ++i) pause *= 2;
  pause = std::min(pause, options.longest_backoff);
  const double jitter = std::uniform_real_distribution<double>(0.5, 1.5)(random_);
  return std::chrono::milliseconds(std::llround(static_cast<double>(pause.count()) * jitter));
}

void Exchange::arm() {
  if (deadlines_.empty() || deadlines_.begin()->first >= timer_) return;
  timer_ = deadlines_.begin()->first;
  const auto delay = std::chrono::ceil<std::chrono::milliseconds>(timer_ - clock.steady());
  client.after(std::max(delay, std::chrono::milliseconds(1)), [weak = weak_from_this(), due = timer_] {
    const auto self = weak.lock();
    if (!self) return;
    if (self->timer_ == due) self->timer_ = SteadyTime::max();
    self->expire();
    self->arm();
  });
}

void Exchange::expire() {
  const SteadyTime now = clock.steady();
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const auto found = live_.find(deadlines_.begin()->second);
    deadlines_.erase(deadlines_.begin());
    // Another transfer may live where the one of this entry did.
    if (found == live_.end() || found->second->deadline() > now) continue;
    const std::shared_ptr<Transfer> one = found->second;  // outlives its own removal
    one->expire();
  }
}

// ---- Attempt

/// One request under way. Cut off from its transfer (detach) it keeps its slot until the client lets go of
/// it, so that the budget counts connections and not hopes.
class Transfer::Attempt : public Receiver {
 public:
  Attempt(std::shared_ptr<Transfer> transfer, Limiter::Slot slot)
      : transfer_(std::move(transfer)),
        slot_(std::move(slot)),
        is_slow_(transfer_->mirrors_[transfer_->at_].request.is_slow),
        clock_(transfer_->exchange_->clock),
        asked_at_(clock_.steady()) {}

  Flow on_head(const ResponseHead& head) override {
    answered_ = true;
    answered_at_ = clock_.steady();
    if (!transfer_) return Flow::stop;
    transfer_->last_status_ = head.status;
    return transfer_->head(head);
  }
  Flow on_data(std::span<const std::byte> data) override {
    if (!transfer_) return Flow::stop;
    const auto keep = transfer_;  // the call may end the job
    const Flow flow = keep->data(data);
    if (flow == Flow::proceed) {
      slot_->count_bytes(data.size());
      // The first piece may have waited for this thread: how long it took nobody knows.
      came_after_ += std::exchange(begun_, true) ? data.size() : 0;
    }
    paused_ = paused_ || flow == Flow::pause;
    return flow;
  }
  void on_end(Result<void> result) override {
    // What was kept waiting for its receiver tells nothing of the line.
    if (answered_ && result && !paused_ && slot_)
      slot_->report_pace(answered_at_ - asked_at_, came_after_, clock_.steady() - answered_at_);
    if (const auto keep = transfer_) keep->attempt_ended(result, *this);
    transfer_.reset();
    slot_.reset();
  }

  /// `overdue`: the job's time is up, which is the origin's fault if nothing ever came, unless that had to be
  /// expected.
  void detach(bool overdue) {
    if (overdue && !answered_ && slot_ && !is_slow_) slot_->report_failure("no answer before the deadline");
    transfer_.reset();
    stop_.request_stop();
  }
  [[nodiscard]] std::stop_token token() const { return stop_.get_token(); }
  [[nodiscard]] bool answered() const { return answered_; }
  [[nodiscard]] Limiter::Slot& slot() { return *slot_; }

 private:
  std::shared_ptr<Transfer> transfer_;
  std::optional<Limiter::Slot> slot_;
  const bool is_slow_;  ///< see Request
  std::stop_source stop_;
  const Clock& clock_;
  const SteadyTime asked_at_;
  SteadyTime answered_at_{};
  std::uint64_t came_after_{0};  ///< bytes of the body after its first piece, which comes with the head
  bool answered_{false};
  bool begun_{false};  ///< the body
  bool paused_{false};
};

// ---- Transfer

Transfer::Transfer(std::shared_ptr<Exchange> exchange, Terms terms)
    : exchange_(std::move(exchange)), terms_(std::move(terms)) {
  for (Request& request : terms_.mirrors) {
    Mirror mirror;
    mirror.origin = request.origin();
    if (mirror.origin.empty()) {
      mirror.out = true;
      mirror.error = Error{Errc::invalid, "not an http or https URL: " + redact(request.url)};
    }
    mirror.request = std::move(request);
    mirrors_.push_back(std::move(mirror));
  }
  terms_.mirrors.clear();
}

void Transfer::run(std::stop_token stop) {
  if (exchange_->closed()) return finish(fail(Errc::interrupted, "shutting down"));
  if (mirrors_.empty()) return finish(fail(Errc::invalid, "a request without an address"));
  deadline_ = exchange_->clock.steady() + terms_.timeout;
  if (terms_.queueing_counts) exchange_->set_deadline(this, deadline_);
  on_stop_.emplace(std::move(stop), [&client = exchange_->client, weak = weak_from_this()] {
    client.after(std::chrono::milliseconds(0), [weak] {
      if (const auto self = weak.lock()) self->finish(fail(Errc::interrupted, "no longer wanted"));
    });
  });
  if (mirrors_[at_].out && !advance()) return conclude();
  next_attempt();
}

void Transfer::next_attempt() {
  if (finished_) return;
  waiting_ = true;
  Limiter::Patience patience{deadline_, {}};
  if (!terms_.queueing_counts && !launched()) patience.from_turn = terms_.timeout;
  exchange_->limiter->ask(this, origin(), terms_.urgency, patience,
                          [self = shared_from_this()](Result<Limiter::Slot> slot) {
                            self->waiting_ = false;
                            if (self->finished_) return;
                            if (slot) {
                              self->launch(std::move(*slot));
                            } else {
                              self->refused(std::move(slot.error()));
                            }
                          });
}

void Transfer::launch(Limiter::Slot slot) {
  const bool first = !launched();
  if (!terms_.queueing_counts && first) {
    deadline_ = exchange_->clock.steady() + terms_.timeout;
    exchange_->set_deadline(this, deadline_);
  }
  ++attempts_;
  ++fruitless_;
  Mirror& mirror = mirrors_[at_];
  if (!first) exchange_->limiter->count_retry(mirror.origin);
  mirror.tried = true;
  last_status_ = 0;
  Request request = mirror.request;
  // A silent one must leave time for the others.
  const bool has_others =
      std::ranges::any_of(mirrors_, [](const Mirror& other) { return !other.tried && !other.out; });
  if (has_others && !request.is_slow)
    request.head_patience =
        std::chrono::duration_cast<std::chrono::milliseconds>((deadline_ - exchange_->clock.steady()) / 2);
  // libcurl itself repeats what is lost on a kept connection.
  request.fresh_connection = std::exchange(fresh_, false) || slot.is_probe() || request.only_once;
  prepare(request);
  attempt_ = std::make_shared<Attempt>(shared_from_this(), std::move(slot));
  exchange_->client.start(std::move(request), attempt_, attempt_->token());
}

void Transfer::refused(Error error) {
  Mirror& mirror = mirrors_[at_];
  mirror.out = true;
  if (!mirror.error || rank(mirror.error->code) < rank(error.code)) mirror.error = std::move(error);
  if (!advance()) return conclude();
  next_attempt();
}

void Transfer::attempt_ended(const Result<void>& transport, Attempt& attempt) {
  attempt_.reset();
  // After a change of network every kept connection is dead, and the address perhaps another.
  if (!transport) fresh_ = true;
  Verdict verdict = ended(transport);
  if (mirrors_[at_].request.is_slow && verdict.error.code == Errc::timed_out) {
    // It would take as long again, and until the head comes the server may be at work.
    verdict.remedy = Remedy::next_mirror;
    verdict.origin_failed = verdict.origin_failed && attempt.answered();
  }
  fresh_ = fresh_ || verdict.fresh;
  if (verdict.origin_failed) {
    attempt.slot().report_failure(verdict.error.message);
  } else if (attempt.answered()) {
    attempt.slot().report_success();
  }
  if (verdict.retry_after) exchange_->limiter->pause(origin(), *verdict.retry_after);
  follow(std::move(verdict));
}

void Transfer::follow(Verdict verdict) {
  if (finished_) return;
  Mirror& mirror = mirrors_[at_];
  if (verdict.remedy == Remedy::confirm && !terms_.confirm_missing) verdict.remedy = Remedy::next_mirror;
  switch (verdict.remedy) {
    case Remedy::wait:
      return;
    case Remedy::again:
      return next_attempt();
    case Remedy::accept:
      return finish({});
    case Remedy::give_up:
      return finish(tl::unexpected(std::move(verdict.error)));
    case Remedy::confirm:
      return confirm(verdict);
    case Remedy::distrust:
      mirror.out = ++mirror.lies >= 2;
      fresh_ = true;
      break;
    case Remedy::next_mirror:
      mirror.out = true;
      break;
    case Remedy::retry:
      break;
  }
  mirror.error = verdict.error;
  try_again(verdict);
}

void Transfer::confirm(const Verdict& verdict) {
  Mirror& mirror = mirrors_[at_];
  mirror.error = verdict.error;
  if (++mirror.missing >= 2) {
    mirror.out = true;
    return try_again(verdict);
  }
  --attempts_;  // of its own account: at most one more for each mirror
  --fruitless_;
  ++confirmations_;
  fresh_ = true;
  later(exchange_->backoff(1));
}

void Transfer::try_again(const Verdict& verdict) {
  if (mirrors_[at_].request.only_once) return conclude();
  if (got_further()) fruitless_ = backoffs_ = 0;
  if (fruitless_ >= exchange_->options.attempts) return conclude();
  Mirror& mirror = mirrors_[at_];
  bool moved = false;
  if (mirror.out) {
    moved = true;
    if (!advance()) return conclude();
  } else {
    const bool long_pause = verdict.retry_after && *verdict.retry_after > kPatience;
    // A second silence would use up the reader's time before any other mirror is asked.
    const bool was_silent = verdict.error.code == Errc::timed_out;
    if (++mirror.failures % kFailuresPerMirror == 0 || long_pause || was_silent) moved = advance();
  }
  if ((moved && !mirrors_[at_].tried) || (verdict.retry_after && !moved)) return next_attempt();
  later(exchange_->backoff(++backoffs_));
}

void Transfer::later(std::chrono::milliseconds delay) {
  // Nothing can come of an attempt after the deadline, and the cause known now says more than "timed out".
  if (exchange_->clock.steady() + delay >= deadline_) return conclude();
  exchange_->client.after(delay, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->next_attempt();
  });
}

/// To the next mirror that is still in; false when there is no other.
bool Transfer::advance() {
  for (std::size_t step = 1; step < mirrors_.size(); ++step) {
    const std::size_t next = (at_ + step) % mirrors_.size();
    if (mirrors_[next].out) continue;
    at_ = next;
    return true;
  }
  return false;
}

void Transfer::conclude() {
  // A mirror that was not heard may have the file: only if all say "not found" is it so.
  Error worst{Errc::not_found, ""};
  bool all_heard = true;
  for (const Mirror& mirror : mirrors_) {
    if (!mirror.error) {
      all_heard = false;
    } else if (worst.message.empty() || rank(mirror.error->code) > rank(worst.code)) {
      worst = *mirror.error;
    }
  }
  for (const Mirror& mirror : mirrors_) {
    const bool unconfirmed = mirror.error && mirror.error->code == Errc::not_found && !mirror.out;
    if (worst.code == Errc::not_found && (unconfirmed || !all_heard)) {
      worst = {Errc::unavailable, "not every mirror could be asked: " + worst.message};
    }
  }
  finish(tl::unexpected(std::move(worst)));
}

void Transfer::expire() {
  std::string message = fmt::format("no answer within {} ms", terms_.timeout.count());
  const auto& error = mirrors_[at_].error;
  if (error) message += "; before that: " + error->message;
  if (attempt_) attempt_->detach(true);
  finish(fail(Errc::timed_out, std::move(message)));
}

void Transfer::finish(Result<void> result) {
  if (std::exchange(finished_, true)) return;
  const auto keep = shared_from_this();
  if (!result) log_end(result.error());
  if (std::exchange(waiting_, false)) exchange_->limiter->forget(this, origin());
  if (const auto attempt = std::exchange(attempt_, nullptr)) attempt->detach(false);
  on_stop_.reset();
  exchange_->remove(this, deadline_);
  finished(std::move(result));
}

void Transfer::grant_more_time() {
  if (finished_) return;
  const SteadyTime from = std::exchange(deadline_, exchange_->clock.steady() + terms_.timeout);
  exchange_->move_deadline(this, from, deadline_);
}

void Transfer::resume_attempt() {
  if (attempt_) exchange_->client.resume(attempt_.get());
}

void Transfer::log_end(const Error& error) const {
  exchange_->metrics
      .counter("astrofs_http_failures_total", "HTTP jobs that failed",
               fmt::format("cause=\"{}\"", name_of(error.code)))
      .add();
  const std::string where = mirrors_.empty() ? "?" : shown_url(mirrors_[at_].request.url);
  const std::string line =
      redact(fmt::format("http: {}: {}: {} (status {}, {} requests, {} mirrors)", where, name_of(error.code),
                         error.message, last_status_, attempts_ + confirmations_, mirrors_.size()));
  // "Not found" and "no longer wanted" are answers, not troubles; a breaker has had its line when it opened.
  const bool routine = error.code == Errc::not_found || error.code == Errc::interrupted || attempts_ == 0;
  const log::Level level = routine ? log::Level::debug : log::Level::warning;
  if (log::enabled(level)) log::write(level, line);
}

}  // namespace astrofs::http
