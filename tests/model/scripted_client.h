// The servers of the model's archive: an http::Client with a thread named "net" and no sockets. Bytes come in
// pieces, in between which everything else may happen.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <thread>

#include "backends/http/client.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "tests/model/remote.h"

namespace astrofs::model {

class ScriptedClient final : public http::Client {
 public:
  explicit ScriptedClient(Remote& remote);
  ~ScriptedClient() override;

  void start(http::Request request, std::shared_ptr<http::Receiver> receiver, std::stop_token stop) override;
  void resume(const http::Receiver* receiver) override;
  bool after(milliseconds delay, std::function<void()> job) override;
  /// As CurlClient does: transfers end, what is due runs, then silence.
  void stop();
  [[nodiscard]] std::uint64_t requests() const EXCLUDES(mutex_);
  [[nodiscard]] std::uint64_t heads() const { return heads_; }  ///< answers begun

 private:
  struct Transfer;
  using Place = std::list<std::shared_ptr<Transfer>>::iterator;

  void run();
  void answer(Transfer& transfer);
  bool move_on(Transfer& transfer);
  static void end(Transfer& transfer, Result<void> result);
  bool obey(Transfer& transfer, http::Flow flow);

  Remote& remote_;
  mutable Mutex mutex_;
  std::condition_variable wake_;
  std::multimap<SteadyTime, std::function<void()>> jobs_ GUARDED_BY(mutex_);
  std::uint64_t requests_ GUARDED_BY(mutex_){0};
  std::atomic<std::uint64_t> heads_{0};
  bool stopping_ GUARDED_BY(mutex_){false}, ended_ GUARDED_BY(mutex_){false};
  std::list<std::shared_ptr<Transfer>> transfers_;  ///< of the net thread
  std::thread thread_;
};

}  // namespace astrofs::model
