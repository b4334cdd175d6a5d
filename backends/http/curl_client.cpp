#include "backends/http/curl_client.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <map>
#include <optional>
#include <thread>
#include <utility>

#include "backends/http/net_address.h"
#include "backends/http/url.h"
#include "base/executor.h"
#include "base/mutex.h"

namespace astrofs::http {
namespace {

using Time = std::chrono::steady_clock::time_point;
using std::chrono::milliseconds;

constexpr long kMaxRedirects = 10;
/// libcurl's largest receive buffer: a 35 MB frame in few reads. Small ranges get small ones.
constexpr long kLargeBuffer = 512L << 10;
constexpr long kSmallBuffer = 64L << 10;
/// Easy handles kept for reuse; their connections live in the multi handle, so this is only a few KiB each.
constexpr std::size_t kIdleHandles = 64;
/// Rounds of "run what is due, end what was started" at shutdown. Each retry of a job ends after one.
constexpr int kShutdownRounds = 8;

struct FreeEasy {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct FreeMulti {
  void operator()(CURLM* handle) const { curl_multi_cleanup(handle); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, FreeEasy>;
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

/// Causes that are not simply "unavailable". The one table from libcurl's codes to ours.
Errc cause_of(CURLcode code) {
  constexpr std::array<std::pair<CURLcode, Errc>, 11> kCauses = {{
      {CURLE_OPERATION_TIMEDOUT, Errc::timed_out},
      {CURLE_URL_MALFORMAT, Errc::invalid},
      {CURLE_UNSUPPORTED_PROTOCOL, Errc::corrupt},  // HTTP/0.9, or a redirect to what is not http
      {CURLE_WEIRD_SERVER_REPLY, Errc::corrupt},
      {CURLE_TOO_MANY_REDIRECTS, Errc::corrupt},
      {CURLE_PEER_FAILED_VERIFICATION, Errc::corrupt},
      {CURLE_BAD_CONTENT_ENCODING, Errc::corrupt},
      {CURLE_ABORTED_BY_CALLBACK, Errc::corrupt},  // a redirect to this machine
      {CURLE_OUT_OF_MEMORY, Errc::corrupt},        // so says libcurl 7.88 of a header line beyond 100 KB
      {CURLE_FAILED_INIT, Errc::internal},
      {CURLE_BAD_FUNCTION_ARGUMENT, Errc::internal},
  }};
  const auto* found =
      std::find_if(kCauses.begin(), kCauses.end(), [code](auto& row) { return row.first == code; });
  return found == kCauses.end() ? Errc::unavailable : found->second;
}

bool has_line_break(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != text.npos;
}

HeaderList header_list(const Request& request) {
  curl_slist* list = nullptr;
  const auto add = [&list](const std::string& line) { list = curl_slist_append(list, line.c_str()); };
  add("Accept-Encoding: identity");  // servers may compress all the same; answer_check looks
  add("Expect:");                    // no round trip before a small POST
  if (!request.if_match.empty()) add("If-Match: " + request.if_match);
  if (request.fresh_connection) add("Cache-Control: no-cache");
  for (const Header& one : request.headers) {
    add(one.value.empty() ? one.name + ";" : fmt::format("{}: {}", one.name, one.value));
  }
  return HeaderList(list);
}

/// Who is not asked through a proxy: whom the environment names, as libcurl reads it, and this machine, of
/// which libcurl makes no exception. What is sent to a service here without https, a token perhaps, is not a
/// proxy's to read, wherever that is.
std::string asked_directly() {
  std::string hosts;
  for (const char* const name : {"no_proxy", "NO_PROXY"}) {
    const char* const value = std::getenv(name);
    if (hosts.empty() && value != nullptr) hosts = value;
  }
  if (hosts == "*") return hosts;
  if (!hosts.empty()) hosts += ',';
  return hosts + "localhost,127.0.0.0/8,::1";
}

/// One request under way. The client's thread only.
class Conversation {
 public:
  Conversation(Request request, std::shared_ptr<Receiver> receiver, const CurlOptions& options,
               const std::string& asked_directly)
      : request_(std::move(request)),
        receiver_(std::move(receiver)),
        options_(options),
        asked_directly_(asked_directly) {}

  /// False: the request cannot be sent as it is.
  bool set_up(CURL* handle);
  [[nodiscard]] const Receiver* receiver() const { return receiver_.get(); }
  void resume();
  /// Why it must be ended now, if it must: nothing has come for too long.
  [[nodiscard]] std::optional<Error> overdue(Time now);
  /// Last call: tells the receiver.
  void end(CURLcode code);
  void end(Error error) { receiver_->on_end(tl::unexpected(std::move(error))); }

  std::uint64_t id{0};
  std::optional<std::stop_callback<std::function<void()>>> on_stop;

 private:
  static std::size_t on_header(char* text, std::size_t size, std::size_t count, void* self);
  static std::size_t on_body(char* bytes, std::size_t size, std::size_t count, void* self);
  static int before_request(void* self, char* ip, char* local_ip, int port, int local_port);
  void set_method(CURL* handle);
  void set_limits(CURL* handle);
  bool was_here_before();
  [[nodiscard]] bool leads_here(bool local, int port) const;
  std::size_t take_header(std::string_view line);
  std::size_t take_body(std::span<const std::byte> data);
  Flow give_head();
  std::size_t obey(Flow flow, std::size_t taken);

  Request request_;
  std::shared_ptr<Receiver> receiver_;
  const CurlOptions& options_;
  const std::string& asked_directly_;
  HeaderList headers_;
  std::array<char, CURL_ERROR_SIZE> message_{};
  ResponseHead head_;
  std::size_t head_bytes_{0};
  std::optional<Error> error_;  ///< found by us, not by libcurl
  bool head_given_{false};
  bool stopped_{false};
  bool paused_{false};
  std::vector<std::string> hops_;  ///< the addresses of this request, each the redirect of the one before
  bool first_was_here_{true};
  bool connected_before_{false};
  bool awaiting_{true};  ///< the head of the answer
  Time since_{std::chrono::steady_clock::now()};
  std::uint64_t received_{0}, received_at_since_{0};

 public:
  Easy easy;  ///< last, so that it goes before what it points to
};

bool Conversation::set_up(CURL* handle) {
  for (const Header& one : request_.headers) {
    if (has_line_break(one.name) || has_line_break(one.value)) return false;
  }
  if (has_line_break(request_.if_match)) return false;
  headers_ = header_list(request_);
  curl_easy_setopt(handle, CURLOPT_URL, request_.url.c_str());
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers_.get());
  curl_easy_setopt(handle, CURLOPT_USERAGENT, options_.user_agent.c_str());
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, message_.data());
  curl_easy_setopt(handle, CURLOPT_PRIVATE, this);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, &Conversation::on_header);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &Conversation::on_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(handle, CURLOPT_PREREQFUNCTION, &Conversation::before_request);
  curl_easy_setopt(handle, CURLOPT_PREREQDATA, this);
  if (request_.range) {
    const std::string range = fmt::format("{}-{}", request_.range->offset, request_.range->end() - 1);
    curl_easy_setopt(handle, CURLOPT_RANGE, range.c_str());  // copied by libcurl
  }
  set_method(handle);
  set_limits(handle);
  return true;
}

void Conversation::set_method(CURL* handle) {
  if (request_.method == Method::head) curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
  if (request_.method != Method::post) return;
  curl_easy_setopt(handle, CURLOPT_POST, 1L);
  curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
  curl_easy_setopt(handle, CURLOPT_POSTFIELDS,
                   request_.body.c_str());  // request_ outlives the handle's use of it
}

void Conversation::set_limits(CURL* handle) {
  const bool secure = split_url(request_.url).value_or(UrlParts{}).scheme == "https";
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  // Certificates and host names are verified: libcurl's default, and there is no way to turn it off.
  if (!options_.ca_file.empty()) curl_easy_setopt(handle, CURLOPT_CAINFO, options_.ca_file.c_str());
  curl_easy_setopt(handle, CURLOPT_QUICK_EXIT, 1L);  // else ending a transfer waits for a resolver that hangs
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(handle, CURLOPT_MAXREDIRS, kMaxRedirects);
  curl_easy_setopt(handle, CURLOPT_NOPROXY, asked_directly_.c_str());
  // Data over HTTP/1.1: a stream of its own for each range, and none of the shared fate of HTTP/2's streams.
  curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(handle, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_timeout.count()));
  curl_easy_setopt(handle, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(handle, CURLOPT_TCP_NODELAY, 1L);
  const bool small = request_.range && request_.range->length <= static_cast<std::uint64_t>(kSmallBuffer);
  curl_easy_setopt(handle, CURLOPT_BUFFERSIZE, small ? kSmallBuffer : kLargeBuffer);
  if (!request_.fresh_connection) return;
  curl_easy_setopt(handle, CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt(handle, CURLOPT_DNS_CACHE_TIMEOUT,
                   0L);  // an address that failed would be kept for a minute
}

std::size_t Conversation::on_header(char* text, std::size_t size, std::size_t count, void* self) {
  return static_cast<Conversation*>(self)->take_header({text, size * count});
}

std::size_t Conversation::on_body(char* bytes, std::size_t size, std::size_t count, void* self) {
  return static_cast<Conversation*>(self)->take_body(
      {reinterpret_cast<const std::byte*>(bytes), size * count});
}

/// Connected, about to send: the first request, and again after each redirect.
int Conversation::before_request(void* self, char* ip, char*, int port, int) {
  auto& one = *static_cast<Conversation*>(self);
  const bool here = one.leads_here(is_local_address(ip), port);
  if (!std::exchange(one.connected_before_, true)) one.first_was_here_ = here;
  one.awaiting_ = true;
  one.since_ = std::chrono::steady_clock::now();
  if (one.was_here_before()) {
    one.error_ = Error{Errc::corrupt, "the redirects go in a circle"};
    return CURL_PREREQFUNC_ABORT;
  }
  if (one.request_.from_stranger && here) {
    one.error_ = Error{Errc::corrupt, fmt::format("the archive names an address of this machine, {}", ip)};
    return CURL_PREREQFUNC_ABORT;
  }
  if (!here || one.first_was_here_) return CURL_PREREQFUNC_OK;
  one.error_ = Error{Errc::corrupt, fmt::format("a redirect from elsewhere to {} is not followed", ip)};
  return CURL_PREREQFUNC_ABORT;
}

/// Is it this machine, or its link, that hears the request? Behind a proxy, which may well be on this
/// machine, only the address itself can be judged.
bool Conversation::leads_here(bool local, int port) const {
  const char* url = nullptr;
  curl_easy_getinfo(easy.get(), CURLINFO_EFFECTIVE_URL, &url);
  const auto parts = split_url(url != nullptr ? url : "");
  const bool is_direct = !parts || parts->port == port;
  return is_direct ? local : is_local_host(parts->host);
}

/// A circle costs a request a turn, up to the limit of redirects, and then once more for the next attempt.
bool Conversation::was_here_before() {
  long redirects = 0;
  const char* url = nullptr;
  curl_easy_getinfo(easy.get(), CURLINFO_REDIRECT_COUNT, &redirects);
  curl_easy_getinfo(easy.get(), CURLINFO_EFFECTIVE_URL, &url);
  // libcurl itself sends a request again when a kept connection turns out to be closed: that is no further
  // hop.
  if (url == nullptr || static_cast<std::size_t>(redirects) < hops_.size()) return false;
  if (std::find(hops_.begin(), hops_.end(), url) != hops_.end()) return true;
  // What a POST has changed may be looked at where it was sent to: a job that is deleted.
  const bool posted = hops_.empty() && request_.method == Method::post;
  hops_.emplace_back(posted ? fmt::format("POST {}", url) : std::string(url));
  return false;
}

std::size_t Conversation::take_header(std::string_view line) {
  const std::size_t all = line.size();
  if (head_given_) return all;  // trailers of a chunked body
  if (line.starts_with("HTTP/")) {
    head_.headers.clear();
    head_bytes_ = 0;
  }
  head_bytes_ += all;
  if (head_bytes_ > options_.largest_head) {
    error_ = Error{Errc::corrupt, fmt::format("more than {} bytes of headers", options_.largest_head)};
    return 0;
  }
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n' || line.back() == ' '))
    line.remove_suffix(1);
  if (line.empty()) {  // the head is complete; from here on the body must come
    awaiting_ = false;
    since_ = std::chrono::steady_clock::now();
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return all;
  Header header{std::string(line.substr(0, colon)), {}};
  for (char& c : header.name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  const std::size_t value = line.find_first_not_of(" \t", colon + 1);
  if (value != std::string_view::npos) header.value = line.substr(value);
  head_.headers.push_back(std::move(header));
  return all;
}

/// Only the final answer has a body that libcurl hands on, or an end: redirects never come here.
Flow Conversation::give_head() {
  long status = 0;
  const char* url = nullptr;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(easy.get(), CURLINFO_EFFECTIVE_URL, &url);
  head_.status = static_cast<int>(status);
  head_.url = url != nullptr ? url : request_.url;
  head_given_ = true;
  return receiver_->on_head(head_);
}

std::size_t Conversation::take_body(std::span<const std::byte> data) {
  if (!head_given_) {
    if (const Flow flow = give_head(); flow != Flow::proceed) return obey(flow, data.size());
  }
  const Flow flow = receiver_->on_data(data);
  if (flow == Flow::proceed) received_ += data.size();
  return obey(flow, data.size());
}

std::size_t Conversation::obey(Flow flow, std::size_t taken) {
  if (flow == Flow::proceed) return taken;
  paused_ = flow == Flow::pause;
  if (paused_) return CURL_WRITEFUNC_PAUSE;
  stopped_ = true;
  return CURL_WRITEFUNC_ERROR;
}

void Conversation::resume() {
  if (!std::exchange(paused_, false)) return;
  since_ = std::chrono::steady_clock::now();
  received_at_since_ = received_;
  curl_easy_pause(easy.get(), CURLPAUSE_CONT);
}

std::optional<Error> Conversation::overdue(Time now) {
  if (paused_) return std::nullopt;
  if (!awaiting_ && received_ - received_at_since_ >= options_.stall_bytes) {
    since_ = now;
    received_at_since_ = received_;
    return std::nullopt;
  }
  const milliseconds head_limit =
      std::min(options_.head_timeout, request_.head_patience.value_or(options_.head_timeout));
  const milliseconds limit = awaiting_ ? head_limit : options_.stall_time;
  if (now - since_ < limit) return std::nullopt;
  return Error{Errc::timed_out, awaiting_ ? fmt::format("no answer within {} ms", limit.count())
                                          : fmt::format("stalled after {} bytes", received_)};
}

void Conversation::end(CURLcode code) {
  if (code == CURLE_OK && !head_given_ && give_head() == Flow::stop) stopped_ = true;
  if (stopped_) return end(Error{Errc::interrupted, "stopped by the receiver"});
  if (error_) return end(std::move(*error_));
  if (code == CURLE_OK) return receiver_->on_end({});
  if (code == CURLE_OUT_OF_MEMORY) return end(Error{cause_of(code), "a header line of more than 100 KB"});
  // What has been asked is an address: the one that is none stands in its redirect.
  const Errc cause = code == CURLE_URL_MALFORMAT && !hops_.empty() ? Errc::corrupt : cause_of(code);
  end(Error{cause, message_[0] != '\0' ? message_.data() : curl_easy_strerror(code)});
}

}  // namespace

// ---- the loop

class CurlClient::Loop {
 public:
  explicit Loop(CurlOptions options) : options_(std::move(options)), multi_(curl_multi_init()) {
    curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, static_cast<long>(options_.kept_connections));
    watch_every_ = std::clamp(std::min(options_.head_timeout, options_.stall_time) / 4, milliseconds(10),
                              milliseconds(1000));
    thread_ = std::thread([this] { run(); });
  }
  ~Loop() { stop(); }
  void stop() EXCLUDES(mutex_) {
    {
      const MutexLock lock(mutex_);
      stopping_ = true;
    }
    curl_multi_wakeup(multi_.get());
    if (thread_.joinable()) thread_.join();
  }

  /// False: the thread has ended, or is about to.
  bool post(std::function<void()> job) EXCLUDES(mutex_) {
    bool first = false;
    {
      const MutexLock lock(mutex_);
      if (ended_) return false;
      first = inbox_.empty();
      inbox_.push_back(std::move(job));
    }
    // The loop looks into the inbox before it sleeps; only a sleeper needs waking.
    if (first && std::this_thread::get_id() != thread_id_.load()) curl_multi_wakeup(multi_.get());
    return true;
  }
  // The rest on the client's thread.
  void add(Request request, std::shared_ptr<Receiver> receiver, std::stop_token stop);
  void resume(const Receiver* receiver);
  void add_timer(Time due, std::function<void()> job) { timers_.emplace(due, std::move(job)); }

 private:
  void run();
  /// `last`: of all times; nothing is taken after it.
  bool run_inbox(bool last = false) EXCLUDES(mutex_);
  void run_timers();
  void collect_ended();
  void watch();
  [[nodiscard]] int patience() EXCLUDES(mutex_);
  std::unique_ptr<Conversation> take(std::uint64_t id);
  void cancel(std::uint64_t id, const Error& why);
  void shut_down();
  [[nodiscard]] bool stopping() EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return stopping_;
  }

  const CurlOptions options_;
  const std::string asked_directly_{asked_directly()};
  Mutex mutex_;
  bool stopping_ GUARDED_BY(mutex_){false};
  bool ended_ GUARDED_BY(mutex_){false};  ///< nobody looks into the inbox any more
  std::vector<std::function<void()>> inbox_ GUARDED_BY(mutex_);
  std::unique_ptr<CURLM, FreeMulti> multi_;
  std::vector<Easy> idle_;
  std::map<std::uint64_t, std::unique_ptr<Conversation>> active_;
  std::multimap<Time, std::function<void()>> timers_;
  std::uint64_t last_id_{0};
  bool closed_{false};  ///< shutting down: nothing new
  milliseconds watch_every_{};
  Time next_watch_{};
  std::atomic<std::thread::id> thread_id_{};
  std::thread thread_;
};

void CurlClient::Loop::add(Request request, std::shared_ptr<Receiver> receiver, std::stop_token stop) {
  auto one =
      std::make_unique<Conversation>(std::move(request), std::move(receiver), options_, asked_directly_);
  if (closed_ || stop.stop_requested()) return one->end(Error{Errc::interrupted, "no longer wanted"});
  if (idle_.empty()) {
    one->easy.reset(curl_easy_init());
  } else {
    one->easy = std::move(idle_.back());
    idle_.pop_back();
  }
  if (!one->easy) return one->end(Error{Errc::internal, "no memory for a transfer"});
  if (!one->set_up(one->easy.get())) return one->end(Error{Errc::invalid, "a header with a line break"});
  one->id = ++last_id_;
  one->on_stop.emplace(std::move(stop), [this, id = one->id] {
    post([this, id] { cancel(id, {Errc::interrupted, "no longer wanted"}); });
  });
  curl_multi_add_handle(multi_.get(), one->easy.get());
  active_.emplace(one->id, std::move(one));
}

void CurlClient::Loop::resume(const Receiver* receiver) {
  for (const auto& [id, one] : active_) {
    if (one->receiver() == receiver) return one->resume();
  }
}

/// Out of libcurl's hands; the easy handle goes back to the idle ones.
std::unique_ptr<Conversation> CurlClient::Loop::take(std::uint64_t id) {
  const auto found = active_.find(id);
  if (found == active_.end()) return nullptr;
  std::unique_ptr<Conversation> one = std::move(found->second);
  active_.erase(found);
  one->on_stop.reset();
  curl_multi_remove_handle(multi_.get(), one->easy.get());
  return one;
}

void CurlClient::Loop::cancel(std::uint64_t id, const Error& why) {
  if (const auto one = take(id)) one->end(why);
}

void CurlClient::Loop::collect_ended() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;  // the message dies with the handle's removal
    void* private_pointer = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private_pointer);
    const auto one = take(static_cast<Conversation*>(private_pointer)->id);
    one->end(code);
    if (idle_.size() >= kIdleHandles) continue;
    curl_easy_reset(one->easy.get());
    idle_.push_back(std::move(one->easy));
  }
}

