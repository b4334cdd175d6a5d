#include "fs/read_pattern.h"

#include <algorithm>

namespace astrofs {
namespace {

/// The kernel sends a forward reader's requests from several threads: one that is this far out of order is
/// still in order.
constexpr std::uint64_t kReordering = 512 * 1024;

}  // namespace

bool ReadPattern::is_speculative(ByteRange asked) const {
  // Its requests come from several threads and in any order, so their sequence tells nothing.
  return !declined_ && asked.offset > head_.offset && asked.offset < head_.end() && asked.end() > head_.end();
}

ReadPlan ReadPattern::plan(ByteRange asked, bool must_answer, std::optional<std::uint64_t> header_at) {
  ReadPlan plan{asked, {}, false};
  const auto upto = [this](std::uint64_t end) { return std::min(end, size_); };

  const bool in_order =
      asked.offset <= last_end_ + kReordering && asked.end() + kReordering >= last_end_ && in_order_ > 0;
  const bool at_header =
      is_fits_ && (asked.offset == 0 || (header_at && asked.intersect({*header_at, 1}).length == 1));
  if (at_header && asked.length <= kHeaderBytes) {
    const std::uint64_t length = asked.offset == 0 ? kHeadBytes : kHeaderBytes;
    head_ = ByteRange::between(asked.offset, upto(asked.offset + length));
    plan.fetch = head_;
    in_order_ = asked.length;
    window_ = 0;
    ahead_to_ = head_.end();
    declined_ = false;
  } else if (!must_answer && is_speculative(asked)) {
    declined_ = true;
    plan.decline = true;
    return plan;
  } else if (in_order) {
    in_order_ += asked.length;
    if (in_order_ > kFirstWindow && asked.end() + window_ / 2 >= ahead_to_) {
      window_ = std::clamp(window_ * 2, kFirstWindow, kLargestWindow);
      const std::uint64_t from = std::max(asked.end(), ahead_to_);
      ahead_to_ = upto(asked.end() + window_);
      plan.ahead = ByteRange::between(from, ahead_to_);
    }
  } else {
    in_order_ = asked.length;
    window_ = 0;
    ahead_to_ = asked.end();
  }
  last_end_ = std::max(in_order ? last_end_ : 0, asked.end());
  return plan;
}

}  // namespace astrofs
