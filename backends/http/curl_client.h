// HTTP on libcurl: one thread named "net" with one multi handle. The only door to <curl/curl.h>.
// Owned by main, made after the fork. All of Client's functions may be called from any thread, until the
// destructor begins; it ends transfers with `interrupted`, runs what is due, and joins.
//
// on_end's causes: unavailable (name, connection, reset, body cut off), timed_out (connecting, first byte,
// stalled), corrupt (not HTTP, headers too large, a certificate that is not believed, a redirect that is not
// followed or names no address), invalid (the URL), interrupted. Redirects: at most 10; never from https to
// http, to another protocol, or from elsewhere to this machine; a stranger's address never leads there at
// all. An Authorization or Cookie header of the request stays with the first host and port. Proxies are those
// of the environment, which is read when the client is made and with each request; this machine is never
// asked through one.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "backends/http/client.h"
#include "base/version.h"

namespace astrofs::http {

struct CurlOptions {
  /// Who we are; archives ask for it. APPLAUSE answers a file of its users with a login page, but for
  /// programs that call themselves curl.
  std::string user_agent{std::string("astrofs/") + kVersion + " (libcurl)"};
  std::chrono::milliseconds connect_timeout{10'000};  ///< name, TCP and TLS
  std::chrono::milliseconds head_timeout{30'000};     ///< until the head of the answer is there, for each hop
  std::chrono::milliseconds stall_time{15'000};       ///< slower than `stall_bytes` in such a time is a stall
  std::uint64_t stall_bytes{15 * 1024};               ///< 1 KiB/s
  std::uint64_t largest_head{256 << 10};  ///< bytes of all header lines; libcurl has a bound soon after
  std::string ca_file;                    ///< PEM of who vouches for servers; "": the system's
  unsigned kept_connections{256};         ///< idle ones kept open: more than all budgets together
};

class CurlClient final : public Client {
 public:
  explicit CurlClient(CurlOptions options = {});
  ~CurlClient() override;
  CurlClient(const CurlClient&) = delete;
  CurlClient& operator=(const CurlClient&) = delete;

  /// What the destructor does, earlier: when it returns no receiver and no job is called any more, and what
  /// is given to the client afterwards is never answered. For shutting down while receivers' owners still
  /// live. One thread.
  void stop();

  void start(Request request, std::shared_ptr<Receiver> receiver, std::stop_token stop) override;
  void resume(const Receiver* receiver) override;
  bool after(std::chrono::milliseconds delay, std::function<void()> job) override;

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace astrofs::http
