#include "tests/support/sim_log.h"

#include <algorithm>

namespace astrofs::sim {
namespace {

/// Enough for the longest benchmark; older rows are forgotten beyond it, so that a busy loop cannot eat the
/// memory.
constexpr std::size_t kMostRows = 1'000'000;

milliseconds since(SteadyTime born) {
  return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - born);
}

}  // namespace

std::uint64_t RequestLog::open(const HttpRequest& request, std::uint64_t connection) {
  LoggedRequest row;
  row.connection = connection;
  row.at = since(born_);
  row.method = request.method;
  row.target = request.target;
  row.path = request.path;
  row.range = request.header("range");
  row.if_match = request.header("if-match");
  row.headers = request.headers;
  const MutexLock lock(mutex_);
  row.number = ++last_;
  rows_.push_back(std::move(row));
  if (rows_.size() > kMostRows) rows_.pop_front();
  peak_ = std::max(peak_, ++running_);
  return last_;
}

LoggedRequest* RequestLog::find(std::uint64_t number) {
  if (rows_.empty() || number < rows_.front().number) return nullptr;
  return &rows_[static_cast<std::size_t>(number - rows_.front().number)];
}

void RequestLog::answered(std::uint64_t number, int status) {
  const MutexLock lock(mutex_);
  if (LoggedRequest* row = find(number)) row->status = status;
}

void RequestLog::sent(std::uint64_t number, std::int64_t bytes) {
  const MutexLock lock(mutex_);
  if (LoggedRequest* row = find(number)) row->body_bytes += static_cast<std::uint64_t>(bytes);
}

void RequestLog::finished(std::uint64_t number) {
  const MutexLock lock(mutex_);
  --running_;
  if (LoggedRequest* row = find(number)) {
    row->finished = true;
    row->took = since(born_) - row->at;
  }
}

std::vector<LoggedRequest> RequestLog::all() const {
  const MutexLock lock(mutex_);
  return {rows_.begin(), rows_.end()};
}

std::size_t RequestLog::count(const std::function<bool(const LoggedRequest&)>& wanted) const {
  const MutexLock lock(mutex_);
  return static_cast<std::size_t>(std::ranges::count_if(rows_, wanted));
}

std::uint64_t RequestLog::body_bytes() const {
  const MutexLock lock(mutex_);
  std::uint64_t sum = 0;
  for (const LoggedRequest& row : rows_) sum += row.body_bytes;
  return sum;
}

unsigned RequestLog::peak() const {
  const MutexLock lock(mutex_);
  return peak_;
}

void RequestLog::clear() {
  const MutexLock lock(mutex_);
  rows_.clear();
  peak_ = running_;
}

}  // namespace astrofs::sim
