#include "fs/read_pattern.h"

#include <algorithm>
#include <bit>

#include "cache/block_cache.h"

namespace astrofs {
namespace {

/// The kernel sends a forward reader's requests from several threads: one that is this far out of order is
/// still in order.
constexpr std::uint64_t kReordering = 512 * 1024;

/// What a line brings in this time, or in so many round trips if that is longer, is ahead of a reader at
/// first, and at most.
struct Reach {
  std::chrono::milliseconds time;
  int trips;
};
constexpr Reach kAtFirst{std::chrono::milliseconds(250), 2};
constexpr Reach kAtMost{std::chrono::milliseconds(2000), 8};
/// On the slowest line: as many times the first read as any other window is, and twice that.
constexpr std::uint64_t kLeastBulk = kBulkGrowth * kBulkRead;
constexpr std::uint64_t kLeastLargest = 2 * kLeastBulk;
/// Who picks may pick nothing more: what one connection brings in one round trip, within these bounds.
constexpr std::uint64_t kLeastSparse = 128 * 1024;
constexpr std::uint64_t kMostSparse = 1024 * 1024;

std::uint64_t bytes_in(std::chrono::nanoseconds time, double per_second) {
  const double bytes = std::chrono::duration<double>(time).count() * per_second;
  return static_cast<std::uint64_t>(std::min(bytes, 1e18));  // of a line that was measured in no time at all
}

}  // namespace

Windows windows_for(const http::Pace& pace) {
  Windows windows;
  if (!pace.latency || !pace.rate) return windows;
  // Connections that share a line were slow together when they were measured, so this is all of it.
  const double line = *pace.rate * static_cast<double>(std::min<std::size_t>(pace.connections, kPieces));
  const auto within = [&](const Reach& reach) {
    return bytes_in(std::max<std::chrono::nanoseconds>(reach.time, reach.trips * *pace.latency), line);
  };
  windows.sparse = std::clamp(bytes_in(*pace.latency, *pace.rate), kLeastSparse, kMostSparse);
  windows.bulk = std::clamp(within(kAtFirst), kLeastBulk, windows.bulk);
  windows.largest = std::clamp(within(kAtMost), kLeastLargest, windows.largest);
  return windows;
}

bool ReadPattern::may_be_a_folio(ByteRange asked) const {
  const std::uint64_t folio = std::bit_ceil(asked.length);
  return asked.offset % folio == 0 && (asked.length == folio || asked.end() == size_);
}

bool ReadPattern::is_speculative(ByteRange asked) const {
  // Its requests come from several threads and in any order, so their sequence tells nothing.
  return !declined_ && asked.offset > head_.offset && asked.offset < head_.end() &&
         asked.end() > head_.end() && !may_be_a_folio(asked);
}

ByteRange ReadPattern::widen(ByteRange asked, bool here, const Windows& windows) {
  // What belongs to a header is on its way, all of it.
  if (asked.end() <= last_end_ || head_.contains(asked)) return {};
  const std::uint64_t run = asked.end() - run_from_;
  if (coarse_ && !copied_ && run < kCoarseRun) return {};
  if (!here) {
    const bool bulk = asked.length >= kBulkRead;
    const std::uint64_t wanted = run * (bulk ? kBulkGrowth : kSparseGrowth);
    window_ = std::clamp(std::max(window_, wanted), bulk ? windows.bulk : windows.sparse, windows.largest);
  } else if (2 * window_ <= std::min(run, windows.largest)) {
    window_ *= 2;
  }
  if (asked.end() + window_ / 2 < ahead_to_) return {};
  const std::uint64_t from = std::max(asked.end(), ahead_to_);
  ahead_to_ = std::max(from, std::min(asked.end() + window_, size_));
  return ByteRange::between(from, ahead_to_);
}

ReadPlan ReadPattern::plan(ByteRange asked, bool here, bool direct, ByteRange header,
                           const Windows& windows) {
  ReadPlan plan{asked, {}, false};
  const bool in_order =
      begun_ && asked.offset <= last_end_ + kReordering && asked.end() + kReordering >= last_end_;
  const bool at_header =
      is_fits_ &&
      (asked.offset == 0 || asked.intersect({header.offset, std::min(header.length, 1UL)}).length == 1);
  if (at_header && asked.length <= kHeaderBytes) {
    const std::uint64_t end = asked.offset == 0 ? kHeadBytes : std::max(asked.end(), header.end());
    head_ = ByteRange::between(asked.offset, std::min(end, size_));
    plan.fetch = head_;
    run_from_ = asked.offset;
    window_ = 0;
    ahead_to_ = head_.end();
    declined_ = false;
  } else if (!here && !direct && is_speculative(asked)) {
    declined_ = true;
    plan.decline = true;
    return plan;
  } else if (in_order) {
    plan.ahead = widen(asked, here, windows);
  } else {
    run_from_ = asked.offset;
    window_ = 0;
    ahead_to_ = asked.end();
    // Nobody looks at a header in such requests: this is a copy that begins.
    last_end_ = 0;
    copied_ = asked.offset == 0 && asked.length >= kBulkRead;
    if (copied_) plan.ahead = widen(asked, here, windows);
  }
  last_end_ = std::max(in_order ? last_end_ : 0, asked.end());
  begun_ = true;
  return plan;
}

}  // namespace astrofs
