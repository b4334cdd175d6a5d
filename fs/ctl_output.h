// Where a command's answer goes: the standard output, or a file that is made anew. One thread.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/unique_fd.h"

namespace astrofs {

class Output {
 public:
  /// "": the standard output.
  [[nodiscard]] static Result<Output> open(const std::string& file);

  [[nodiscard]] bool is_terminal() const;
  /// What goes wrong is said by end(). Nothing is written after it.
  void write(std::string_view text);
  /// All is written, or why not.
  [[nodiscard]] Result<void> end();

 private:
  Output(UniqueFd file, int fd, std::string name) : file_(std::move(file)), fd_(fd), name_(std::move(name)) {}
  void flush();

  UniqueFd file_;
  int fd_;
  std::string name_;
  std::string waiting_;
  Result<void> outcome_;
};

}  // namespace astrofs
