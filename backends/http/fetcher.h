// The one layer that retries. Above Client (one attempt), below archives (which describe) and
// fs/remote_source (which carries bytes to the cache).
//
// It owns: attempts with jittered back-off and Retry-After; mirrors in order; resuming at the last good byte;
// the connection budget, pause and circuit breaker of each origin (limiter.h); and the judgement whether an
// answer is what was asked for (answer_check.h). It keeps no bytes.
//
// Causes it reports: not_found (every mirror said 404 or 410, each confirmed once more for data), denied
// (401, 403, login page), unavailable (retries spent on 5xx, resets, refusals, or breaker open), timed_out
// (deadline, or retries spent on stalls), stale (412, or another validator or size than the version has),
// corrupt (wrong range, short body, gzip despite identity, HTML instead of data, a lie said twice), too_large
// (body of a listing), interrupted (stop token). When mirrors differ, not_found is reported only if all of
// them say so; any other failure wins over it: missing is not unreachable.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "backends/http/client.h"
#include "backends/http/pace.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/metrics.h"

namespace astrofs::http {

/// What the server said about a file.
struct ContentInfo {
  std::optional<std::uint64_t> size{};
  std::string etag{};           ///< as sent, with quotes and W/; may be empty
  std::string last_modified{};  ///< as sent; may be empty
  std::string origin{};         ///< who said it
  std::string url{};            ///< where the bytes were in the end
  std::string file_name{};      ///< what Content-Disposition calls it, one component; may be empty
};

/// How urgent a request is: a reader waits; a reader will probably ask; somebody asked to warm the cache.
enum class Urgency : unsigned char { demand, prefetch, background };

struct RangeJob {
  std::vector<Request> mirrors;  ///< in order of preference, without range and validators
  ByteRange range;               ///< never empty
  std::uint64_t size{0};  ///< of the version: a Content-Range total or whole body of another length is stale
  bool is_fits{false};    ///< the bytes at offset 0 must begin "SIMPLE  ="
  std::map<std::string, std::string> etags;  ///< origin -> strong ETag that this version has there
  bool is_size_listed{false};  ///< with its ETag, so an answer of another size under that one lies
  Urgency urgency{Urgency::demand};
  /// For the whole job; beyond it timed_out. From a server that ignores the range it is the time for each 16
  /// KiB of the file.
  std::chrono::milliseconds timeout{60'000};
};

/// Called on the client's thread, never concurrently for one job.
class RangeReceiver {
 public:
  virtual ~RangeReceiver() = default;
  /// Once, with the first good answer: which bytes will arrive. More than asked only when the server ignores
  /// Range and the receiver gets the whole file from 0. False: stop, do not want.
  virtual bool begin(ByteRange arriving, const ContentInfo& info) = 0;
  /// In order and without gaps from begin()'s offset, across retries and mirrors.
  virtual Flow data(std::uint64_t offset, std::span<const std::byte> data) = 0;
  /// Exactly once, last. Success: every byte of begin()'s range was delivered.
  virtual void end(Result<void> result) = 0;
};

struct FetcherOptions {
  unsigned attempts{6};  ///< in a row without getting further (16 KiB of a file), over all mirrors
  std::chrono::milliseconds first_backoff{200};  ///< doubles, with jitter of +-50 %
  std::chrono::milliseconds longest_backoff{8'000};
  std::uint64_t largest_body{64ULL << 20};  ///< of fetch(): a listing page never needs more
  std::chrono::milliseconds body_timeout{
      60'000};  ///< of each fetch() and probe(), from its first turn in the queue
  std::uint64_t skip_limit{
      1ULL
      << 20};  ///< a 200 to a Range may be skipped this far when the receiver does not take the whole file
  unsigned connections_per_origin{8};              ///< default budget; archives set others with set_budget
  unsigned breaker_failures{8};                    ///< consecutive failures that open an origin's breaker
  std::chrono::milliseconds breaker_open{15'000};  ///< then one probe at a time
  std::uint64_t seed{0};                           ///< of the jitter; 0 = from the system
};

/// What `astrofs status` and `why` say about an origin.
struct OriginStatus {
  std::string origin;
  unsigned in_flight{0}, waiting{0}, budget{0};
  bool breaker_open{false};
  bool ignores_ranges{false};  ///< has answered a Range with the whole file
  std::string last_error;
  SysSeconds last_error_at{};
  Pace pace{};
};

class Fetcher {
 public:
  /// `client` outlives the Fetcher; `clock` and `metrics` outlive the client. Jobs still running when the
  /// Fetcher goes end with `interrupted`, on the client's thread, at the latest while the client shuts down.
  Fetcher(Client& client, const Clock& clock, Metrics& metrics, FetcherOptions options);
  ~Fetcher();
  Fetcher(const Fetcher&) = delete;
  Fetcher& operator=(const Fetcher&) = delete;

  /// Every job ends with `interrupted`, those to come too. Before a client that is stopped while the Fetcher
  /// lives: what waits for its turn there would never hear.
  void stop();

  /// At most this many requests of an origin at a time ("scheme://host:port"; a URL will do).
  void set_budget(const std::string& origin_or_url, unsigned connections);

  /// A small body, whole: listings, scripts' pages. A 2xx, or 304 where the request asks for it, is success.
  /// Blocks; not on the client's thread.
  [[nodiscard]] Result<Response> fetch(std::vector<Request> mirrors, std::stop_token stop = {});
  /// Many at once, answers in the order asked; each succeeds or fails on its own.
  [[nodiscard]] std::vector<Result<Response>> fetch_all(std::vector<std::vector<Request>> jobs,
                                                        std::stop_token stop = {});
  /// Size and validators without the body: HEAD, or a one-byte GET where HEAD is refused. Calls `done` on the
  /// client's thread.
  void probe(std::vector<Request> mirrors, std::function<void(Result<ContentInfo>)> done,
             std::stop_token stop = {});
  /// Bytes of a file. Returns at once.
  void start(RangeJob job, std::shared_ptr<RangeReceiver> receiver, std::stop_token stop);
  /// Go on after Flow::pause.
  void resume(const RangeReceiver* receiver);

  [[nodiscard]] std::vector<OriginStatus> status() const;
  [[nodiscard]] Pace pace(const std::string& origin) const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace astrofs::http
