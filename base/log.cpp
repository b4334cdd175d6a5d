// The only door to spdlog.
#include "base/log.h"

#include <fcntl.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/syslog_sink.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>

#include "base/mutex.h"
#include "base/one_line.h"
#include "base/redact.h"
#include "base/unique_fd.h"

namespace astrofs::log {
namespace {

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

/// The priority systemd reads from the start of a line, as of syslog(3): "<3>" is an error.
std::string_view journal_prefix(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::debug:
      return "<7>";
    case spdlog::level::info:
      return "<6>";
    case spdlog::level::warn:
      return "<4>";
    default:
      return "<3>";
  }
}

/// Two files of this size hold weeks of a busy mount, and years of a quiet one.
constexpr off_t kLongestLog = 16 << 20;

/// 0600: paths and hosts are nobody else's business. O_NOCTTY: a terminal given as log does not become ours.
UniqueFd open_log(const std::string& path) {
  return UniqueFd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600));
}

/// Each message is one write(2), so lines of several processes that append to one file stay whole.
class DescriptorSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  enum class Style : unsigned char { dated, journal };
  /// Without `owned` writes to stderr. A file has its `path`, so that it can begin anew.
  DescriptorSink(UniqueFd owned, Style style, std::string path = "")
      : owned_(std::move(owned)), path_(std::move(path)), style_(style) {
    // journald has its own clock and levels.
    const char* pattern = style == Style::journal ? "%v" : "%Y-%m-%dT%H:%M:%S.%e%z %l %v";
    set_formatter_(std::make_unique<spdlog::pattern_formatter>(pattern));
  }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    if (style_ == Style::journal) line.append(journal_prefix(message.level));
    formatter_->format(message, line);
    if (!path_.empty()) rotate();
    const int fd = owned_ ? owned_.get() : STDERR_FILENO;
    const char* at = line.data();
    std::size_t left = line.size();
    while (left > 0) {
      const ssize_t written = ::write(fd, at, left);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return;  // a full disk or a closed stderr: there is nowhere to say so
      at += written;
      left -= static_cast<std::size_t>(written);
    }
  }
  void flush_() override {}

  /// A full file steps aside for a new one. Another process that writes to it may have done so already; it
  /// goes on in the old one until that is full for it too.
  void rotate() {
    struct stat held {};
    struct stat named {};
    if (::fstat(owned_.get(), &held) != 0 || held.st_size < kLongestLog || !S_ISREG(held.st_mode)) return;
    const bool is_named = ::stat(path_.c_str(), &named) == 0 && named.st_ino == held.st_ino;
    if (is_named && ::rename(path_.c_str(), (path_ + ".1").c_str()) != 0) return;
    if (UniqueFd fresh = open_log(path_)) owned_ = std::move(fresh);
  }

  UniqueFd owned_;
  const std::string path_;
  const Style style_;
};

std::shared_ptr<spdlog::logger> logger_to(spdlog::sink_ptr sink) {
  auto logger = std::make_shared<spdlog::logger>("astrofs", std::move(sink));
  logger->set_level(spdlog::level::trace);  // enabled() has decided before
  return logger;
}

/// Reached by threads until the very end of the process, so it is never destroyed.
struct Output {
  Mutex mutex;
  std::shared_ptr<spdlog::logger> logger GUARDED_BY(mutex) =
      logger_to(std::make_shared<DescriptorSink>(UniqueFd(), DescriptorSink::Style::dated));
};

Output& output() {
  static auto* const kOutput = new Output;
  return *kOutput;
}

std::atomic<Level> lowest_level{Level::info};

std::optional<Level> level_named(std::string_view name) {
  if (name == "debug") return Level::debug;
  if (name == "info") return Level::info;
  if (name == "warning") return Level::warning;
  if (name == "error") return Level::error;
  return std::nullopt;
}

Result<spdlog::sink_ptr> open_target(const std::string& target) {
  using Style = DescriptorSink::Style;
  if (target.empty()) return std::make_shared<DescriptorSink>(UniqueFd(), Style::dated);
  if (target == "journal") return std::make_shared<DescriptorSink>(UniqueFd(), Style::journal);
  if (target == "syslog") {
    const bool dated = false;  // syslog has its own clock
    return std::make_shared<spdlog::sinks::syslog_sink_mt>("astrofs", LOG_PID, LOG_DAEMON, dated);
  }
  UniqueFd file = open_log(target);
  if (!file) {
    Error error = system_error(errno, "cannot open the log file " + target);
    error.message += "; name a file in a directory that exists and may be written, \"syslog\" or \"journal\"";
    return tl::unexpected<Error>(std::move(error));
  }
  return std::make_shared<DescriptorSink>(std::move(file), Style::dated, target);
}

}  // namespace

Result<void> start(const std::string& target, Level level) {
  if (const char* const name = std::getenv("ASTROFS_LOG_LEVEL"); name != nullptr && *name != '\0') {
    const std::optional<Level> named = level_named(name);
    if (!named) {
      return fail(Errc::invalid,
                  fmt::format("ASTROFS_LOG_LEVEL is '{}'; it may be debug, info, warning or error", name));
    }
    level = *named;
  }
  auto sink = open_target(target);
  if (!sink) return tl::unexpected<Error>(std::move(sink.error()));
  auto logger = logger_to(std::move(*sink));
  {
    const MutexLock lock(output().mutex);
    output().logger.swap(logger);
  }
  lowest_level = level;
  return {};
}

bool enabled(Level level) noexcept {
  return level >= lowest_level.load(std::memory_order_relaxed);
}

void write(Level level, std::string_view message) {
  if (!enabled(level)) return;
  std::shared_ptr<spdlog::logger> logger;
  {
    const MutexLock lock(output().mutex);
    logger = output().logger;
  }
  const std::string line = one_line(redact(message));
  logger->log(spdlog_level(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace astrofs::log
