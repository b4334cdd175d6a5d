#include "backends/http/limiter.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/log.h"

namespace astrofs::http {
namespace {

constexpr std::chrono::minutes kLongestPause{5};

/// A reader who waits must not stand behind a sweep: one connection is kept from read-ahead, half of them
/// from warming.
unsigned share(unsigned budget, Urgency urgency) {
  if (urgency == Urgency::demand || budget < 2) return budget;
  return urgency == Urgency::prefetch ? budget - 1 : std::max(1U, budget / 2);
}

}  // namespace

Limiter::Slot::~Slot() {
  if (limiter_) limiter_->release(origin_, urgency_, probe_);
}

void Limiter::Slot::report_success() {
  Origin& origin = limiter_->at(origin_);
  origin.failures = 0;
  if (!std::exchange(origin.open, false)) return;
  log::info("http: {} answers again", origin_);
}

void Limiter::Slot::report_failure(const std::string& error) {
  Origin& origin = limiter_->at(origin_);
  origin.last_error = error;
  origin.last_error_at = limiter_->clock_.wall();
  ++origin.failures;
  if (origin.open ? !probe_ : origin.failures < limiter_->options_.breaker_failures) return;
  if (!std::exchange(origin.open, true)) {
    log::warning("http: {} failed {} times in a row and is left alone for {} ms: {}", origin_,
                 origin.failures, limiter_->options_.breaker_open.count(), error);
  }
  origin.open_until = limiter_->clock_.steady() + limiter_->options_.breaker_open;
}

void Limiter::Slot::count_bytes(std::size_t bytes) {
  limiter_->at(origin_).bytes->add(static_cast<std::int64_t>(bytes));
}

void Limiter::Slot::report_pace(std::chrono::nanoseconds waited, std::uint64_t bytes,
                                std::chrono::nanoseconds took) {
  limiter_->at(origin_).pace.note(waited, bytes, took);
}

Limiter::Limiter(Client& client, const Clock& clock, Metrics& metrics, const FetcherOptions& options)
    : client_(client),
      clock_(clock),
      metrics_(metrics),
      in_flight_(metrics.gauge("astrofs_http_in_flight", "HTTP requests under way")),
      options_(options) {}

Limiter::Origin& Limiter::at(const std::string& name) {
  const auto [place, fresh] = origins_.try_emplace(name);
  Origin& origin = place->second;
  if (fresh) {
    const std::string label = fmt::format("origin=\"{}\"", name);
    origin.budget = options_.connections_per_origin;
    origin.requests = &metrics_.counter("astrofs_http_requests_total", "HTTP requests sent", label);
    origin.bytes =
        &metrics_.counter("astrofs_http_received_bytes_total", "Bytes of HTTP bodies received", label);
    origin.retries = &metrics_.counter("astrofs_http_retries_total", "HTTP requests sent again", label);
  }
  return origin;
}

void Limiter::set_budget(const std::string& origin, unsigned connections) {
  at(origin).budget = std::max(1U, connections);
  pump(origin);
}

void Limiter::ask(const void* who, const std::string& origin, Urgency urgency, Patience patience,
                  Answer answer) {
  at(origin).queues[static_cast<std::size_t>(urgency)].push_back({who, patience, std::move(answer)});
  pump(origin);
}

void Limiter::forget(const void* who, const std::string& origin) {
  for (auto& queue : at(origin).queues) {
    std::erase_if(queue, [who](const Waiting& one) { return one.who == who; });
  }
  publish(origin);
}

void Limiter::pause(const std::string& origin, std::chrono::milliseconds duration) {
  const auto cut = std::min<std::chrono::milliseconds>(duration, kLongestPause);
  SteadyTime& until = at(origin).paused_until;
  until = std::max(until, clock_.steady() + cut);
  pump(origin);
}

bool Limiter::note_ignores_ranges(const std::string& origin) {
  const bool first = !std::exchange(at(origin).ignores_ranges, true);
  if (first) publish(origin);
  return first;
}

void Limiter::count_retry(const std::string& origin) {
  at(origin).retries->add();
}

std::vector<Limiter::Waiting> Limiter::take_refused(Origin& origin, std::string& why) {
  const SteadyTime now = clock_.steady();
  const bool closed_off = origin.open && (now < origin.open_until || origin.probing);
  if (!closed_off && now >= origin.paused_until) return {};
  why = closed_off ? "left alone after repeated failures, the last: " + origin.last_error
                   : std::string("the server asked for a pause beyond the deadline");
  const auto end_of = [now](const Patience& one) { return one.from_turn ? now + *one.from_turn : one.until; };
  std::vector<Waiting> refused;
  for (auto& queue : origin.queues) {
    for (auto one = queue.begin(); one != queue.end();) {
      if (closed_off || end_of(one->patience) <= origin.paused_until) {
        refused.push_back(std::move(*one));
        one = queue.erase(one);
      } else {
        ++one;
      }
    }
  }
  return refused;
}

bool Limiter::take_next(Origin& origin, Waiting& next, Urgency& urgency) {
  const unsigned all = std::accumulate(origin.in_flight.begin(), origin.in_flight.end(), 0U);
  for (const Urgency one : {Urgency::demand, Urgency::prefetch, Urgency::background}) {
    const auto rank = static_cast<std::size_t>(one);
    if (origin.queues[rank].empty()) continue;
    // What is less urgent counts together, so that two kinds of patience do not fill the budget between them.
    const unsigned used = one == Urgency::demand     ? all
                          : one == Urgency::prefetch ? origin.in_flight[1] + origin.in_flight[2]
                                                     : origin.in_flight[2];
    if (all >= origin.budget || used >= share(origin.budget, one)) continue;
    next = std::move(origin.queues[rank].front());
    origin.queues[rank].pop_front();
    urgency = one;
    return true;
  }
  return false;
}

void Limiter::pump(const std::string& name) {
  Origin& origin = at(name);
  std::string why;
  // An answer may ask again, here or elsewhere, so every turn looks at the state afresh.
  for (Waiting& one : take_refused(origin, why)) one.answer(fail(Errc::unavailable, why));
  const SteadyTime now = clock_.steady();
  if (now < origin.paused_until) {
    const bool anyone =
        std::any_of(origin.queues.begin(), origin.queues.end(), [](auto& q) { return !q.empty(); });
    if (anyone) wake_at(name, origin.paused_until);
  } else {
    Waiting next{};
    Urgency urgency{};
    while (!(origin.open && (origin.probing || now < origin.open_until)) && now >= origin.paused_until &&
           take_next(origin, next, urgency)) {
      const bool probe = origin.open;
      if (probe) origin.probing = true;
      ++origin.in_flight[static_cast<std::size_t>(urgency)];
      in_flight_.add();
      origin.requests->add();
      next.answer(Slot(shared_from_this(), name, urgency, probe));
    }
    for (Waiting& one : take_refused(origin, why)) one.answer(fail(Errc::unavailable, why));
  }
  publish(name);
}

void Limiter::release(const std::string& name, Urgency urgency, bool probe) {
  Origin& origin = at(name);
  --origin.in_flight[static_cast<std::size_t>(urgency)];
  in_flight_.add(-1);
  if (probe) origin.probing = false;
  pump(name);
}

void Limiter::wake_at(const std::string& name, SteadyTime when) {
  if (std::exchange(at(name).wake, when) == when) return;  // one timer, however many wait
  const auto delay = std::chrono::ceil<std::chrono::milliseconds>(when - clock_.steady());
  client_.after(delay, [weak = weak_from_this(), name] {
    if (const auto self = weak.lock()) self->pump(name);
  });
}

void Limiter::publish(const std::string& name) {
  const Origin& origin = at(name);
  OriginStatus row;
  row.origin = name;
  row.in_flight = std::accumulate(origin.in_flight.begin(), origin.in_flight.end(), 0U);
  for (const auto& queue : origin.queues) row.waiting += static_cast<unsigned>(queue.size());
  row.budget = origin.budget;
  row.breaker_open = origin.open;
  row.ignores_ranges = origin.ignores_ranges;
  row.last_error = origin.last_error;
  row.last_error_at = origin.last_error_at;
  row.pace = origin.pace;
  row.pace.connections = origin.budget;
  const MutexLock lock(mutex_);
  published_[name] = std::move(row);
}

std::vector<OriginStatus> Limiter::status() const {
  const MutexLock lock(mutex_);
  std::vector<OriginStatus> rows;
  for (const auto& [name, row] : published_) rows.push_back(row);
  return rows;
}

Pace Limiter::pace(const std::string& origin) const {
  const MutexLock lock(mutex_);
  const auto row = published_.find(origin);
  return row == published_.end() ? Pace{} : row->second.pace;
}

}  // namespace astrofs::http
