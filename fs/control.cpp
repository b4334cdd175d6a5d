#include "fs/control.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/executor.h"
#include "base/log.h"
#include "fs/commands.h"

namespace astrofs {
namespace {

constexpr unsigned kMostClients = 16;
/// A request line is a command and some paths; more is not a client of ours.
constexpr std::size_t kLongestRequest = 1 << 20;
/// A client that neither sends nor takes for so long is gone.
constexpr int kSocketSeconds = 30;
constexpr int kAcceptPollMs = 200;

bool send_line(int fd, std::string line) {
  line.push_back('\n');
  std::size_t sent = 0;
  while (sent < line.size()) {
    const ssize_t n = ::send(fd, line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    sent += static_cast<std::size_t>(n);
  }
  return true;
}

bool read_line(int fd, std::string& line) {
  char buffer[4096];
  while (line.find('\n') == std::string::npos) {
    if (line.size() > kLongestRequest) return false;
    const ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    line.append(buffer, static_cast<std::size_t>(n));
  }
  line.resize(line.find('\n'));
  return true;
}

bool hung_up(int fd) {
  pollfd poll_fd{fd, POLLRDHUP, 0};
  return ::poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return fail(Errc::invalid, fmt::format("the control socket's path is too long: {}", path));
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

}  // namespace

std::string control_socket_path(const std::string& cache_dir) {
  const std::string name = fmt::format("/{}.sock", ::getpid());
  std::string dir;
  if (::geteuid() == 0) {
    dir = "/run/astrofs";
  } else if (const char* runtime = std::getenv("XDG_RUNTIME_DIR"); runtime != nullptr && *runtime == '/') {
    dir = std::string(runtime) + "/astrofs";
  }
  if (!dir.empty() && (::mkdir(dir.c_str(), 0700) == 0 || errno == EEXIST) && ::access(dir.c_str(), W_OK) == 0) {
    return dir + name;
  }
  return cache_dir + name;
}

Result<std::unique_ptr<ControlServer>> ControlServer::start(const std::string& path, Commands& commands) {
  const Result<sockaddr_un> address = address_of(path);
  if (!address) return tl::unexpected<Error>(address.error());
  UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener) return tl::unexpected<Error>(system_error(errno, "control socket"));
  ::unlink(path.c_str());  // the name carries our pid: whoever had it is dead
  const mode_t mask = ::umask(0177);
  const int bound = ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address);
  const int error = errno;
  ::umask(mask);
  if (bound != 0) return tl::unexpected<Error>(system_error(error, path));
  if (::listen(listener.get(), kMostClients) != 0) return tl::unexpected<Error>(system_error(errno, path));
  return std::unique_ptr<ControlServer>(new ControlServer(std::move(listener), path, commands));
}

ControlServer::ControlServer(UniqueFd listener, std::string path, Commands& commands)
    : listener_(std::move(listener)), path_(std::move(path)), commands_(commands), thread_([this] { run(); }) {}

ControlServer::~ControlServer() {
  stopping_ = true;
  commands_.stop();
  thread_.join();
  ::unlink(path_.c_str());
  std::vector<std::jthread> clients;
  {
    const MutexLock lock(mutex_);
    clients.swap(clients_);
  }
}

void ControlServer::run() {
  name_this_thread("control");
  while (!stopping_) {
    pollfd poll_fd{listener_.get(), POLLIN, 0};
    if (::poll(&poll_fd, 1, kAcceptPollMs) <= 0) continue;
    UniqueFd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection) continue;
    const timeval patience{kSocketSeconds, 0};
    ::setsockopt(connection.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(connection.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (active_.load() >= kMostClients) {
      send_line(connection.get(), R"({"error":{"cause":"unavailable","message":"too many control clients"}})");
      continue;
    }
    ++active_;
    const MutexLock lock(mutex_);
    if (active_.load() == 1) clients_.clear();  // all earlier ones have ended
    clients_.emplace_back([this, fd = std::make_shared<UniqueFd>(std::move(connection))] {
      name_this_thread("control-c");
      serve(std::move(*fd));
      --active_;
    });
  }
}

void ControlServer::serve(UniqueFd connection) {
  std::string request;
  if (!read_line(connection.get(), request)) return;
  const int fd = connection.get();
  const Result<std::string> result = commands_.run(request, [this, fd](const std::string& progress) {
    return !stopping_ && !hung_up(fd) && send_line(fd, progress);
  });
  if (result) {
    send_line(fd, "{\"result\":" + *result + "}");
    return;
  }
  const nlohmann::json error = {
      {"error", {{"cause", name_of(result.error().code)}, {"message", result.error().message}}}};
  send_line(fd, error.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace astrofs
