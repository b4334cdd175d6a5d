#include "tests/support/sim_server.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "base/executor.h"

namespace astrofs::sim {

int Connection::fd() {
  const MutexLock lock(mutex_);
  return fd_.get();
}

bool Connection::send(std::span<const std::byte> data) {
  const int socket = fd();
  while (!data.empty()) {
    const ssize_t sent = ::send(socket, data.data(), data.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    data = data.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

std::size_t Connection::receive(std::span<char> into) {
  for (;;) {
    const ssize_t got = ::recv(fd(), into.data(), into.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    return got > 0 ? static_cast<std::size_t>(got) : 0;
  }
}

bool Connection::pause(std::chrono::nanoseconds duration) {
  const SteadyTime until = std::chrono::steady_clock::now() + duration;
  for (;;) {
    const auto left = until - std::chrono::steady_clock::now();
    if (left <= left.zero()) return true;
    const timespec wait{
        .tv_sec = std::chrono::duration_cast<seconds>(left).count(),
        .tv_nsec = (std::chrono::duration_cast<std::chrono::nanoseconds>(left) % seconds(1)).count()};
    pollfd waiting{.fd = fd(), .events = POLLRDHUP, .revents = 0};
    const int ready = ::ppoll(&waiting, 1, &wait, nullptr);
    if (ready > 0 || (ready < 0 && errno != EINTR)) return false;
  }
}

void Connection::hold() {
  while (pause(seconds(3600))) {
  }
}

void Connection::reset() {
  const MutexLock lock(mutex_);
  const linger at_once{.l_onoff = 1, .l_linger = 0};  // close() then sends RST instead of FIN
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  fd_.reset();
}

void Connection::close() {
  const MutexLock lock(mutex_);
  fd_.reset();
}

void Connection::interrupt() {
  const MutexLock lock(mutex_);
  if (fd_) ::shutdown(fd_.get(), SHUT_RDWR);
}

Result<void> SocketServer::start(std::uint16_t port, unsigned most_connections, Serve serve) {
  stop();
  UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener) return tl::unexpected(system_error(errno, "socket"));
  const int on = 1;
  ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      ::listen(listener.get(), SOMAXCONN) != 0 ||
      ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    return tl::unexpected(system_error(errno, "listen on the loopback address"));
  }
  wake_.reset(::eventfd(0, EFD_CLOEXEC));
  if (!wake_) return tl::unexpected(system_error(errno, "eventfd"));
  listener_ = std::move(listener);
  port_ = ntohs(address.sin_port);
  most_connections_ = most_connections;
  serve_ = std::move(serve);
  acceptor_ = std::jthread([this] { accept_loop(); });
  return {};
}

void SocketServer::stop() {
  if (!acceptor_.joinable()) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
  acceptor_.join();
  listener_.reset();
  for (const auto& client : clients_) client->connection.interrupt();
  clients_.clear();
}

void SocketServer::accept_loop() {
  name_this_thread("sim-accept");
  for (;;) {
    reap();
    const bool full = clients_.size() >= most_connections_;
    pollfd waiting[] = {{.fd = wake_.get(), .events = POLLIN, .revents = 0},
                        {.fd = full ? -1 : listener_.get(), .events = POLLIN, .revents = 0}};
    // When full, look again soon for a thread that has ended; otherwise tidy up once a second.
    if (::poll(waiting, 2, full ? 5 : 1000) < 0 && errno != EINTR) return;
    if ((waiting[0].revents & POLLIN) != 0) return;
    if ((waiting[1].revents & POLLIN) != 0) accept_one();
  }
}

void SocketServer::accept_one() {
  UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!fd) return;
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // small answers must not wait for an ACK
  peak_ = std::max(peak_.load(), ++open_);
  clients_.push_back(std::make_unique<Client>(std::move(fd), ++accepted_));
  Client& client = *clients_.back();
  client.thread = std::jthread([this, &client] {
    name_this_thread("sim-conn");
    serve_(client.connection);
    client.connection.close();
    --open_;
    client.done = true;
  });
}

void SocketServer::reap() {
  clients_.remove_if([](const auto& client) { return client->done.load(); });
}

}  // namespace astrofs::sim
