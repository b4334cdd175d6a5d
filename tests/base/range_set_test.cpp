#include "base/range_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

namespace astrofs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ByteRange, AnEmptyRangeOverlapsNothingAndIsContainedEverywhere) {
  const ByteRange whole{0, 100};
  EXPECT_FALSE(whole.overlaps({50, 0}));
  EXPECT_FALSE((ByteRange{50, 0}).overlaps(whole));
  EXPECT_TRUE(whole.contains({50, 0}));
  EXPECT_TRUE(whole.intersect({50, 0}).empty());
}

TEST(ByteRange, TouchingRangesDoNotOverlap) {
  EXPECT_FALSE((ByteRange{0, 10}).overlaps({10, 5}));
  EXPECT_TRUE((ByteRange{0, 11}).overlaps({10, 5}));
  EXPECT_EQ((ByteRange{0, 11}).intersect({10, 5}), (ByteRange{10, 1}));
}

TEST(ByteRange, BetweenCrossedBoundsIsEmpty) {
  EXPECT_TRUE(ByteRange::between(10, 3).empty());
  EXPECT_EQ(ByteRange::between(3, 10), (ByteRange{3, 7}));
}

TEST(Bytes, ACopyOfNothingIsEmpty) {
  const Bytes bytes = Bytes::copy_of("");
  EXPECT_TRUE(bytes.empty());
  EXPECT_EQ(bytes.text(), "");
}

TEST(Bytes, ASliceOutlivesTheWhole) {
  Bytes slice;
  {
    const Bytes whole = Bytes::copy_of("SIMPLE  =");
    slice = whole.slice(2, 4);
  }
  EXPECT_EQ(slice.text(), "MPLE");
}

TEST(RangeSet, MergesTouchingRanges) {
  RangeSet set;
  set.insert({0, 10});
  set.insert({20, 10});
  set.insert({10, 10});
  EXPECT_THAT(set.ranges(), ElementsAre(ByteRange{0, 30}));
}

TEST(RangeSet, KeepsApartWhatOneByteSeparates) {
  RangeSet set;
  set.insert({0, 10});
  set.insert({11, 10});
  EXPECT_THAT(set.ranges(), ElementsAre(ByteRange{0, 10}, ByteRange{11, 10}));
  EXPECT_FALSE(set.contains({0, 21}));
  EXPECT_THAT(set.missing({0, 21}), ElementsAre(ByteRange{10, 1}));
}

TEST(RangeSet, EraseFromTheMiddleSplits) {
  RangeSet set;
  set.insert({0, 100});
  set.erase({40, 20});
  EXPECT_THAT(set.ranges(), ElementsAre(ByteRange{0, 40}, ByteRange{60, 40}));
  EXPECT_EQ(set.total(), 80U);
}

TEST(RangeSet, EmptyRangesChangeNothing) {
  RangeSet set;
  set.insert({5, 0});
  EXPECT_TRUE(set.empty());
  set.insert({0, 10});
  set.erase({5, 0});
  EXPECT_THAT(set.ranges(), ElementsAre(ByteRange{0, 10}));
  EXPECT_THAT(set.missing({20, 0}), IsEmpty());
  EXPECT_THAT(set.present({5, 0}), IsEmpty());
}

TEST(RangeSet, HoldsOffsetsFarPastFourGigabytes) {
  const std::uint64_t far = 1ULL << 62U;
  RangeSet set;
  set.insert({far, 16});
  EXPECT_TRUE(set.contains({far + 3, 13}));
  EXPECT_FALSE(set.contains({far + 3, 14}));
}

/// Small offsets, so that ranges meet, touch and cover each other often.
ByteRange any_range() {
  return ByteRange{*rc::gen::inRange<std::uint64_t>(0, 64), *rc::gen::inRange<std::uint64_t>(0, 20)};
}

std::vector<std::uint64_t> offsets_of(const std::vector<ByteRange>& ranges) {
  std::vector<std::uint64_t> out;
  for (const ByteRange& range : ranges) {
    for (std::uint64_t at = range.offset; at < range.end(); ++at) out.push_back(at);
  }
  return out;
}

RC_GTEST_PROP(RangeSet, BehavesLikeAPlainSetOfOffsets, ()) {
  RangeSet set;
  std::set<std::uint64_t> model;
  const int steps = *rc::gen::inRange(1, 40);
  for (int step = 0; step < steps; ++step) {
    const ByteRange range = any_range();
    const bool insert = *rc::gen::weightedElement<bool>({{3, true}, {2, false}});
    if (insert) {
      set.insert(range);
    } else {
      set.erase(range);
    }
    for (std::uint64_t at = range.offset; at < range.end(); ++at) {
      if (insert) {
        model.insert(at);
      } else {
        model.erase(at);
      }
    }

    RC_ASSERT(offsets_of(set.ranges()) == std::vector<std::uint64_t>(model.begin(), model.end()));
    RC_ASSERT(set.total() == model.size());
    RC_ASSERT(set.empty() == model.empty());
    const std::vector<ByteRange> ranges = set.ranges();
    for (std::size_t i = 0; i < ranges.size(); ++i) {
      RC_ASSERT(!ranges[i].empty());
      if (i > 0) RC_ASSERT(ranges[i - 1].end() < ranges[i].offset);
    }

    const ByteRange asked = any_range();
    std::vector<std::uint64_t> present;
    std::vector<std::uint64_t> missing;
    for (std::uint64_t at = asked.offset; at < asked.end(); ++at)
      (model.contains(at) ? present : missing).push_back(at);
    RC_ASSERT(offsets_of(set.present(asked)) == present);
    RC_ASSERT(offsets_of(set.missing(asked)) == missing);
    RC_ASSERT(set.contains(asked) == missing.empty());
  }
}

}  // namespace
}  // namespace astrofs