void CurlClient::Loop::watch() {
  const Time now = std::chrono::steady_clock::now();
  if (now < next_watch_) return;
  next_watch_ = now + watch_every_;
  std::vector<std::pair<std::uint64_t, Error>> late;
  for (const auto& [id, one] : active_) {
    if (auto why = one->overdue(now)) late.emplace_back(id, std::move(*why));
  }
  for (const auto& [id, why] : late) cancel(id, why);
}

bool CurlClient::Loop::run_inbox(bool last) {
  std::vector<std::function<void()>> jobs;
  {
    const MutexLock lock(mutex_);
    ended_ = last;
    jobs.swap(inbox_);
  }
  for (auto& job : jobs) {
    job();
    job = nullptr;  // what it held goes in the same order
  }
  return !jobs.empty();
}

void CurlClient::Loop::run_timers() {
  const Time now = std::chrono::steady_clock::now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    const auto node = timers_.extract(timers_.begin());
    node.mapped()();
  }
}

int CurlClient::Loop::patience() {
  {
    const MutexLock lock(mutex_);
    if (!inbox_.empty() || stopping_) return 0;
  }
  Time until = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  if (!timers_.empty()) until = std::min(until, timers_.begin()->first);
  if (!active_.empty()) until = std::min(until, next_watch_);
  const auto wait = std::chrono::ceil<milliseconds>(until - std::chrono::steady_clock::now());
  return static_cast<int>(std::max<std::int64_t>(0, wait.count()));
}

