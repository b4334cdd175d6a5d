// A set of byte offsets kept as disjoint, merged ranges in order. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/bytes.h"

namespace astrofs {

class RangeSet {
 public:
  void insert(ByteRange range);
  void erase(ByteRange range);
  [[nodiscard]] bool contains(ByteRange range) const;
  /// The parts of `range` that are not in the set, in order.
  [[nodiscard]] std::vector<ByteRange> missing(ByteRange range) const;
  /// The parts of `range` that are in the set, in order.
  [[nodiscard]] std::vector<ByteRange> present(ByteRange range) const;
  [[nodiscard]] std::uint64_t total() const;
  [[nodiscard]] bool empty() const { return ranges_.empty(); }
  [[nodiscard]] std::vector<ByteRange> ranges() const;

 private:
  std::map<std::uint64_t, std::uint64_t> ranges_;  ///< first -> one past the last
};

}  // namespace astrofs
