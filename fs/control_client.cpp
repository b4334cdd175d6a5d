#include "fs/control_client.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <optional>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/file_name.h"
#include "base/path_below.h"
#include "base/unique_fd.h"

namespace astrofs {
namespace {

constexpr std::string_view kType = "fuse.astrofs";
/// A daemon that says nothing for so long is asked whether it still lives.
constexpr int kSilenceMs = 10'000;

/// mountinfo writes blanks and the like as \ooo.
std::string unescape(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      out.push_back(static_cast<char>(std::strtol(text.substr(i + 1, 3).c_str(), nullptr, 8)));
      i += 3;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

/// Who mounted, of a FUSE mount's own options.
uid_t owner_in(const std::string& options) {
  constexpr std::string_view kOwner = "user_id=";
  std::stringstream stream(options);
  for (std::string option; std::getline(stream, option, ',');) {
    if (option.starts_with(kOwner))
      return static_cast<uid_t>(std::strtoul(option.c_str() + kOwner.size(), nullptr, 10));
  }
  return 0;
}

/// A line of mountinfo.
struct MountLine {
  MountPlace place;
  std::string device;
  std::string root;  ///< what of the file system is seen there
  [[nodiscard]] bool is_whole() const { return root == "/"; }
};

std::vector<MountLine> mount_lines() {
  std::vector<MountLine> mounts;
  std::ifstream table("/proc/self/mountinfo");
  for (std::string line; std::getline(table, line);) {
    std::stringstream fields(line);
    std::vector<std::string> words;
    for (std::string word; fields >> word;) words.push_back(word);
    std::size_t dash = 0;
    while (dash < words.size() && words[dash] != "-") ++dash;
    if (dash + 3 >= words.size() || words[dash + 1] != kType) continue;
    mounts.push_back({{unescape(words[4]), unescape(words[dash + 2]), owner_in(words[dash + 3])},
                      words[2],
                      unescape(words[3])});
  }
  return mounts;
}

/// The parts of a path put before those that are left to walk.
void put_first(std::deque<std::string>& left, const std::string& path) {
  std::deque<std::string> parts;
  std::stringstream stream(path);
  for (std::string part; std::getline(stream, part, '/');) {
    if (!part.empty() && part != ".") parts.push_back(part);
  }
  left.insert(left.begin(), parts.begin(), parts.end());
}

/// Absolute, symbolic links on the way to a mount followed. What lies on a mount is not asked: its daemon may
/// be stuck.
std::string resolved(const std::string& path, const std::vector<MountLine>& mounts) {
  constexpr unsigned kMostLinks = 40;  // as many as the kernel follows
  std::deque<std::string> left;
  put_first(left, path);
  if (!path.starts_with('/')) {
    char here[PATH_MAX];
    put_first(left, ::getcwd(here, sizeof here) ? here : "");
  }
  std::string at;
  for (unsigned links = 0; !left.empty();) {
    const std::string part = left.front();
    left.pop_front();
    if (part == "..") {
      at.resize(at.empty() ? 0 : at.rfind('/'));
      continue;
    }
    const std::string next = at + '/' + part;
    const bool on_mount = std::ranges::any_of(
        mounts, [&next](const auto& mount) { return path_below(next, mount.place.mountpoint).has_value(); });
    char target[PATH_MAX];
    const ssize_t length =
        on_mount || links > kMostLinks ? -1 : ::readlink(next.c_str(), target, sizeof target);
    if (length <= 0) {
      at = next;
      continue;
    }
    ++links;
    if (target[0] == '/') at.clear();
    put_first(left, std::string(target, static_cast<std::size_t>(length)));
  }
  return at.empty() ? "/" : at;
}

std::ptrdiff_t non_ascii(const std::string& text) {
  return std::ranges::count_if(text, [](char letter) { return static_cast<unsigned char>(letter) >= 0x80; });
}

/// A path of names as a mount shows them. What is no UTF-8 is written out, as the mount writes it: the kernel
/// finds that file by its true name, too. All else is as it is shown already.
std::string shown(const std::string& path) {
  std::string out;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t slash = std::min(path.find('/', at), path.size());
    const std::string name = path.substr(at, slash - at);
    const std::optional<std::string> encoded = encode_file_name(name);
    const bool is_shown = !encoded || non_ascii(*encoded) == non_ascii(name);
    out += is_shown ? name : *encoded;
    if (slash < path.size()) out += '/';
    at = slash + 1;
  }
  return out;
}

Error stuck(const MountPlace& mount) {
  return {
      Errc::timed_out,
      fmt::format("the daemon of {0} does not answer; end it with `kill` and the mount with `umount -l {0}`",
                  mount.mountpoint)};
}

bool readable_in_time(int fd) {
  pollfd poll_fd{fd, POLLIN, 0};
  int ready = 0;
  while ((ready = ::poll(&poll_fd, 1, kSilenceMs)) < 0 && errno == EINTR) {
  }
  return ready > 0;
}

/// Asked by a child: the kernel keeps who asks a stuck daemon, and not even SIGKILL frees it every time.
Result<std::string> socket_of(const MountPlace& mount) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return tl::unexpected<Error>(system_error(errno, "pipe"));
  const UniqueFd from_child(ends[0]);
  UniqueFd to_parent(ends[1]);
  char path[PATH_MAX];
  const pid_t child = ::fork();
  if (child < 0) return tl::unexpected<Error>(system_error(errno, "fork"));
  if (child == 0) {
    // Whoever reads our output must not wait for a child that is kept.
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::close(fd);
    const ssize_t length = ::getxattr(mount.mountpoint.c_str(), "user.astrofs.control", path, sizeof path);
    if (length > 0 && ::write(to_parent.get(), path, static_cast<std::size_t>(length)) == length) ::_exit(0);
    ::_exit(errno);
  }
  to_parent.reset();
  if (!readable_in_time(from_child.get())) {
    ::kill(child, SIGKILL);
    return tl::unexpected<Error>(stuck(mount));
  }
  const ssize_t length = ::read(from_child.get(), path, sizeof path);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (length > 0) return std::string(path, static_cast<std::size_t>(length));
  const int error = WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
  if (error == ENOTCONN) {
    return fail(Errc::unavailable,
                fmt::format("the daemon of {0} is gone; `fusermount3 -u {0}` clears the mount point",
                            mount.mountpoint));
  }
  return fail(Errc::unavailable,
              fmt::format("{} does not answer: {}", mount.mountpoint, std::strerror(error)));
}

Result<UniqueFd> connect_to(const std::string& path, const MountPlace& mount) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return fail(Errc::invalid, "the socket's path is too long");
  std::memcpy(address.sun_path, path.data(), path.size());
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval patience{kSilenceMs / 1000, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience,
               sizeof patience);  // connect() of a full queue waits, too
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
    return socket;
  if (errno == EAGAIN) return tl::unexpected<Error>(stuck(mount));
  if (errno == EACCES) {
    return fail(
        Errc::denied,
        fmt::format(
            "the daemon of {} answers only who mounted it, and root: run this as that user, or with sudo",
            mount.mountpoint));
  }
  return fail(Errc::unavailable,
              fmt::format("cannot reach the daemon of {}: {}", mount.mountpoint, std::strerror(errno)));
}

