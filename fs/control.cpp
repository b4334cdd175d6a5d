#include "fs/control.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/executor.h"
#include "base/redact.h"
#include "fs/commands.h"
#include "fs/json_text.h"

namespace astrofs {
namespace {

constexpr unsigned kMostClients = 16;
/// A request line is a command and some paths; more is not a client of ours.
constexpr std::size_t kLongestRequest = 1 << 20;
/// A client that neither sends nor takes for so long is gone.
constexpr int kSocketSeconds = 30;
constexpr int kAcceptPollMs = 200;
/// At the end of the mount, for the last words of commands that are being ended.
constexpr std::chrono::seconds kLastWords{1};

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

/// One line, or what is too much for one; nothing when the client went away.
std::optional<std::string> read_request(int fd) {
  std::string line;
  char buffer[4096];
  std::size_t end = std::string::npos;
  while (end == std::string::npos && line.size() <= kLongestRequest) {
    const ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return std::nullopt;
    const std::size_t searched = line.size();
    line.append(buffer, static_cast<std::size_t>(n));
    end = line.find('\n', searched);
  }
  line.resize(std::min(end, line.size()));
  return line;
}

std::string error_line(const Error& error) {
  return json_text(
      nlohmann::json({{"error", {{"cause", name_of(error.code)}, {"message", redact(error.message)}}}}));
}

bool hung_up(int fd) {
  pollfd poll_fd{fd, POLLRDHUP, 0};
  return ::poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return fail(
        Errc::invalid,
        fmt::format("the control socket's path is too long: {}; set XDG_RUNTIME_DIR to a directory of "
                    "yours with a short name, or use another cache directory",
                    path));
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

}  // namespace

struct ControlServer::Client {
  UniqueFd connection;
  std::atomic<bool> ended{false};
  std::jthread thread;
};

namespace {

/// Nobody listens: asked of the socket itself, since a process that has died may keep its number for long (a
/// zombie), and one that lives elsewhere (in a container that shares the directory) has none here.
bool is_dead(const std::string& path) {
  const Result<sockaddr_un> address = address_of(path);
  const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!address || !socket) return false;
  return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0 &&
         errno == ECONNREFUSED;
}

/// Daemons that were killed leave their sockets behind.
void remove_dead_sockets(const std::string& dir) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(dir, error)) {
    const std::string name = entry.path().filename().string();
    pid_t pid = 0;
    const auto [end, code] = std::from_chars(name.data(), name.data() + name.size(), pid);
    const bool is_ours = code == std::errc() && std::string_view(end) == ".sock" && pid > 0;
    if (is_ours && is_dead(entry.path().string())) ::unlink(entry.path().c_str());
  }
}

}  // namespace

Result<std::string> control_socket_path(const std::string& cache_dir) {
  const std::string name = fmt::format("/{}.sock", ::getpid());
  std::string dir;
  if (::geteuid() == 0) {
    dir = "/run/astrofs";
  } else if (const char* runtime = std::getenv("XDG_RUNTIME_DIR"); runtime != nullptr && *runtime == '/') {
    dir = std::string(runtime) + "/astrofs";
  }
  const bool is_ours = !dir.empty() && (::mkdir(dir.c_str(), 0700) == 0 || errno == EEXIST) &&
                       ::access(dir.c_str(), W_OK) == 0;
  if (!is_ours) dir = cache_dir;
  remove_dead_sockets(dir);
  return address_of(dir + name).map([&](const sockaddr_un&) { return dir + name; });
}

Result<std::unique_ptr<ControlServer>> ControlServer::start(const std::string& path, Commands& commands) {
  // It gets its name when it listens: another mount that starts meanwhile must not take it for a dead one.
  const std::string unnamed = path.substr(0, path.rfind('.')) + ".new";
  const Result<sockaddr_un> address = address_of(unnamed);
  if (!address) return tl::unexpected<Error>(address.error());
  UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener) return tl::unexpected<Error>(system_error(errno, "control socket"));
  ::unlink(unnamed.c_str());  // the name carries our pid: whoever had it is dead
  const mode_t mask = ::umask(0177);
  const int bound = ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address);
  const int error = errno;
  ::umask(mask);
  if (bound != 0) return tl::unexpected<Error>(system_error(error, path));
  if (::listen(listener.get(), kMostClients) != 0 || ::rename(unnamed.c_str(), path.c_str()) != 0)
    return tl::unexpected<Error>(system_error(errno, path));
  return std::unique_ptr<ControlServer>(new ControlServer(std::move(listener), path, commands));
}

ControlServer::ControlServer(UniqueFd listener, std::string path, Commands& commands)
    : listener_(std::move(listener)),
      path_(std::move(path)),
      commands_(commands),
      thread_([this] { run(); }) {}

ControlServer::~ControlServer() {
  stopping_ = true;
  commands_.stop();
  thread_.join();
  ::unlink(path_.c_str());
  // Who still waits for a request finds its end; answers on their way go out.
  for (const auto& client : clients_) ::shutdown(client->connection.get(), SHUT_RD);
  const auto until = std::chrono::steady_clock::now() + kLastWords;
  const auto has_ended = [](const auto& client) { return client->ended.load(); };
  while (!std::ranges::all_of(clients_, has_ended) && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  // But not to who takes none: a client that was stopped would hold the end for as long as its patience.
  for (const auto& client : clients_) ::shutdown(client->connection.get(), SHUT_RDWR);
  clients_.clear();
}

void ControlServer::run() {
  name_this_thread("control");
  while (!stopping_) {
    pollfd poll_fd{listener_.get(), POLLIN, 0};
    if (::poll(&poll_fd, 1, kAcceptPollMs) > 0) accept_client();
    std::erase_if(clients_, [](const auto& client) { return client->ended.load(); });
  }
}

void ControlServer::accept_client() {
  auto client = std::make_unique<Client>();
  client->connection = UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  const int fd = client->connection.get();
  if (fd < 0) {
    // Out of descriptors: who knocks stays in the queue, so that poll() would not wait.
    if (errno != EAGAIN) std::this_thread::sleep_for(std::chrono::milliseconds(kAcceptPollMs));
    return;
  }
  const timeval patience{kSocketSeconds, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (clients_.size() >= kMostClients) {
    send_line(fd, error_line({Errc::unavailable, "too many commands are running on this mount; try again"}));
    return;
  }
  Client& kept = *clients_.emplace_back(std::move(client));
  try {
    kept.thread = std::jthread([this, &kept] {
      name_this_thread("control-c");
      serve(kept);
      ::shutdown(kept.connection.get(), SHUT_RDWR);  // closed when the control thread comes round to it
      kept.ended = true;
    });
  } catch (const std::system_error&) {
    send_line(fd, error_line({Errc::unavailable,
                              "the daemon has as many threads as it may (ulimit -u, TasksMax=); try again"}));
    clients_.pop_back();
  }
}

void ControlServer::serve(const Client& client) {
  const int fd = client.connection.get();
  const std::optional<std::string> request = read_request(fd);
  if (!request) return;
  if (request->size() > kLongestRequest) {
    send_line(fd, error_line({Errc::invalid, "the request is too long; name fewer paths at a time"}));
    return;
  }
  const Result<std::string> result = commands_.run(*request, [this, fd](const std::string& progress) {
    return !stopping_ && !hung_up(fd) && send_line(fd, progress);
  });
  send_line(fd, result ? "{\"result\":" + *result + "}" : error_line(result.error()));
}

}  // namespace astrofs
