// A Client without sockets: a script answers, time moves only when a test says so, and everything happens on
// the thread that calls run(). start(), resume() and after() may be called from any thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backends/http/client.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace astrofs::http {

struct Scripted {
  int status{200};
  std::vector<Header> headers{};  ///< names in lower case
  std::string body{};
  std::optional<Error> broken{};  ///< the connection fails after the body; with status 0 before any answer
  bool silent{false};             ///< never answers
  milliseconds delay{0};
  std::size_t piece{0};     ///< bytes of one on_data; 0 = all at once
  std::string url{};        ///< after redirects; "" = the one asked for
  milliseconds between{0};  ///< the pieces
};

class FakeClient final : public Client {
 public:
  using Script = std::function<Scripted(const Request&)>;
  FakeClient(ManualClock& clock, Script script) : clock_(clock), script_(std::move(script)) {}

  void start(Request request, std::shared_ptr<Receiver> receiver, std::stop_token stop) override {
    post([this, request = std::move(request), receiver = std::move(receiver), stop = std::move(stop)] {
      requests.push_back(request);
      auto one = std::make_shared<Running>();
      one->answer = script_(request);
      if (one->answer.url.empty()) one->answer.url = request.url;
      one->due = clock_.steady() + one->answer.delay;
      one->receiver = receiver;
      one->stop = stop;
      running_.push_back(std::move(one));
      most_running = std::max(most_running, running_.size());
    });
  }
  void resume(const Receiver* receiver) override {
    post([this, receiver] {
      for (const auto& one : running_) {
        if (one->receiver.get() == receiver) one->paused = false;
      }
    });
  }
  bool after(milliseconds delay, std::function<void()> job) override {
    if (delay.count() <= 0) {
      post(std::move(job));
    } else {
      post([this, due = clock_.steady() + delay, job = std::move(job)] { timers_.emplace(due, job); });
    }
    return true;
  }

  /// Everything that is due now.
  void run() {
    while (run_inbox() || run_timers() || run_transfers()) {
    }
  }
  /// Lets time pass, from event to event.
  void run_for(milliseconds duration) {
    const SteadyTime until = clock_.steady() + duration;
    for (run(); clock_.steady() < until; run()) {
      SteadyTime next = until;
      if (!timers_.empty()) next = std::min(next, timers_.begin()->first);
      for (const auto& one : running_) {
        if (!one->answer.silent && one->due > clock_.steady()) next = std::min(next, one->due);
      }
      clock_.advance(std::chrono::ceil<milliseconds>(next - clock_.steady()));
    }
  }
  [[nodiscard]] std::size_t running() const { return running_.size(); }

  std::vector<Request> requests;  ///< all that were sent, in order
  std::size_t most_running{0};

 private:
  struct Running {
    Scripted answer;
    SteadyTime due;
    std::shared_ptr<Receiver> receiver;
    std::stop_token stop;
    bool head_given{false}, paused{false};
    std::size_t given{0};
  };

  void post(std::function<void()> job) {
    const MutexLock lock(mutex_);
    inbox_.push_back(std::move(job));
  }
  bool run_inbox() {
    std::deque<std::function<void()>> jobs;
    {
      const MutexLock lock(mutex_);
      jobs.swap(inbox_);
    }
    for (auto& job : jobs) job();
    return !jobs.empty();
  }
  bool run_timers() {
    if (timers_.empty() || timers_.begin()->first > clock_.steady()) return false;
    timers_.extract(timers_.begin()).mapped()();
    return true;
  }
  bool run_transfers() {
    for (const auto& one : std::vector(running_)) {
      if (one->stop.stop_requested()) {
        end(one, tl::unexpected(Error{Errc::interrupted, "stopped"}));
        return true;
      }
      if (one->paused || one->answer.silent || one->due > clock_.steady()) continue;
      deliver(one);
      return true;
    }
    return false;
  }
  void deliver(const std::shared_ptr<Running>& one) {
    const Scripted& answer = one->answer;
    if (answer.status == 0) return end(one, tl::unexpected(*answer.broken));
    if (!std::exchange(one->head_given, true)) {
      if (obey(one, one->receiver->on_head({answer.status, answer.url, answer.headers}))) return;
    }
    while (one->given < answer.body.size()) {
      const std::size_t left = answer.body.size() - one->given;
      const std::size_t piece = answer.piece == 0 ? left : std::min(left, answer.piece);
      const Flow flow =
          one->receiver->on_data(as_bytes(std::string_view(answer.body).substr(one->given, piece)));
      if (obey(one, flow)) return;
      one->given += piece;
      if (answer.between.count() > 0 && one->given < answer.body.size()) {
        one->due = clock_.steady() + answer.between;
        return;
      }
    }
    end(one, answer.broken ? Result<void>(tl::unexpected(*answer.broken)) : Result<void>());
  }
  /// True when the transfer does not go on now.
  bool obey(const std::shared_ptr<Running>& one, Flow flow) {
    if (flow == Flow::stop) end(one, tl::unexpected(Error{Errc::interrupted, "stopped by the receiver"}));
    if (flow == Flow::pause) one->paused = true;
    return flow != Flow::proceed;
  }
  void end(const std::shared_ptr<Running>& one, Result<void> result) {
    std::erase(running_, one);
    one->receiver->on_end(std::move(result));
  }

  ManualClock& clock_;
  const Script script_;
  Mutex mutex_;
  std::deque<std::function<void()>> inbox_ GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<Running>> running_;
  std::multimap<SteadyTime, std::function<void()>> timers_;
};

}  // namespace astrofs::http
