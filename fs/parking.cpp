#include "fs/parking.h"

#include <fmt/format.h>

#include <utility>

#include "base/executor.h"

namespace astrofs {
namespace {

/// An interrupt is honoured once a call has waited this long, for a caller who is being ended: a person's
/// Ctrl-C must be obeyed within 0.1 s.
constexpr milliseconds kInterruptGrace{80};
/// And this long for one who lives on. Programs with many signals (SIGALRM, Go's SIGURG) expect no EINTR of a
/// file and must make progress; a program that handles Ctrl-C waits that moment. The kernel tells of the
/// first signal only, so whether the caller lives is looked at again each grace.
constexpr milliseconds kHandlerGrace{1000};

/// Rows of calls that were answered in time are swept when this many have gathered beyond those still
/// waiting.
constexpr std::size_t kSweepAt = 4096;

Error ending() {
  return {Errc::interrupted, "the mount is ending"};
}

}  // namespace

Parking::Parking(std::chrono::milliseconds timeout, Metrics& metrics)
    : timeout_(timeout),
      expired_(
          metrics.counter("astrofs_calls_timed_out_total", "Calls answered ETIMEDOUT at their deadline")),
      interrupted_(metrics.counter("astrofs_calls_interrupted_total", "Calls given up by their caller")),
      sweep_at_(kSweepAt),
      thread_([this] { run(); }) {}

Parking::~Parking() {
  close();
}

void Parking::close() {
  {
    const MutexLock lock(mutex_);
    if (std::exchange(stopping_, true)) return;
  }
  wake_.notify_all();
  thread_.join();
  std::multimap<SteadyTime, Row> rest;
  {
    const MutexLock lock(mutex_);
    rest.swap(rows_);
  }
  for (auto& [due, row] : rest) {
    if (const auto pending = row.pending.lock()) pending->expire(ending());
  }
}

void Parking::add(const std::shared_ptr<PendingBase>& pending) {
  const Error late{Errc::timed_out, fmt::format("no answer within {} ms", timeout_.count())};
  if (!add_row(std::chrono::steady_clock::now() + timeout_, {pending, late, {}})) pending->expire(ending());
}

bool Parking::add_row(SteadyTime due, Row row) {
  bool first = false;
  {
    const MutexLock lock(mutex_);
    if (stopping_) return false;
    if (rows_.size() >= sweep_at_) {
      std::erase_if(rows_, [](const auto& item) {
        const auto held = item.second.pending.lock();
        return !held || held->settled();
      });
      sweep_at_ = rows_.size() * 2 + kSweepAt;
    }
    const auto added = rows_.emplace(due, std::move(row));
    first = added == rows_.begin();
  }
  if (first) wake_.notify_one();
  return true;
}

void Parking::interrupt(const std::weak_ptr<PendingBase>& pending, SteadyTime since) {
  interrupted_.add();
  // Never answered from here: the kernel's interrupt arrives on a thread that holds libfuse's lock of the
  // request.
  add_row(since + kInterruptGrace,
          {pending, {Errc::interrupted, "interrupted by the caller"}, since + kHandlerGrace});
}

/// The call goes on for now, as its caller only has a signal to handle.
bool Parking::is_put_off(const Row& row, const PendingBase& pending) {
  const SteadyTime now = std::chrono::steady_clock::now();
  if (row.error.code != Errc::interrupted || now >= row.at_the_latest || pending.caller_is_dying())
    return false;
  add_row(std::min<SteadyTime>(now + kInterruptGrace, row.at_the_latest), row);
  return true;
}

std::size_t Parking::parked() const {
  const MutexLock lock(mutex_);
  std::size_t count = 0;
  for (const auto& [due, row] : rows_) {
    const auto held = row.pending.lock();
    if (held && !held->settled() && row.error.code == Errc::timed_out) ++count;
  }
  return count;
}

void Parking::run() {
  name_this_thread("deadline");
  for (;;) {
    std::vector<Row> due;
    {
      MutexLock lock(mutex_);
      if (stopping_) return;
      const SteadyTime now = std::chrono::steady_clock::now();
      while (!rows_.empty() && rows_.begin()->first <= now) {
        due.push_back(std::move(rows_.begin()->second));
        rows_.erase(rows_.begin());
      }
      if (due.empty()) {
        if (rows_.empty()) {
          lock.wait(wake_);
        } else {
          lock.wait_for(wake_, rows_.begin()->first - now);
        }
        continue;
      }
    }
    for (const Row& row : due) {
      const auto pending = row.pending.lock();
      if (!pending || pending->settled() || is_put_off(row, *pending)) continue;
      if (row.error.code == Errc::timed_out) expired_.add();
      pending->expire(row.error);
    }
  }
}

}  // namespace astrofs
