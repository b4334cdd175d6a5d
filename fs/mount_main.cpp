// mount.astrofs: parses, checks, forks, and comes back when the mount is ready.

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "base/log.h"
#include "base/redact.h"
#include "base/standard_files.h"
#include "base/unique_fd.h"
#include "cache/cache_dir.h"
#include "cache/recover.h"
#include "fs/ca_file.h"
#include "fs/daemon.h"
#include "fs/mount_options.h"

namespace {

using namespace astrofs;

/// mount(8)'s codes: 1 wrong invocation or permissions, 32 mount failure.
constexpr int kBadUsage = 1;
constexpr int kMountFailed = 32;
/// A mount that was just unmounted has its cache until its downloads are called off and its last commit is on
/// the disk: some 0.2 s, seconds on a slow disk.
constexpr std::chrono::milliseconds kLeavingPatience{5000};

int complain(const Error& error, int code) {
  std::fprintf(stderr, "mount.astrofs: %s\n", redact(error.message).c_str());
  return code;
}

/// systemd's readiness protocol: a datagram to the socket named in the environment.
void tell_systemd(const char* state) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || (*path != '/' && *path != '@')) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::size_t length = std::strlen(path);
  if (length >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, path, length);
  if (*path == '@') address.sun_path[0] = '\0';  // an abstract name
  const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
  (void)::sendto(socket.get(), state, std::strlen(state), MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&address), size);
}

Result<void> start_log(const MountOptions& options, const Config& config) {
  std::string target = options.log_target;
  if (target.empty() && !options.foreground) {
    if (const Result<UniqueFd> dir = open_cache_dir(config.cache_dir); !dir)
      return tl::unexpected<Error>(dir.error());
    target = config.cache_dir + "/astrofs.log";
  }
  return log::start(target, options.verbose ? log::Level::debug : log::Level::info);
}

/// Each open file of type local and each connection is a descriptor, and the usual limit of 1,024 is there
/// for programs that use select().
void allow_many_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

/// A thread that cannot be made is an error as any other, which takes the mount away again.
Result<void> run(const MountOptions& options, const Config& config, const std::function<void()>& ready) {
  try {
    return run_daemon(config, options, ready);
  } catch (const std::system_error& error) {
    return fail(Errc::unavailable,
                fmt::format("the system gives no thread or no memory: {}; see `ulimit -u`, "
                            "`ulimit -v` and TasksMax= of a unit",
                            error.what()));
  }
}

int serve(const MountOptions& options, const Config& config, const std::function<void()>& ready,
          const std::function<void(const Error&)>& failed) {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a limit of file sizes is one of what can be kept
  ::prctl(PR_SET_DUMPABLE, 0);    // tokens in memory do not go into cores
  allow_many_files();
  const Result<void> served = run(options, config, ready);
  if (served) return 0;
  failed(served.error());
  return kMountFailed;
}

int in_foreground(const MountOptions& options, const Config& config) {
  if (const Result<void> started = start_log(options, config); !started)
    return complain(started.error(), kMountFailed);
  const int code = serve(
      options, config, [] { tell_systemd("READY=1"); },
      [](const Error& error) { complain(error, kMountFailed); });
  tell_systemd("STOPPING=1");
  return code;
}

/// The parent waits for one line: "ready", or what went wrong.
int wait_for_child(pid_t child, int from_child) {
  std::string said;
  char buffer[512];
  ssize_t n = 0;
  while ((n = ::read(from_child, buffer, sizeof buffer)) > 0 || (n < 0 && errno == EINTR)) {
    if (n > 0) said.append(buffer, static_cast<std::size_t>(n));
    if (said.ends_with('\n')) break;
  }
  if (said == "ready\n") return 0;
  int status = 0;
  (void)::waitpid(child, &status, 0);
  if (said.empty()) said = "the daemon ended without a word; see its log\n";
  std::fprintf(stderr, "mount.astrofs: %s", said.c_str());
  return kMountFailed;
}

[[noreturn]] void be_daemon(const MountOptions& options, const Config& config, int to_parent) {
  ::setsid();
  (void)!::chdir("/");  // never keep the directory of the caller busy
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  ::dup2(null.get(), STDIN_FILENO);
  ::dup2(null.get(), STDOUT_FILENO);
  const auto say = [to_parent](const std::string& text) {
    const std::string line = redact(text) + '\n';
    (void)!::write(to_parent, line.data(), line.size());
  };
  if (const Result<void> started = start_log(options, config); !started) {
    say(started.error().message);
    std::_Exit(kMountFailed);
  }
  bool is_ready = false;
  const int code = serve(
      options, config,
      [&] {
        is_ready = true;
        ::dup2(null.get(), STDERR_FILENO);
        say("ready");
        ::close(to_parent);
      },
      [&](const Error& error) {
        if (is_ready)
          log::error("{}", error.message);
        else
          say(error.message);
      });
  std::exit(code);
}

int in_background(const MountOptions& options, const Config& config) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return complain(system_error(errno, "pipe"), kMountFailed);
  const pid_t child = ::fork();
  if (child < 0) return complain(system_error(errno, "fork"), kMountFailed);
  if (child == 0) {
    ::close(ends[0]);
    be_daemon(options, config, ends[1]);
  }
  ::close(ends[1]);
  const UniqueFd from_child(ends[0]);
  return wait_for_child(child, from_child.get());
}

/// The daemon changes its directory, so what is relative to the caller's is settled before.
void settle_paths(MountOptions& options) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  const fs::path place = fs::canonical(options.mountpoint, ignored);
  options.mountpoint =
      ignored ? fs::absolute(options.mountpoint, ignored).lexically_normal().string() : place.string();
  options.ca_file = ca_file_of_environment();
  const std::string& log = options.log_target;
  if (!log.empty() && log != "syslog" && log != "journal")
    options.log_target = fs::absolute(log, ignored).string();
}

}  // namespace

int main(int argc, char** argv) {
  open_standard_files();
  Result<CommandLine> line = parse_command_line(std::vector<std::string>(argv + 1, argv + argc));
  if (!line) return complain(line.error(), kBadUsage);
  if (!line->text.empty()) {
    std::fputs(line->text.c_str(), stdout);
    return 0;
  }
  MountOptions& options = line->mount;
  settle_paths(options);
  const Result<Config> config = effective_config(options);
  if (!config) return complain(config.error(), kBadUsage);
  if (const Result<void> checked = check_mount(*config, options); !checked)
    return complain(checked.error(), kBadUsage);
  if (options.fake) return 0;
  await_leaving(config->cache_dir, kLeavingPatience);  // here, where Ctrl-C ends it all
  return options.foreground ? in_foreground(options, *config) : in_background(options, *config);
}