bool send_line(int fd, const std::string& text) {
  const std::string line = text + '\n';
  return ::send(fd, line.data(), line.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(line.size());
}

/// A command may take long; a daemon that is well answers another one meanwhile.
bool is_alive(const std::string& path, const MountPlace& mount) {
  const Result<UniqueFd> socket = connect_to(path, mount);
  return socket && send_line(socket->get(), "{}") && readable_in_time(socket->get());
}

/// A descriptor that becomes readable when the daemon has ended. Without the C library: the header of 2.36 is
/// unfit for C++.
UniqueFd watch_daemon(const MountPlace& mount) {
  const Result<std::string> path = socket_of(mount);
  if (!path) return {};
  const Result<UniqueFd> socket = connect_to(*path, mount);
  ucred daemon{};
  socklen_t size = sizeof daemon;
  if (!socket || ::getsockopt(socket->get(), SOL_SOCKET, SO_PEERCRED, &daemon, &size) != 0) return {};
  return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, daemon.pid, 0)));
}

Result<void> end_mount(const MountPlace& mount) {
  if (::geteuid() == 0) {
    if (::umount2(mount.mountpoint.c_str(), 0) == 0) return {};
    if (errno == EBUSY)
      return fail(Errc::unavailable,
                  mount.mountpoint + " is busy: a program has a file or its directory there");
    return tl::unexpected<Error>(system_error(errno, mount.mountpoint));
  }
  const pid_t child = ::fork();
  if (child < 0) return tl::unexpected<Error>(system_error(errno, "fork"));
  if (child == 0) {
    ::execlp("fusermount3", "fusermount3", "-u", mount.mountpoint.c_str(), nullptr);
    ::_exit(127);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return fail(Errc::unavailable, "fusermount3 could not unmount " + mount.mountpoint);
}

}  // namespace

