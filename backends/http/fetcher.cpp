#include "backends/http/fetcher.h"

#include <condition_variable>
#include <functional>
#include <utility>

#include "backends/http/body_transfer.h"
#include "backends/http/range_transfer.h"
#include "backends/http/transfer.h"
#include "backends/http/url.h"
#include "base/mutex.h"

namespace astrofs::http {
namespace {

/// Collects the answers of fetch_all; shared with the client's thread.
class Gathering {
 public:
  explicit Gathering(std::size_t jobs)
      : missing_(jobs), answers_(jobs, Result<Response>(fail(Errc::internal, "no answer"))) {}

  void put(std::size_t index, Result<Response> answer) EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    answers_[index] = std::move(answer);
    if (--missing_ == 0) complete_.notify_all();
  }
  [[nodiscard]] std::vector<Result<Response>> wait() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    while (missing_ != 0) lock.wait(complete_);
    return std::move(answers_);
  }

 private:
  Mutex mutex_;
  std::condition_variable complete_;
  std::size_t missing_ GUARDED_BY(mutex_);
  std::vector<Result<Response>> answers_ GUARDED_BY(mutex_);
};

std::string origin_in(const std::string& origin_or_url) {
  std::string origin = origin_of(origin_or_url);
  return origin.empty() ? origin_or_url : origin;
}

/// What who asks a client that has ended is told.
constexpr const char* kOver = "shutting down";

}  // namespace

/// The part that lives as long as a job does. Its maps belong to the client's thread.
class Fetcher::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Client& client, const Clock& clock, Metrics& metrics, const FetcherOptions& options)
      : exchange_(std::make_shared<Exchange>(client, clock, metrics, options)) {}

  /// To the client's thread, in order. False: it has ended.
  bool post(std::function<void()> job) {
    return exchange_->client.after(std::chrono::milliseconds(0), std::move(job));
  }

  /// The client's thread from here on.
  void run(const std::shared_ptr<Transfer>& transfer, std::stop_token stop) {
    exchange_->add(transfer);
    transfer->run(std::move(stop));
  }
  void run_range(RangeJob job, std::shared_ptr<RangeReceiver> receiver, std::stop_token stop) {
    if (job.range.intersect({0, job.size}).empty()) {
      receiver->end(fail(Errc::invalid, "a range outside the file"));
      return;
    }
    const RangeReceiver* key = receiver.get();
    auto transfer =
        std::make_shared<RangeTransfer>(exchange_, std::move(job), std::move(receiver),
                                        [self = shared_from_this(), key] { self->ranges_.erase(key); });
    ranges_[key] = transfer;
    run(transfer, std::move(stop));
  }
  void resume(const RangeReceiver* receiver) {
    const auto found = ranges_.find(receiver);
    if (found == ranges_.end()) return;
    if (const auto transfer = found->second.lock()) transfer->resume();
  }

  [[nodiscard]] const std::shared_ptr<Exchange>& exchange() const { return exchange_; }

 private:
  const std::shared_ptr<Exchange> exchange_;
  std::map<const RangeReceiver*, std::weak_ptr<RangeTransfer>> ranges_;
};

Fetcher::Fetcher(Client& client, const Clock& clock, Metrics& metrics, FetcherOptions options)
    : impl_(std::make_shared<Impl>(client, clock, metrics, options)) {}

Fetcher::~Fetcher() {
  stop();
}

void Fetcher::stop() {
  impl_->post([impl = impl_] { impl->exchange()->close(); });
}

void Fetcher::set_budget(const std::string& origin_or_url, unsigned connections) {
  impl_->post([impl = impl_, origin = origin_in(origin_or_url), connections] {
    impl->exchange()->limiter->set_budget(origin, connections);
  });
}

Result<Response> Fetcher::fetch(std::vector<Request> mirrors, std::stop_token stop) {
  std::vector<std::vector<Request>> jobs;
  jobs.push_back(std::move(mirrors));
  return std::move(fetch_all(std::move(jobs), std::move(stop)).front());
}

std::vector<Result<Response>> Fetcher::fetch_all(std::vector<std::vector<Request>> jobs,
                                                 std::stop_token stop) {
  if (jobs.empty()) return {};
  const auto gathering = std::make_shared<Gathering>(jobs.size());
  const std::size_t count = jobs.size();
  const bool taken =
      impl_->post([impl = impl_, gathering, jobs = std::move(jobs), stop = std::move(stop)]() mutable {
        for (std::size_t i = 0; i < jobs.size(); ++i) {
          impl->run(std::make_shared<BodyTransfer>(
                        impl->exchange(), std::move(jobs[i]),
                        [gathering, i](Result<Response> answer) { gathering->put(i, std::move(answer)); }),
                    stop);
        }
      });
  for (std::size_t i = 0; !taken && i < count; ++i) gathering->put(i, fail(Errc::interrupted, kOver));
  return gathering->wait();
}

void Fetcher::probe(std::vector<Request> mirrors, std::function<void(Result<ContentInfo>)> done,
                    std::stop_token stop) {
  const bool taken =
      impl_->post([impl = impl_, mirrors = std::move(mirrors), done, stop = std::move(stop)]() mutable {
        impl->run(std::make_shared<ProbeTransfer>(impl->exchange(), std::move(mirrors), std::move(done)),
                  std::move(stop));
      });
  if (!taken) done(fail(Errc::interrupted, kOver));
}

void Fetcher::start(RangeJob job, std::shared_ptr<RangeReceiver> receiver, std::stop_token stop) {
  const bool taken =
      impl_->post([impl = impl_, job = std::move(job), receiver, stop = std::move(stop)]() mutable {
        impl->run_range(std::move(job), std::move(receiver), std::move(stop));
      });
  if (!taken) receiver->end(fail(Errc::interrupted, kOver));
}

void Fetcher::resume(const RangeReceiver* receiver) {
  impl_->post([impl = impl_, receiver] { impl->resume(receiver); });
}

std::vector<OriginStatus> Fetcher::status() const {
  return impl_->exchange()->limiter->status();
}

Pace Fetcher::pace(const std::string& origin) const {
  return impl_->exchange()->limiter->pace(origin);
}

}  // namespace astrofs::http