void CurlClient::Loop::run() {
  thread_id_ = std::this_thread::get_id();
  name_this_thread("net");
  sigset_t pipe;  // NOSIGNAL leaves SIGPIPE to us: a TLS library may write to a closed connection
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  while (!stopping()) {
    run_inbox();
    run_timers();
    int running = 0;
    curl_multi_perform(multi_.get(), &running);
    collect_ended();
    watch();
    curl_multi_poll(multi_.get(), nullptr, 0, patience(), nullptr);
  }
  shut_down();
}

void CurlClient::Loop::shut_down() {
  run_inbox();
  closed_ = true;
  for (int round = 0; round < kShutdownRounds; ++round) {
    while (!active_.empty()) cancel(active_.begin()->first, {Errc::interrupted, "shutting down"});
    if (!run_inbox()) break;
  }
  run_inbox(true);
  timers_.clear();
  idle_.clear();
}

CurlClient::CurlClient(CurlOptions options) {
  static const CURLcode kReady =
      curl_global_init(CURL_GLOBAL_DEFAULT);  // once for the process, after the fork
  static_cast<void>(kReady);
  loop_ = std::make_unique<Loop>(std::move(options));
}

CurlClient::~CurlClient() = default;

void CurlClient::stop() {
  loop_->stop();
}

void CurlClient::start(Request request, std::shared_ptr<Receiver> receiver, std::stop_token stop) {
  const bool taken = loop_->post(
      [loop = loop_.get(), request = std::move(request), receiver, stop = std::move(stop)]() mutable {
        loop->add(std::move(request), std::move(receiver), std::move(stop));
      });
  if (!taken) receiver->on_end(fail(Errc::interrupted, "shutting down"));
}

void CurlClient::resume(const Receiver* receiver) {
  loop_->post([loop = loop_.get(), receiver] { loop->resume(receiver); });
}

bool CurlClient::after(milliseconds delay, std::function<void()> job) {
  if (delay.count() <= 0) return loop_->post(std::move(job));
  const Time due = std::chrono::steady_clock::now() + delay;
  return loop_->post(
      [loop = loop_.get(), due, job = std::move(job)]() mutable { loop->add_timer(due, std::move(job)); });
}

}  // namespace astrofs::http
