// Sockets of the stand-in archive: a listener on the loopback address and one bounded, joined thread per
// connection.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <span>
#include <string_view>
#include <thread>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/mutex.h"
#include "base/unique_fd.h"

namespace astrofs::sim {

/// One client. Everything but interrupt() belongs to the connection's own thread.
class Connection {
 public:
  Connection(UniqueFd fd, std::uint64_t number) : number_(number), fd_(std::move(fd)) {}

  [[nodiscard]] std::uint64_t number() const { return number_; }
  /// False when the client is gone or the server stops.
  bool send(std::span<const std::byte> data);
  bool send(std::string_view text) { return send(as_bytes(text)); }
  /// 0: the client is gone or the server stops.
  [[nodiscard]] std::size_t receive(std::span<char> into);
  /// Do nothing for a while; false when the client hung up or the server stops meanwhile.
  bool pause(std::chrono::nanoseconds duration);
  /// Do nothing until the client hangs up or the server stops.
  void hold();
  /// Cut it off with a TCP RST.
  void reset() EXCLUDES(mutex_);
  void close() EXCLUDES(mutex_);
  /// Wake the connection's thread and make it end. Any thread.
  void interrupt() EXCLUDES(mutex_);

 private:
  [[nodiscard]] int fd() EXCLUDES(mutex_);

  const std::uint64_t number_;
  Mutex mutex_;
  UniqueFd fd_ GUARDED_BY(mutex_);  ///< closed by its own thread only, so that thread may use it unlocked
};

/// start() and stop() from one thread; the counters from any.
class SocketServer {
 public:
  using Serve = std::function<void(Connection&)>;

  SocketServer() = default;
  ~SocketServer() { stop(); }
  SocketServer(const SocketServer&) = delete;
  SocketServer& operator=(const SocketServer&) = delete;

  /// Listen on 127.0.0.1; port 0 lets the kernel choose. Clients beyond `most_connections` wait to be
  /// accepted.
  [[nodiscard]] Result<void> start(std::uint16_t port, unsigned most_connections, Serve serve);
  /// Cut every connection, join every thread. Idempotent.
  void stop();

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] unsigned open_connections() const { return open_; }
  [[nodiscard]] unsigned peak_connections() const { return peak_; }
  void reset_peak() { peak_ = open_.load(); }

 private:
  struct Client {
    Client(UniqueFd fd, std::uint64_t number) : connection(std::move(fd), number) {}
    Connection connection;
    std::atomic<bool> done{false};
    std::jthread thread;
  };
  void accept_loop();
  void accept_one();
  void reap();

  Serve serve_;
  unsigned most_connections_{0};
  std::uint16_t port_{0};
  UniqueFd listener_;
  UniqueFd wake_;  ///< an eventfd: stop() ends the accepting thread with it
  std::uint64_t accepted_{0};
  std::atomic<unsigned> open_{0};
  std::atomic<unsigned> peak_{0};
  std::list<std::unique_ptr<Client>> clients_;  ///< of the accepting thread; of stop() after it is joined
  std::jthread acceptor_;
};

}  // namespace astrofs::sim
