#include "fs/caller.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <string>

#include <fmt/format.h>

#include "base/unique_fd.h"

namespace astrofs {
namespace {

constexpr std::uint64_t kKilled = 1ULL << (SIGKILL - 1);

/// The set of signals in a line such as "SigPnd:\t0000000000000100".
std::uint64_t signals_of(const std::string& status, const char* name) {
  const std::size_t at = status.find(name);
  return at == std::string::npos
             ? 0
             : std::strtoull(status.c_str() + at + std::char_traits<char>::length(name), nullptr, 16);
}

}  // namespace

bool is_dying(pid_t thread) {
  if (thread <= 0) return true;
  const UniqueFd file(::open(fmt::format("/proc/{}/status", thread).c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return true;
  std::array<char, 8192>
      text{};  // a status has some 1500 bytes; of many groups more, behind the signals or not
  const ssize_t got = ::read(file.get(), text.data(), text.size());
  if (got <= 0) return true;
  const std::string status(text.data(), static_cast<std::size_t>(got));
  // The kernel turns every signal that ends a process without a core into SIGKILL, for each of its threads.
  return ((signals_of(status, "\nSigPnd:") | signals_of(status, "\nShdPnd:")) & kKilled) != 0;
}

}  // namespace astrofs
