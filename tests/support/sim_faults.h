// The lies of the stand-in archive: what can go wrong, for which requests, and how often.
// A FaultTable may be changed from any thread while the server runs.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"

namespace astrofs::sim {

/// `n` and `text` are the fault's parameters; in brackets what an unset n means.
enum class Kind : std::uint8_t {
  latency,               ///< n ms before the headers [200]
  slow_headers,          ///< the headers trickle for n ms [3000]
  bandwidth,             ///< n bytes/s of body [1 MiB/s]
  drip,                  ///< n bytes/s, a few at a time [100]
  stall_after,           ///< n bytes of body, then nothing until the client or the server ends [50000]
  silent,                ///< the request is read and never answered
  refuse,                ///< the connection is reset as soon as it is accepted; `path` is not looked at
  reset_after,           ///< RST after n bytes of body [50000]
  close_early,           ///< FIN after n bytes of body, with the right Content-Length [50000]
  close_idle,            ///< a whole answer that promises keep-alive, then FIN
  length_short,          ///< Content-Length and body n bytes short [1000]
  length_long,           ///< Content-Length n bytes more than is sent, then FIN [1000]
  unframed_short,        ///< no Content-Length, n bytes too few, then FIN [1000]
  unframed,              ///< no Content-Length, all bytes, then FIN
  chunked,               ///< correct
  chunked_endless,       ///< no last chunk: FIN after n bytes [half]
  range_shifted,         ///< 206 for the range n bytes further on: header and data agree [4096]
  range_header_shifted,  ///< the data asked for under a Content-Range that is n bytes off [4096]
  range_data_shifted,    ///< data n bytes further on under the Content-Range asked for [4096]
  range_other_total,     ///< Content-Range with a total of n bytes more [4096]
  range_no_header,       ///< 206 without Content-Range
  range_multipart,       ///< 206 multipart/byteranges with one part
  range_ignored,         ///< 200 and the whole body
  range_partial_200,     ///< 200 and only the part
  range_refused,         ///< 416
  status,                ///< status n [503]; text: Retry-After, "+7" = the date 7 s from now
  redirect,              ///< 302 to text, "{target}" in it is path and query; "" = to itself, for ever
  new_version,           ///< other content under another ETag and date, n bytes longer [0]
  silent_change,         ///< other content under the same validators
  flip_bit,              ///< one bit of byte n of the file [the middle of what is sent]
  gzip,                  ///< Content-Encoding: gzip whatever was asked
  gzip_bomb,             ///< gzip of n zeros [512 MiB]
  head_delta,            ///< HEAD says n bytes more, or fewer [1000]
  head_refused,          ///< 405 to HEAD
  login_page,            ///< 200 text/html
  empty,                 ///< 200 without a byte
  body,                  ///< 200 with text as the body: any hostile document
  huge_header,           ///< one header of n bytes [1 MiB]
  many_headers,          ///< n headers [5000]
  garbage_status,        ///< a first line that is none
  http09,                ///< the body and nothing else
  junk_after,            ///< n bytes after the body of a kept connection [64]
  sick_connection,  ///< on /https/: 404 with the body of a sick back end, or text, for each request of the
                    ///< connections it strikes; what is counted is connections
  token_repeats,    ///< an S3 listing page that is followed by itself
};

/// "reset_after" <-> Kind::reset_after, for scripts.
[[nodiscard]] std::string_view name_of(Kind kind);
[[nodiscard]] std::optional<Kind> kind_of(std::string_view name);

constexpr int kForever = -1;

struct Fault {
  std::string path{"*"};  ///< glob over "path" or "path?query", where * also matches '/'
  Kind kind{Kind::latency};
  std::int64_t n{-1};  ///< -1: the kind's own default
  std::string text{};
  int times{kForever};   ///< how often it strikes
  int skip{0};           ///< requests it lets pass first
  int every{1};          ///< of those that remain it strikes each every-th
  std::string method{};  ///< "": those the kind is about
  [[nodiscard]] std::int64_t n_or(std::int64_t value) const { return n == -1 ? value : n; }
};

struct FaultCause {
  std::string_view method;
  std::string_view path;
  std::string_view target;
  bool ranged{false};
  std::uint64_t connection{0};
};

class FaultTable {
 public:
  /// An id for remove().
  int add(Fault fault) EXCLUDES(mutex_);
  void remove(int id) EXCLUDES(mutex_);
  void clear() EXCLUDES(mutex_);
  /// The faults that strike this request, in the order they were added; counts it.
  [[nodiscard]] std::vector<Fault> strike(const FaultCause& cause) EXCLUDES(mutex_);
  /// Whether a new connection is to be refused; counts it.
  [[nodiscard]] bool refuses() EXCLUDES(mutex_);
  /// How often a fault has struck.
  [[nodiscard]] int struck(int id) const EXCLUDES(mutex_);

 private:
  struct Slot {
    int id;
    Fault fault;
    int seen{0};
    int struck{0};
    std::map<std::uint64_t, bool> connections{};  ///< of sick_connection: which it strikes
    [[nodiscard]] bool strikes_now();
    [[nodiscard]] bool strikes(const FaultCause& cause);
  };
  mutable Mutex mutex_;
  std::vector<Slot> slots_ GUARDED_BY(mutex_);
  int last_id_ GUARDED_BY(mutex_){0};
};

}  // namespace astrofs::sim