std::vector<MountPlace> list_mounts() {
  std::vector<MountPlace> mounts;
  for (MountLine& line : mount_lines()) {
    if (line.is_whole()) mounts.push_back(std::move(line.place));
  }
  return mounts;
}

Result<PathInMount> place_of(const std::string& path) {
  const std::vector<MountLine> mounts = mount_lines();
  const std::string full = resolved(path, mounts);
  const MountLine* best = nullptr;
  for (const MountLine& mount : mounts) {
    if (!path_below(full, mount.place.mountpoint)) continue;
    if (best == nullptr || mount.place.mountpoint.size() >= best->place.mountpoint.size()) best = &mount;
  }
  if (best == nullptr) return fail(Errc::invalid, path + " is not inside a mount of astrofs");
  std::string relative(*path_below(full, best->place.mountpoint));
  if (best->is_whole()) return PathInMount{best->place, shown(relative)};
  // Its daemon tells its socket at the root only.
  const auto whole = std::ranges::find_if(
      mounts, [best](const MountLine& mount) { return mount.is_whole() && mount.device == best->device; });
  if (whole == mounts.end()) {
    return fail(Errc::unavailable, fmt::format("{} is {} of a mount of astrofs whose root is mounted nowhere",
                                               best->place.mountpoint, best->root));
  }
  relative = best->root.substr(1) + (relative.empty() ? "" : '/' + relative);
  return PathInMount{whole->place, shown(relative)};
}

Result<std::string> ask(const MountPlace& mount, const std::string& request,
                        const std::function<void(const std::string&)>& progress) {
  const Result<std::string> path = socket_of(mount);
  if (!path) return tl::unexpected<Error>(path.error());
  const Result<UniqueFd> socket = connect_to(*path, mount);
  if (!socket) return tl::unexpected<Error>(socket.error());
  (void)send_line(socket->get(), request);  // a daemon that refuses hangs up; why it does can still be read
  std::string text;
  char buffer[65'536];
  for (;;) {
    if (!readable_in_time(socket->get())) {
      if (!is_alive(*path, mount)) return tl::unexpected<Error>(stuck(mount));
      continue;
    }
    const ssize_t n = ::recv(socket->get(), buffer, sizeof buffer, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail(Errc::unavailable, "the daemon hung up before it answered");
    text.append(buffer, static_cast<std::size_t>(n));
    for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
      const std::string answer = text.substr(0, end);
      text.erase(0, end + 1);
      const nlohmann::json parsed = nlohmann::json::parse(answer, nullptr, false);
      if (!parsed.is_object()) return fail(Errc::internal, "the daemon's answer cannot be read");
      if (parsed.contains("progress")) {
        progress(parsed["progress"].dump());
      } else if (parsed.contains("result")) {
        return parsed["result"].dump();
      } else if (parsed.contains("error")) {
        return fail(Errc::unavailable, parsed["error"].value("message", "unknown error"));
      }
    }
  }
}

Result<void> unmount(const MountPlace& mount) {
  const UniqueFd daemon = watch_daemon(mount);
  if (Result<void> ended = end_mount(mount); !ended) return ended;
  if (daemon) (void)readable_in_time(daemon.get());  // so that the next mount finds the cache free
  return {};
}

}  // namespace astrofs
