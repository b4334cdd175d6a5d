// What could not be fetched a moment ago. The kernel remembers no error: it asks again at once for the page
// that its read-ahead did not bring, and so does each reader who waited for that page. They get the same
// error, and the archive is not asked again by each. Owned and locked by ObjectBlocks.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "cache/waits.h"

namespace astrofs {

class RecentFailures {
 public:
  /// Kept for `hold`; 0 keeps nothing.
  void note(BlockSpan blocks, const Error& error, SteadyTime now, std::chrono::milliseconds hold);
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  /// Why the block could not be had, if that was just now.
  [[nodiscard]] std::optional<Error> of(std::uint32_t block, SteadyTime now) const;

 private:
  struct Row {
    BlockSpan blocks;
    Error error;
    SteadyTime until;
  };
  std::vector<Row> rows_;
};

}  // namespace astrofs
