// CurlClient against the stand-in archive: what libcurl must do for us, asked of real sockets.
#include "backends/http/curl_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <ifaddrs.h>
#include <net/if.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <thread>

#include "backends/http/net_address.h"
#include "base/mutex.h"
#include "tests/backends/http_stage.h"
#include "tests/support/archive_sim.h"
#include "tests/support/changed_variable.h"

namespace astrofs::http {
namespace {

/// One attempt's story.
class Listener final : public Receiver {
 public:
  Flow on_head(const ResponseHead& answer) override {
    ++heads;
    head = answer;
    return Flow::proceed;
  }
  Flow on_data(std::span<const std::byte> data) override {
    if (pause_once) {
      pause_once = false;
      paused_.set_value();
      return Flow::pause;
    }
    body.append(reinterpret_cast<const char*>(data.data()), data.size());
    if (body.size() >= stop_at) return Flow::stop;
    return Flow::proceed;
  }
  void on_end(Result<void> outcome) override {
    result = std::move(outcome);
    ++ends;
    over_.set_value();
  }
  void wait() { over_.get_future().wait(); }
  void wait_for_pause() { paused_.get_future().wait(); }
  [[nodiscard]] std::string outcome() const {
    return result ? "ok" : std::string(name_of(result.error().code));
  }

  bool pause_once{false};
  std::size_t stop_at{SIZE_MAX};
  int heads{0}, ends{0};
  ResponseHead head;
  std::string body;
  Result<void> result;

 private:
  std::promise<void> over_, paused_;
};

CurlOptions quick() {
  CurlOptions options;
  options.user_agent = "astrofs/test";
  options.head_timeout = milliseconds(400);
  options.stall_time = milliseconds(400);
  options.stall_bytes = 4096;
  return options;
}

struct CurlClientTest : ::testing::Test {
  void SetUp() override {
    ASSERT_TRUE(sim.start());
    sim.serve_file("/f.fits", file);
  }
  std::shared_ptr<Listener> ask(Request request, std::stop_token stop = {}) {
    auto listener = std::make_shared<Listener>();
    client.start(std::move(request), listener, std::move(stop));
    listener->wait();
    EXPECT_EQ(listener->ends, 1);
    return listener;
  }
  Request at(const std::string& path) { return get(sim.url() + path); }

  const std::string file = fits_like(2'000'000);
  sim::ArchiveSim sim;
  CurlClient client{quick()};
};

TEST_F(CurlClientTest, SendsOneClosedRangeAndAsksForIdentity) {
  Request request = at("/f.fits");
  request.range = ByteRange{1000, 500};
  const auto got = ask(request);
  EXPECT_EQ(got->outcome(), "ok");
  EXPECT_EQ(got->head.status, 206);
  EXPECT_EQ(got->heads, 1);
  EXPECT_TRUE(got->body == file.substr(1000, 500));
  const auto seen = sim.requests();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].range, "bytes=1000-1499");
  const auto header = [&](std::string_view name) {
    for (const auto& [key, value] : seen[0].headers) {
      if (key == name) return value;
    }
    return std::string("(none)");
  };
  EXPECT_EQ(header("accept-encoding"), "identity");
  EXPECT_EQ(header("user-agent"), "astrofs/test");
}

TEST_F(CurlClientTest, KeepsConnections) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask(at("/f.fits"))->outcome(), "ok");
  Request fresh = at("/f.fits");
  fresh.fresh_connection = true;
  EXPECT_EQ(ask(fresh)->outcome(), "ok");
  const auto seen = sim.requests();
  ASSERT_EQ(seen.size(), 6U);
  EXPECT_EQ(seen[0].connection, seen[4].connection);
  EXPECT_NE(seen[4].connection, seen[5].connection);
}

TEST_F(CurlClientTest, HeadHasAnAnswerWithoutABody) {
  Request request = at("/f.fits");
  request.method = Method::head;
  const auto got = ask(request);
  EXPECT_EQ(got->heads, 1);
  EXPECT_EQ(got->head.content_length(), file.size());
  EXPECT_TRUE(got->body.empty());
}

TEST_F(CurlClientTest, PausesAndGoesOnWithTheSameBytes) {
  auto listener = std::make_shared<Listener>();
  listener->pause_once = true;
  client.start(at("/f.fits"), listener, {});
  listener->wait_for_pause();
  std::this_thread::sleep_for(milliseconds(600));  // longer than a stall, which a pause is not
  client.resume(listener.get());
  listener->wait();
  EXPECT_EQ(listener->outcome(), "ok");
  EXPECT_TRUE(listener->body == file);
}

