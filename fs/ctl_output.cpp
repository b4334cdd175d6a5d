#include "fs/ctl_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace astrofs {
namespace {

/// Lines are gathered into writes of this size.
constexpr std::size_t kPiece = 256 << 10;

}  // namespace

Result<Output> Output::open(const std::string& file) {
  if (file.empty()) return Output({}, STDOUT_FILENO, "standard output");
  UniqueFd made(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!made) return tl::unexpected<Error>(system_error(errno, file));
  const int fd = made.get();
  return Output(std::move(made), fd, file);
}

bool Output::is_terminal() const {
  return ::isatty(fd_) == 1;
}

void Output::write(std::string_view text) {
  waiting_ += text;
  if (waiting_.size() >= kPiece) flush();
}

void Output::flush() {
  std::string_view left = waiting_;
  while (outcome_ && !left.empty()) {
    const ssize_t n = ::write(fd_, left.data(), left.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) outcome_ = tl::unexpected<Error>(system_error(errno, name_));
    if (n > 0) left.remove_prefix(static_cast<std::size_t>(n));
  }
  waiting_.clear();
}

Result<void> Output::end() {
  flush();
  // Some file systems say only here that there is no room.
  if (file_ && ::close(file_.release()) != 0 && outcome_)
    outcome_ = tl::unexpected<Error>(system_error(errno, name_));
  return outcome_;
}

}  // namespace astrofs
