// HTTP as the project speaks it: one attempt, no opinion. Retries, budgets and what an answer must look
// like live in backends/http/fetcher; the implementation on libcurl is backends/http/curl_client.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace astrofs::http {

enum class Method : unsigned char { get, head, post };

struct Header {
  std::string name;  ///< as sent; in a response always lower case
  std::string value;
};

/// What an answer to fetch() may be beyond a listing.
struct LargeBody {
  std::uint64_t bytes{0};
  std::chrono::milliseconds time{0};  ///< for the whole job
};

struct Request {
  Method method{Method::get};
  std::string url;
  std::vector<Header> headers;     ///< beyond those the client always sends
  std::optional<ByteRange> range;  ///< sent as one closed "Range: bytes=a-b"
  std::string if_match;            ///< strong ETag with its quotes, or empty
  std::string body;                ///< of a POST
  /// Not over a kept one, and the name is looked up anew: another server of a balanced set may answer.
  bool fresh_connection{false};
  /// Of a Globus collection: its ranges come as "a-b/*", and HEAD is not to be asked. Of one and of Globus
  /// Transfer: 404 means that something is gone only when the body says so.
  bool globus_collection{false};
  /// Of a server that may never answer HEAD: what a file is like is asked with a range.
  bool no_head{false};
  /// To an address that a stranger wrote into an answer: never to this machine or its link, where services
  /// listen that trust whoever asks from here.
  bool from_stranger{false};
  /// Of fetch(): a body of XML is the answer whatever the status, unless that one may pass by itself, and it
  /// may be compressed with gzip. Services of the Virtual Observatory say in the body what is wrong, and err
  /// in the status both ways. Who asks reads the body first.
  bool body_decides{false};
  /// Of fetch(): so is a body of JSON with status 400, by which OAuth refuses (RFC 6749, section 5.2).
  bool is_oauth{false};
  /// Of fetch(): the whole job may take this long instead of the Fetcher's own time, if that is longer.
  std::optional<std::chrono::milliseconds> patience{};
  /// Of fetch(): an answer that is larger, and takes longer, than a listing.
  std::optional<LargeBody> large{};
  /// Asks for something that would be there twice if it were asked for twice: never repeated.
  bool only_once{false};
  /// The server may well work longer on it than anybody waits for an answer's head, as on a synchronous
  /// query. That it did not answer in time is no sign of its health, and a second time would take as long.
  bool is_slow{false};
  /// What its answer's head is waited for at most, if that is less than the client's own time.
  std::optional<std::chrono::milliseconds> head_patience{};
  /// "scheme://host:port" with the default port written out: the unit of budgets, breakers and credentials.
  [[nodiscard]] std::string origin() const;
};

struct ResponseHead {
  int status{0};
  std::string url;  ///< after redirects
  std::vector<Header> headers;
  /// Value of the first header of that (lower-case) name, "" when absent.
  [[nodiscard]] std::string_view header(std::string_view name) const;
  [[nodiscard]] std::optional<std::uint64_t> content_length() const;
};

struct Response {
  ResponseHead head;
  std::string body;
};

/// What a receiver wants next. `pause` stops the transfer until Client::resume() names this receiver; the
/// same bytes are then offered again, perhaps in other pieces.
enum class Flow : unsigned char { proceed, pause, stop };

/// Called on the client's own thread, which must never block. on_head at most once (for the final answer,
/// not for redirects), then on_data in order, then on_end exactly once, after which no call follows.
/// on_end carries an error for a transport failure (see curl_client.h for the causes) or when the receiver or
/// the stop token stopped it (Errc::interrupted); an HTTP status is never an error here.
class Receiver {
 public:
  virtual ~Receiver() = default;
  virtual Flow on_head(const ResponseHead& head) = 0;
  virtual Flow on_data(std::span<const std::byte> data) = 0;
  virtual void on_end(Result<void> result) = 0;
};

class Client {
 public:
  virtual ~Client() = default;
  /// Queue a request; returns at once. Any thread.
  virtual void start(Request request, std::shared_ptr<Receiver> receiver, std::stop_token stop) = 0;
  /// Let a paused transfer go on. Any thread; harmless when it is not paused or has ended.
  virtual void resume(const Receiver* receiver) = 0;
  /// Run `job` on the client's thread after `delay` (0: as soon as possible). The project's only timer for
  /// back-off and hedging. At shutdown those due at once still run, those not yet due are dropped. False: the
  /// thread has ended, the job will not run.
  virtual bool after(std::chrono::milliseconds delay, std::function<void()> job) = 0;
};

}  // namespace astrofs::http
