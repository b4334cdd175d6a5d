#include "fs/read_pattern.h"

#include <algorithm>
#include <bit>

namespace astrofs {
namespace {

/// The kernel sends a forward reader's requests from several threads: one that is this far out of order is
/// still in order.
constexpr std::uint64_t kReordering = 512 * 1024;

}  // namespace

bool ReadPattern::may_be_a_folio(ByteRange asked) const {
  const std::uint64_t folio = std::bit_ceil(asked.length);
  return asked.offset % folio == 0 && (asked.length == folio || asked.end() == size_);
}

bool ReadPattern::is_speculative(ByteRange asked) const {
  // Its requests come from several threads and in any order, so their sequence tells nothing.
  return !declined_ && asked.offset > head_.offset && asked.offset < head_.end() &&
         asked.end() > head_.end() && !may_be_a_folio(asked);
}

ByteRange ReadPattern::widen(ByteRange asked, bool here) {
  // What belongs to a header is on its way, all of it.
  if (asked.end() <= last_end_ || head_.contains(asked)) return {};
  const std::uint64_t run = asked.end() - run_from_;
  if (coarse_ && !copied_ && run < kCoarseRun) return {};
  if (!here) {
    const Growth growth = asked.length >= kBulkRead ? kBulkGrowth : kSparseGrowth;
    window_ = std::max(window_, std::clamp(run * growth.per_run, growth.first, kLargestWindow));
  } else if (2 * window_ <= std::min(run, kLargestWindow)) {
    window_ *= 2;
  }
  if (asked.end() + window_ / 2 < ahead_to_) return {};
  const std::uint64_t from = std::max(asked.end(), ahead_to_);
  ahead_to_ = std::max(from, std::min(asked.end() + window_, size_));
  return ByteRange::between(from, ahead_to_);
}

ReadPlan ReadPattern::plan(ByteRange asked, bool here, bool direct, ByteRange header) {
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
    plan.ahead = widen(asked, here);
  } else {
    run_from_ = asked.offset;
    window_ = 0;
    ahead_to_ = asked.end();
    // Nobody looks at a header in such requests: this is a copy that begins.
    last_end_ = 0;
    copied_ = asked.offset == 0 && asked.length >= kBulkRead;
    if (copied_) plan.ahead = widen(asked, here);
  }
  last_end_ = std::max(in_order ? last_end_ : 0, asked.end());
  begun_ = true;
  return plan;
}

}  // namespace astrofs
