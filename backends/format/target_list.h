// The target list of a light-curve pipeline's sector: CSV with the names of its columns in the first line,
// behind a '#'. Read piece by piece, for one has a hundred megabytes. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace astrofs::hlsp {

struct Target {
  std::uint64_t tic{0};   ///< 0: not said, of a star of Gaia
  std::uint64_t gaia{0};  ///< 0 where the list has no such column
  double ra{0}, dec{0};   ///< degrees
};

class TargetList {
 public:
  using Visit = std::function<void(const Target&)>;

  /// The next piece of the file. Errors: corrupt (its first line names no TIC_ID, RA and DEC: a page of HTML,
  /// say; a line without end).
  [[nodiscard]] Result<void> feed(std::string_view piece, const Visit& visit);
  /// What stands behind the last newline. corrupt: there was no first line.
  [[nodiscard]] Result<void> finish(const Visit& visit);
  /// Lines that name no target or no place.
  [[nodiscard]] std::size_t dropped() const { return dropped_; }

 private:
  [[nodiscard]] Result<void> take(std::string_view line, const Visit& visit);
  [[nodiscard]] Result<void> take_head(std::string_view line);

  std::string partial_;
  bool begun_{false};
  std::optional<std::size_t> tic_, gaia_, ra_, dec_;  ///< columns
  std::size_t dropped_{0};
};

}  // namespace astrofs::hlsp
