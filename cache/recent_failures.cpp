#include "cache/recent_failures.h"

#include <algorithm>

namespace astrofs {
namespace {

/// More flights of one file than ever fail within one hold; what is beyond is only asked for again.
constexpr std::size_t kMostRows = 64;

}  // namespace

void RecentFailures::note(BlockSpan blocks, const Error& error, SteadyTime now,
                          std::chrono::milliseconds hold) {
  std::erase_if(rows_, [now](const Row& row) { return row.until <= now; });
  if (hold.count() > 0 && rows_.size() < kMostRows) rows_.push_back({blocks, error, now + hold});
}

std::optional<Error> RecentFailures::of(std::uint32_t block, SteadyTime now) const {
  const auto found = std::find_if(rows_.begin(), rows_.end(), [&](const Row& row) {
    return row.blocks.contains(block) && now < row.until;
  });
  return found == rows_.end() ? std::nullopt : std::optional(found->error);
}

}  // namespace astrofs