TEST_F(CurlClientTest, StopsWhenTheReceiverOrTheTokenSaysSo) {
  auto sated = std::make_shared<Listener>();
  sated->stop_at = 1000;
  client.start(at("/f.fits"), sated, {});
  sated->wait();
  EXPECT_EQ(sated->outcome(), "interrupted");
  sim.add_fault({"/f.fits", sim::Kind::silent});
  std::stop_source stop;
  auto waiting = std::make_shared<Listener>();
  client.start(at("/f.fits"), waiting, stop.get_token());
  stop.request_stop();
  waiting->wait();
  EXPECT_EQ(waiting->outcome(), "interrupted");
}

TEST_F(CurlClientTest, EndsAServerThatSendsNothingOrTooLittle) {
  const int silent = sim.add_fault({"/f.fits", sim::Kind::silent});
  EXPECT_EQ(ask(at("/f.fits"))->outcome(), "timed_out");
  sim.remove_fault(silent);
  const int drip = sim.add_fault({"/f.fits", sim::Kind::drip});
  EXPECT_EQ(ask(at("/f.fits"))->outcome(), "timed_out");
  sim.remove_fault(drip);
  sim.add_fault({"/f.fits", sim::Kind::stall_after, 50'000});
  const auto stalled = ask(at("/f.fits"));
  EXPECT_EQ(stalled->outcome(), "timed_out");
  EXPECT_TRUE(stalled->body == file.substr(0, 50'000));
}

TEST_F(CurlClientTest, ReportsARefusedConnection) {
  sim.stop();
  EXPECT_EQ(ask(at("/f.fits"))->outcome(), "unavailable");
}

TEST_F(CurlClientTest, FollowsRedirectsButNotForEver) {
  const int once = sim.add_fault({"/moved", sim::Kind::redirect, -1, sim.url() + "/f.fits"});
  const auto got = ask(at("/moved"));
  EXPECT_EQ(got->outcome(), "ok");
  EXPECT_EQ(got->heads, 1);
  EXPECT_EQ(got->head.url, sim.url() + "/f.fits");
  EXPECT_TRUE(got->body == file);
  sim.remove_fault(once);
  sim.clear_log();
  const int on_and_on = sim.add_fault({"/f.fits*", sim::Kind::redirect, -1, sim.url() + "{target}x"});
  EXPECT_EQ(ask(at("/f.fits"))->outcome(), "corrupt");
  EXPECT_EQ(sim.requests().size(), 11U);  // the first and ten redirects
  sim.remove_fault(on_and_on);
  sim.add_fault({"/file", sim::Kind::redirect, -1, "file:///etc/hostname"});
  const auto local = ask(at("/file"));
  EXPECT_EQ(local->outcome(), "corrupt");
  EXPECT_TRUE(local->body.empty());
}

TEST_F(CurlClientTest, ARedirectToWhatIsNoAddressIsTheServersFault) {
  for (const char* const nowhere : {"http://[::1/", "http://a.example:99999/", "http:///"}) {
    const int fault = sim.add_fault({"/moved", sim::Kind::redirect, -1, nowhere});
    EXPECT_EQ(ask(at("/moved"))->outcome(), "corrupt") << nowhere;
    sim.remove_fault(fault);
    EXPECT_EQ(ask(get(nowhere))->outcome(), "invalid") << nowhere;
  }
}

TEST_F(CurlClientTest, NoticesACircleOfRedirectsAtItsFirstTurn) {
  sim.add_fault({"/self", sim::Kind::redirect});
  EXPECT_EQ(ask(at("/self"))->outcome(), "corrupt");
  EXPECT_EQ(sim.count("/self", "GET"), 1U);
  sim.add_fault({"/there", sim::Kind::redirect, -1, sim.url() + "/back"});
  sim.add_fault({"/back", sim::Kind::redirect, -1, sim.url() + "/there"});
  const auto got = ask(at("/there"));
  EXPECT_EQ(got->outcome(), "corrupt");
  EXPECT_EQ(got->result.error().message, "the redirects go in a circle");
  EXPECT_EQ(sim.count("/there", "GET") + sim.count("/back", "GET"), 2U);
}

TEST_F(CurlClientTest, CredentialsStayWithTheFirstHostAndPort) {
  sim::ArchiveSim other;
  ASSERT_TRUE(other.start());
  other.serve_file("/f.fits", file);
  sim.add_fault({"/moved", sim::Kind::redirect, -1, other.url() + "/f.fits"});
  Request request = at("/moved");
  request.headers = {{"Authorization", "Bearer secret"}, {"Cookie", "session=secret"}};
  EXPECT_EQ(ask(request)->outcome(), "ok");
  const auto there = other.requests();
  ASSERT_EQ(there.size(), 1U);
  for (const auto& [name, value] : there[0].headers)
    EXPECT_EQ(value.find("secret"), std::string::npos) << name;
  const auto here = sim.requests();
  bool sent = false;
  for (const auto& [name, value] : here[0].headers) sent = sent || value == "Bearer secret";
  EXPECT_TRUE(sent);  // or this test could not fail
}

TEST_F(CurlClientTest, BoundsWhatItKeepsOfHeaders) {
  const int huge = sim.add_fault({"/f.fits", sim::Kind::huge_header});
  EXPECT_EQ(ask(at("/f.fits"))->outcome(), "corrupt");
  sim.remove_fault(huge);
  sim.add_fault({"/f.fits", sim::Kind::many_headers, 20'000});
  CurlClient patient;  // the stand-in takes its time to make so many
  auto many = std::make_shared<Listener>();
  patient.start(at("/f.fits"), many, {});
  many->wait();
  EXPECT_EQ(many->outcome(), "corrupt") << (many->result ? "" : many->result.error().message);
}

TEST_F(CurlClientTest, RefusesHeadersThatWouldSmuggle) {
  Request request = at("/f.fits");
  request.headers = {{"X-Name", "a\r\nX-Other: b"}};
  EXPECT_EQ(ask(request)->outcome(), "invalid");
  EXPECT_TRUE(sim.requests().empty());
}

TEST_F(CurlClientTest, RunsTimersInTheirOrderOnItsThread) {
  Mutex mutex;
  std::condition_variable change;
  std::vector<int> order;
  const auto note = [&](int n) {
    const MutexLock lock(mutex);
    order.push_back(n);
    change.notify_all();
  };
  for (bool were_together = false; !were_together;) {
    order.clear();
    const SteadyTime begin = std::chrono::steady_clock::now();
    client.after(milliseconds(60), [&] { note(3); });
    client.after(milliseconds(20), [&] { note(2); });
    client.after(milliseconds(0), [&] { note(1); });
    // Told apart by longer than that, or their order is another one.
    were_together = std::chrono::steady_clock::now() - begin < milliseconds(10);
    MutexLock lock(mutex);
    while (order.size() < 3) lock.wait(change);
  }
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST_F(CurlClientTest, EndsEverythingWhenItGoes) {
  sim.add_fault({"/f.fits", sim::Kind::silent});
  auto running = std::make_shared<Listener>();
  auto late = std::make_shared<Listener>();
  {
    CurlClient short_lived(quick());
    short_lived.start(at("/f.fits"), running, {});
    short_lived.after(std::chrono::hours(1), [] { FAIL() << "not due"; });
    short_lived.start(at("/f.fits"), late, {});
  }
  EXPECT_EQ(running->outcome(), "interrupted");
  EXPECT_EQ(late->outcome(), "interrupted");
}

TEST_F(CurlClientTest, WhoAsksWhenItHasEndedHearsSoAtOnce) {
  CurlClient ended(quick());
  ended.stop();
  auto late = std::make_shared<Listener>();
  ended.start(at("/f.fits"), late, {});
  EXPECT_EQ(late->outcome(), "interrupted");
  EXPECT_FALSE(ended.after(milliseconds(0), [] { FAIL() << "it has ended"; }));
  EXPECT_FALSE(ended.after(milliseconds(1), [] { FAIL() << "it has ended"; }));
}

TEST_F(CurlClientTest, AFetcherWhoseClientHasEndedStillEndsEveryJob) {
  CurlClient ended(quick());
  SystemClock clock;
  Metrics metrics;
  Fetcher fetcher(ended, clock, metrics, {});
  fetcher.stop();
  ended.stop();
  const auto range = std::make_shared<Recorder>();
  fetcher.start(job_for(fits_like(100), {0, 100}, {sim.url() + "/f.fits"}), range, {});
  EXPECT_EQ(range->outcome(), "interrupted");
  for (const auto& answer : fetcher.fetch_all({{at("/f.fits")}, {at("/f.fits")}})) {
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::interrupted);
  }
  std::string said;
  fetcher.probe({at("/f.fits")}, [&said](const Result<ContentInfo>& info) {
    said = info ? "ok" : std::string(name_of(info.error().code));
  });
  EXPECT_EQ(said, "interrupted");
}

/// An address of this machine that other machines might reach, "" when there is none.
std::string outside_address() {
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return {};
  std::string found;
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET || (one->ifa_flags & IFF_UP) == 0)
      continue;
    std::array<char, INET_ADDRSTRLEN> text{};
    const auto* address = reinterpret_cast<const sockaddr_in*>(one->ifa_addr);
    inet_ntop(AF_INET, &address->sin_addr, text.data(), text.size());
    if (!is_local_address(text.data())) found = text.data();
  }
  freeifaddrs(all);
  return found;
}

/// One connection at a time, one answer for all; on an address that is not loopback.
class PlainRedirect {
 public:
  PlainRedirect(const std::string& ip, std::string target) : target_(std::move(target)) {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    inet_pton(AF_INET, ip.c_str(), &address.sin_addr);
    socklen_t length = sizeof address;
    ready = bind(listener_, reinterpret_cast<sockaddr*>(&address), length) == 0 &&
            listen(listener_, 4) == 0 &&
            getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) == 0;
    url = fmt::format("http://{}:{}/", ip, ntohs(address.sin_port));
    if (ready) thread_ = std::thread([this] { serve(); });
  }
  ~PlainRedirect() {
    shutdown(listener_, SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
    close(listener_);
  }
  bool ready{false};
  std::string url;
  std::atomic<int> asked{0};

 private:
  void serve() {
    for (int peer = accept(listener_, nullptr, nullptr); peer >= 0;
         peer = accept(listener_, nullptr, nullptr)) {
      std::array<char, 4096> request{};
      const std::string answer = fmt::format(
          "HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", target_);
      if (recv(peer, request.data(), request.size(), 0) > 0) {
        ++asked;
        send(peer, answer.data(), answer.size(), MSG_NOSIGNAL);
      }
      close(peer);
    }
  }
  const std::string target_;
  int listener_{-1};
  std::thread thread_;
};

/// The proxy of clients that are made while it lives; it answers everything itself.
struct Proxy {
  Proxy(const std::string& target, const std::optional<std::string>& but_for)
      : server("127.0.0.1", target), through("http_proxy", server.url), directly("no_proxy", but_for) {}
  std::shared_ptr<Listener> ask(Request request) const {
    CurlClient client(quick());
    auto listener = std::make_shared<Listener>();
    client.start(std::move(request), listener, {});
    listener->wait();
    return listener;
  }
  PlainRedirect server;
  const ChangedVariable through, directly;
  const ChangedVariable loud{"NO_PROXY", std::nullopt};
};

TEST_F(CurlClientTest, AProxyOnThisMachineIsNoReasonToFollowARedirectToIt) {
  for (const auto& but_for :
       {std::optional<std::string>("localhost,127.0.0.1"), std::optional<std::string>()}) {
    const Proxy proxy(sim.url() + "/f.fits", but_for);
    ASSERT_TRUE(proxy.server.ready);
    const auto got = proxy.ask(get("http://archive.example/f.fits"));
    EXPECT_EQ(got->outcome(), "corrupt");
    EXPECT_EQ(proxy.server.asked, 1);
    EXPECT_TRUE(sim.requests().empty());
  }
  const Proxy proxy("http://other.example/f.fits", "localhost");
  EXPECT_EQ(proxy.ask(get("http://archive.example/f.fits"))->outcome(), "corrupt");
  EXPECT_EQ(proxy.server.asked, 2) << "to elsewhere it is followed, and that leads in a circle";
}

TEST_F(CurlClientTest, AsksThisMachineThroughNoProxy) {
  const std::string port = sim.url().substr(sim.url().rfind(':'));
  // The last as a user's no_proxy has it.
  for (const char* const host : {"127.0.0.1", "localhost", "0.0.0.0"}) {
    const Proxy proxy("http://other.example/", "0.0.0.0");
    Request request = get("http://" + (host + port) + "/f.fits");
    request.headers = {{"Authorization", "Bearer secret"}};
    EXPECT_EQ(proxy.ask(request)->outcome(), "ok") << host;
    EXPECT_EQ(proxy.server.asked, 0) << host;
  }
  EXPECT_EQ(sim.requests().size(), 3U);
}

TEST_F(CurlClientTest, NeverAsksThisMachineWhatAStrangerNames) {
  Request request = get(sim.url() + "/f.fits");
  request.from_stranger = true;
  const auto got = ask(request);
  EXPECT_EQ(got->outcome(), "corrupt");
  EXPECT_TRUE(got->body.empty());
  EXPECT_TRUE(sim.requests().empty());
}

TEST_F(CurlClientTest, DoesNotFollowARedirectFromElsewhereToThisMachine) {
  const std::string ip = outside_address();
  if (ip.empty()) GTEST_SKIP() << "this machine has only loopback addresses";
  PlainRedirect outside(ip, sim.url() + "/f.fits");
  if (!outside.ready) GTEST_SKIP() << "cannot listen on " << ip;
  const auto got = ask(get(outside.url));
  EXPECT_EQ(got->outcome(), "corrupt");
  EXPECT_TRUE(got->body.empty());
  EXPECT_TRUE(sim.requests().empty());
}

}  // namespace
}  // namespace astrofs::http
