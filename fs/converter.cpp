#include "fs/converter.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <string_view>

#include <fmt/format.h>

namespace astrofs {
namespace {

constexpr std::string_view kProgram = "astrofs-hdf5";
/// The program's descriptor; what it is given is moved above it first.
constexpr int kScratch = 3;
constexpr int kAbove = 10;

UniqueFd moved(int fd) {
  return UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, kAbove));
}

struct Actions {
  Actions() { posix_spawn_file_actions_init(&files); }
  ~Actions() { posix_spawn_file_actions_destroy(&files); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
  posix_spawn_file_actions_t files{};
};

struct Attributes {
  Attributes() { posix_spawnattr_init(&values); }
  ~Attributes() { posix_spawnattr_destroy(&values); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  posix_spawnattr_t values{};
};

Result<pid_t> spawn(const std::string& program, const std::string& output,
                    std::array<std::pair<int, int>, 3> descriptors, ConverterLimits limits) {
  Actions actions;
  for (const auto& [from, to] : descriptors) posix_spawn_file_actions_adddup2(&actions.files, from, to);
  // Libraries open files of this program without O_CLOEXEC.
  posix_spawn_file_actions_addclosefrom_np(&actions.files, kScratch + 1);
  Attributes attributes;
  // The threads of a mount block signals, and it ignores some.
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes.values, &none);
  posix_spawnattr_setsigdefault(&attributes.values, &all);
  posix_spawnattr_setflags(&attributes.values, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::array<std::string, 5> words{std::string(kProgram), output, std::to_string(kScratch),
                                   std::to_string(limits.memory), std::to_string(limits.largest)};
  std::array<char*, 6> arguments{};
  for (std::size_t i = 0; i < words.size(); ++i) arguments[i] = words[i].data();
  // Of what its user has in the environment it needs nothing.
  std::array<char*, 1> environment{nullptr};
  pid_t child = -1;
  const int error = ::posix_spawn(&child, program.c_str(), &actions.files, &attributes.values,
                                  arguments.data(), environment.data());
  if (error != 0)
    return fail(Errc::unavailable, fmt::format("cannot start {}: {}", program, std::strerror(error)));
  return child;
}

}  // namespace

std::string converter_program() {
  std::array<char, PATH_MAX> self{};
  const ssize_t length = ::readlink("/proc/self/exe", self.data(), self.size());
  const std::string_view path(self.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
  const std::string folder(path.substr(0, path.rfind('/') == std::string_view::npos ? 0 : path.rfind('/')));
  std::string beside = fmt::format("{}/{}", folder, kProgram);
  if (::access(beside.c_str(), X_OK) == 0) return beside;
  return fmt::format("{}/../libexec/astrofs/{}", folder, kProgram);
}

Result<std::unique_ptr<Converter>> Converter::start(const std::string& program, const std::string& output,
                                                    int scratch, const Recipe& recipe,
                                                    ConverterLimits limits) {
  const Result<std::string> head = recipe_head(recipe);
  if (!head) return tl::unexpected<Error>(head.error());
  std::array<int, 2> ends{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return tl::unexpected<Error>(system_error(errno, "a line to " + program));
  UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);
  const UniqueFd line = moved(theirs.get());
  const UniqueFd space = moved(scratch);
  if (!line || !space) return tl::unexpected<Error>(system_error(errno, "descriptors of " + program));
  const Result<pid_t> child = spawn(
      program, output,
      {std::pair(line.get(), STDIN_FILENO), {line.get(), STDOUT_FILENO}, {space.get(), kScratch}}, limits);
  if (!child) return tl::unexpected<Error>(child.error());
  std::unique_ptr<Converter> converter(new Converter(*child, std::move(ours)));
  const MutexLock lock(converter->feed_);
  if (!converter->send(*head)) {
    const Result<WrittenFile>& words = converter->last_words();
    return tl::unexpected<Error>(words ? Error{Errc::internal, program + " wants no recipe"} : words.error());
  }
  return converter;
}

Converter::Converter(pid_t pid, UniqueFd line) : pid_(pid), line_(std::move(line)) {}

Converter::~Converter() {
  stop();
  const MutexLock lock(process_);
  if (!reaped_) ::waitpid(pid_, nullptr, 0);
}

void Converter::stop() {
  const MutexLock lock(process_);
  if (!reaped_) ::kill(pid_, SIGKILL);
}

bool Converter::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(line_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

Result<void> Converter::add(const PartLine& part, const Bytes& file) {
  {
    const MutexLock lock(feed_);
    if (send(part_line(part)) && send(file.text())) return {};
  }
  return tl::unexpected<Error>(early_end());
}

bool Converter::ends_before(int other) const {
  std::array<struct pollfd, 2> either{{{line_.get(), POLLIN, 0}, {other, POLLIN, 0}}};
  while (::poll(either.data(), either.size(), -1) < 0 && errno == EINTR) {
  }
  return either[1].revents == 0;
}

Error Converter::early_end() {
  const MutexLock lock(feed_);
  const Result<WrittenFile>& words = last_words();
  if (!words) return words.error();
  return {Errc::internal, "the program that writes HDF5 ended too soon"};
}

Result<WrittenFile> Converter::finish() {
  const MutexLock lock(feed_);
  (void)send(std::string(kEndLine) + "\n");  // where it is gone, it has said why
  return last_words();
}

const Result<WrittenFile>& Converter::last_words() {
  if (!last_words_) last_words_ = wait_for_end();
  return *last_words_;
}

Result<WrittenFile> Converter::wait_for_end() {
  std::string said;
  std::array<char, 512> piece{};
  for (;;) {
    const ssize_t n = ::recv(line_.get(), piece.data(), piece.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    said.append(piece.data(), static_cast<std::size_t>(n));
  }
  // It is watched until it has ended, and its number given back only then: nobody else's is ever killed.
  siginfo_t ended{};
  while (::waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  {
    const MutexLock lock(process_);
    if (!reaped_) ::waitpid(pid_, nullptr, 0);
    reaped_ = true;
  }
  if (said.ends_with('\n')) return parse_answer_line(std::string_view(said).substr(0, said.find('\n')));
  if (ended.si_code == CLD_KILLED || ended.si_code == CLD_DUMPED)
    return fail(Errc::unavailable,
                fmt::format("the program that writes HDF5 was killed by signal {}", ended.si_status));
  return fail(Errc::unavailable,
              fmt::format("the program that writes HDF5 ended with {} and said nothing", ended.si_status));
}

}  // namespace astrofs
