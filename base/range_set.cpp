#include "base/range_set.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace astrofs {

void RangeSet::insert(ByteRange range) {
  if (range.empty()) return;
  std::uint64_t first = range.offset;
  std::uint64_t last = range.end();
  auto it = ranges_.upper_bound(first);
  if (it != ranges_.begin() && std::prev(it)->second >= first) --it;
  while (it != ranges_.end() && it->first <= last) {
    first = std::min(first, it->first);
    last = std::max(last, it->second);
    it = ranges_.erase(it);
  }
  ranges_.emplace(first, last);
}

void RangeSet::erase(ByteRange range) {
  if (range.empty()) return;
  auto it = ranges_.upper_bound(range.offset);
  if (it != ranges_.begin()) --it;
  while (it != ranges_.end() && it->first < range.end()) {
    const auto [first, last] = *it;
    if (last <= range.offset) {
      ++it;
      continue;
    }
    it = ranges_.erase(it);
    if (first < range.offset) ranges_.emplace(first, range.offset);
    if (last > range.end()) {
      ranges_.emplace(range.end(), last);
      break;
    }
  }
}

bool RangeSet::contains(ByteRange range) const {
  if (range.empty()) return true;
  auto it = ranges_.upper_bound(range.offset);
  return it != ranges_.begin() && std::prev(it)->second >= range.end();
}

std::vector<ByteRange> RangeSet::present(ByteRange range) const {
  std::vector<ByteRange> out;
  auto it = ranges_.upper_bound(range.offset);
  if (it != ranges_.begin()) --it;
  for (; it != ranges_.end() && it->first < range.end(); ++it) {
    const ByteRange common = range.intersect(ByteRange::between(it->first, it->second));
    if (!common.empty()) out.push_back(common);
  }
  return out;
}

std::vector<ByteRange> RangeSet::missing(ByteRange range) const {
  std::vector<ByteRange> out;
  std::uint64_t at = range.offset;
  for (const ByteRange& have : present(range)) {
    if (have.offset > at) out.push_back(ByteRange::between(at, have.offset));
    at = have.end();
  }
  if (at < range.end()) out.push_back(ByteRange::between(at, range.end()));
  return out;
}

std::uint64_t RangeSet::total() const {
  std::uint64_t sum = 0;
  for (const auto& [first, last] : ranges_) sum += last - first;
  return sum;
}

std::vector<ByteRange> RangeSet::ranges() const {
  std::vector<ByteRange> out;
  for (const auto& [first, last] : ranges_) out.push_back(ByteRange::between(first, last));
  return out;
}

}  // namespace astrofs
