// What `astrofs` shows of the daemon's answers. One thread; to the standard output and the standard error.
#pragma once

#include <chrono>
#include <string>

namespace astrofs {

/// The answer to a command, as text or as it came. False: the command has not done all it was asked for.
[[nodiscard]] bool print_result(const std::string& command, const std::string& answer, bool as_json);

/// Bytes, rate and time left: one line that rewrites itself on a terminal, a line every few seconds
/// elsewhere.
class ProgressLine {
 public:
  ProgressLine();
  /// `progress`: JSON, as the daemon sends it.
  void show(const std::string& progress);
  void end();

 private:
  using Moment = std::chrono::steady_clock::time_point;
  void print(Moment at, const std::string& line);

  const bool terminal_;
  const Moment started_;
  Moment last_{};
  bool shown_{false};
};

}  // namespace astrofs
