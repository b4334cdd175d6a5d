// What the tests of the Fetcher share: a receiver that remembers, a file, a server that behaves, a Fetcher on
// a scripted client.
#pragma once

#include <fmt/format.h>

#include <condition_variable>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "backends/http/fetcher.h"
#include "base/mutex.h"
#include "tests/backends/http_fake_client.h"

namespace astrofs::http {

/// Remembers what came and complains about gaps; may pause or stop. wait() from any thread, the rest once it
/// is over.
class Recorder final : public RangeReceiver {
 public:
  bool begin(ByteRange announced, const ContentInfo& what) override {
    ++begins;
    arriving = announced;
    info = what;
    return wanted;
  }
  Flow data(std::uint64_t offset, std::span<const std::byte> data) override {
    if (pause_next) {
      pause_next = false;
      ++pauses;
      return Flow::pause;
    }
    if (begins != 1 || offset != arriving.offset + bytes.size()) in_order = false;
    bytes.append(reinterpret_cast<const char*>(data.data()), data.size());
    return bytes.size() >= stop_at ? Flow::stop : Flow::proceed;
  }
  void end(Result<void> outcome) override {
    const MutexLock lock(mutex_);
    ++ends;
    result = std::move(outcome);
    over_.notify_all();
  }
  void wait() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    while (ends == 0) lock.wait(over_);
  }
  /// "ok", the cause's name, or "nothing yet".
  [[nodiscard]] std::string outcome() const {
    if (!result) return "nothing yet";
    return *result ? "ok" : std::string(name_of(result->error().code));
  }

  bool wanted{true}, pause_next{false}, in_order{true};
  std::size_t stop_at{SIZE_MAX};
  int begins{0}, ends{0}, pauses{0};
  ByteRange arriving{};
  ContentInfo info;
  std::string bytes;
  std::optional<Result<void>> result;

 private:
  Mutex mutex_;
  std::condition_variable over_;
};

/// A file that begins like FITS and repeats nowhere nearby.
inline std::string fits_like(std::size_t size, unsigned seed = 1) {
  std::string bytes = "SIMPLE  =                    T";
  std::uint64_t state = seed;
  while (bytes.size() < size) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    bytes.push_back(static_cast<char>(state >> 56));
  }
  bytes.resize(size);
  return bytes;
}

/// What a good server answers to this request.
inline Scripted good_answer(const Request& request, const std::string& file,
                            const std::string& etag = "\"v1\"") {
  Scripted answer;
  if (!etag.empty()) answer.headers.push_back({"etag", etag});
  if (!request.if_match.empty() && request.if_match != etag)
    return {412, answer.headers, "", {}, false, {}, 0, {}};
  if (!request.range) {
    answer.body = file;
  } else {
    answer.status = 206;
    answer.body = file.substr(request.range->offset, request.range->length);
    answer.headers.push_back(
        {"content-range", fmt::format("bytes {}-{}/{}", request.range->offset,
                                      request.range->offset + answer.body.size() - 1, file.size())});
  }
  answer.headers.push_back({"content-length", std::to_string(answer.body.size())});
  if (request.method == Method::head) answer.body.clear();
  return answer;
}

inline Scripted status_answer(int status, std::vector<Header> headers = {}) {
  return {status, std::move(headers), "sorry", {}, false, {}, 0, {}};
}
inline Scripted broken_answer(Errc code = Errc::unavailable) {
  return {0, {}, "", Error{code, "the connection broke"}, false, {}, 0, {}};
}
inline Scripted silent_answer() {
  Scripted answer;
  answer.silent = true;
  return answer;
}

inline Request get(std::string url) {
  Request request;
  request.url = std::move(url);
  return request;
}

/// A Fetcher on a FakeClient whose answers are given by `script`.
struct Stage {
  explicit Stage(FakeClient::Script script, FetcherOptions options = {})
      : client(clock, std::move(script)), fetcher(std::in_place, client, clock, metrics, seeded(options)) {}
  ~Stage() {
    fetcher.reset();
    client.run();
  }
  static FetcherOptions seeded(FetcherOptions options) {
    options.seed = 7;  // the same jitter every time
    return options;
  }

  std::shared_ptr<Recorder> begin(RangeJob job, std::stop_token stop = {}) {
    auto recorder = std::make_shared<Recorder>();
    fetcher->start(std::move(job), recorder, std::move(stop));
    client.run();
    return recorder;
  }
  /// Starts it and lets two minutes pass.
  std::shared_ptr<Recorder> finish(RangeJob job, std::stop_token stop = {}) {
    auto recorder = begin(std::move(job), std::move(stop));
    client.run_for(std::chrono::minutes(2));
    return recorder;
  }

  ManualClock clock;
  Metrics metrics;
  FakeClient client;
  std::optional<Fetcher> fetcher;
};

inline RangeJob job_for(const std::string& file, ByteRange range,
                        std::vector<std::string> urls = {"http://a.example/f.fits"}) {
  RangeJob job;
  for (auto& url : urls) job.mirrors.push_back(get(url));
  job.range = range;
  job.size = file.size();
  job.is_fits = true;
  return job;
}

}  // namespace astrofs::http
