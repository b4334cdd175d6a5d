#include "fs/control_client.h"

#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/unique_fd.h"

namespace astrofs {
namespace {

constexpr std::string_view kType = "fuse.astrofs";

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

/// Absolute and without "." and "..", by text alone: what lies on a mount is not asked.
std::string normalised(const std::string& path) {
  std::string absolute = path;
  if (!absolute.starts_with('/')) {
    char here[PATH_MAX];
    absolute = std::string(::getcwd(here, sizeof here) ? here : "") + '/' + path;
  }
  std::vector<std::string> parts;
  std::stringstream stream(absolute);
  for (std::string part; std::getline(stream, part, '/');) {
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
    } else {
      parts.push_back(part);
    }
  }
  std::string out;
  for (const std::string& part : parts) out += '/' + part;
  return out.empty() ? "/" : out;
}

/// Symbolic links on the way to a mount are followed up to the deepest directory that can be asked without entering one of ours.
std::string through_links(const std::string& path, const std::vector<MountPlace>& mounts) {
  std::string head = path;
  std::string tail;
  while (head.size() > 1) {
    for (const MountPlace& mount : mounts) {
      if (head == mount.mountpoint) return head + tail;
    }
    const std::size_t slash = head.rfind('/');
    const std::string parent = slash == 0 ? "/" : head.substr(0, slash);
    bool inside = false;
    for (const MountPlace& mount : mounts) inside = inside || (parent + '/').starts_with(mount.mountpoint + '/');
    if (!inside) {
      char resolved[PATH_MAX];
      if (::realpath(head.c_str(), resolved) != nullptr) return std::string(resolved) + tail;
    }
    tail = head.substr(slash) + tail;
    head = parent;
  }
  return path;
}

Result<UniqueFd> connect_to(const MountPlace& mount) {
  char path[PATH_MAX];
  const ssize_t length = ::getxattr(mount.mountpoint.c_str(), "user.astrofs.control", path, sizeof path - 1);
  if (length <= 0) {
    return fail(Errc::unavailable, fmt::format("{} does not answer: {}", mount.mountpoint, std::strerror(errno)));
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (static_cast<std::size_t>(length) >= sizeof address.sun_path) return fail(Errc::invalid, "the socket's path is too long");
  std::memcpy(address.sun_path, path, static_cast<std::size_t>(length));
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail(errno == EACCES ? Errc::denied : Errc::unavailable,
                fmt::format("cannot reach the daemon of {}: {}", mount.mountpoint, std::strerror(errno)));
  }
  return socket;
}

}  // namespace

std::vector<MountPlace> list_mounts() {
  std::vector<MountPlace> mounts;
  std::ifstream table("/proc/self/mountinfo");
  for (std::string line; std::getline(table, line);) {
    std::stringstream fields(line);
    std::vector<std::string> words;
    for (std::string word; fields >> word;) words.push_back(word);
    std::size_t dash = 0;
    while (dash < words.size() && words[dash] != "-") ++dash;
    if (dash + 2 >= words.size() || words[dash + 1] != kType) continue;
    mounts.push_back({unescape(words[4]), unescape(words[dash + 2])});
  }
  return mounts;
}

Result<PathInMount> place_of(const std::string& path) {
  const std::vector<MountPlace> mounts = list_mounts();
  const std::string full = through_links(normalised(path), mounts);
  const MountPlace* best = nullptr;
  for (const MountPlace& mount : mounts) {
    if (!(full + '/').starts_with(mount.mountpoint + '/')) continue;
    if (best == nullptr || mount.mountpoint.size() >= best->mountpoint.size()) best = &mount;
  }
  if (best == nullptr) return fail(Errc::invalid, path + " is not inside a mount of astrofs");
  return PathInMount{*best, full.size() > best->mountpoint.size() ? full.substr(best->mountpoint.size() + 1) : ""};
}

Result<std::string> ask(const MountPlace& mount, const std::string& request,
                        const std::function<void(const std::string&)>& progress) {
  const Result<UniqueFd> socket = connect_to(mount);
  if (!socket) return tl::unexpected<Error>(socket.error());
  const std::string line = request + '\n';
  if (::send(socket->get(), line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size())) {
    return fail(Errc::unavailable, "the daemon hung up");
  }
  std::string text;
  char buffer[65'536];
  for (;;) {
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
  if (::geteuid() == 0) {
    if (::umount2(mount.mountpoint.c_str(), 0) == 0) return {};
    if (errno == EBUSY) return fail(Errc::unavailable, mount.mountpoint + " is busy: a program has a file or its directory there");
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

}  // namespace astrofs
