// One logger for the daemon. Errors are logged once, where they are decided, with path, host, status,
// attempt. Each message is one line, without secrets (base/redact.h). Any thread. Before start() messages go
// to stderr.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace astrofs::log {

enum class Level : unsigned char { debug, info, warning, error };

/// Where to write: "" = stderr, "syslog", "journal" (stderr with priorities), or a file's path (appended to,
/// made 0600; at 16 MiB it steps aside as PATH.1). The level is that of $ASTROFS_LOG_LEVEL (debug, info, warning, error), else `level`. On an
/// error all stays as it was.
[[nodiscard]] Result<void> start(const std::string& target, Level level);

[[nodiscard]] bool enabled(Level level) noexcept;
void write(Level level, std::string_view message);

template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::debug)) write(Level::debug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::info)) write(Level::info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::warning)) write(Level::warning, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::error, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace astrofs::log
