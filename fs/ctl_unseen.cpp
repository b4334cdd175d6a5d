#include "fs/ctl_unseen.h"

#include <termios.h>
#include <unistd.h>
#include <csignal>

#include <array>
#include <cerrno>

#include <fmt/format.h>

namespace astrofs {
namespace {

/// More is a file that was piped by mistake.
constexpr std::size_t kLongestLine = 64 << 10;
/// What ends or stops a program at a terminal: it must not leave the terminal blind.
constexpr std::array<int, 6> kSignals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGALRM};

volatile std::sig_atomic_t caught = 0;

extern "C" void note_signal(int signal) {
  caught = signal;
}

/// While it lives the terminal shows nothing, and a signal interrupts a read instead of ending the program.
class Blind {
 public:
  Blind() {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    is_armed_ = true;
    struct sigaction action {};
    action.sa_handler = note_signal;  // and no SA_RESTART
    for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &action, &handlers_[i]);
    termios blind = before_;
    blind.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHOE | ECHOK | ECHONL);
    is_blind_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &blind) == 0;
  }
  ~Blind() {
    if (is_blind_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    for (std::size_t i = 0; is_armed_ && i < kSignals.size(); ++i)
      ::sigaction(kSignals[i], &handlers_[i], nullptr);
  }
  Blind(const Blind&) = delete;
  Blind& operator=(const Blind&) = delete;
  [[nodiscard]] bool is_blind() const { return is_blind_; }

 private:
  termios before_{};
  std::array<struct sigaction, kSignals.size()> handlers_{};
  bool is_armed_{false}, is_blind_{false};
};

Result<std::string> read_line() {
  std::string line;
  char one = 0;
  for (;;) {
    const ssize_t n = ::read(STDIN_FILENO, &one, 1);
    if (n < 0 && errno == EINTR && caught == 0) continue;
    if (n < 0) return fail(Errc::interrupted, "nothing was given");
    if (n == 0 || one == '\n') break;
    line.push_back(one);
    if (line.size() > kLongestLine) return fail(Errc::invalid, "that is no line but a file");
  }
  return line;
}

}  // namespace

Result<std::string> read_unseen(const std::string& prompt) {
  if (::isatty(STDIN_FILENO) != 1) return read_line();
  Result<std::string> line = fail(Errc::unavailable, "this terminal would show it");
  {
    const Blind blind;
    fmt::print(stderr, "{}", prompt);
    if (blind.is_blind()) line = read_line();
    fmt::print(stderr, "\n");
  }
  if (const int signal = caught; signal != 0) {
    caught = 0;
    std::raise(signal);  // as if it had not been held up
  }
  return line;
}

}  // namespace astrofs
