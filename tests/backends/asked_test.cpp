// What an archive remembers of what was asked for by name, and when it does not.
#include "backends/asked.h"

#include <gtest/gtest.h>

namespace astrofs {
namespace {

using Answered = Result<std::optional<int>>;

TEST(Asked, WhatIsForgottenWhileItIsAskedIsNotKept) {
  ManualClock clock;
  Asked<int, int> asked(clock, 8);
  const auto none = asked.for_finding(1, [&]() -> Answered {
    asked.forget();  // somebody has logged in
    return std::optional<int>();
  });
  ASSERT_TRUE(none);
  EXPECT_EQ(*none, nullptr) << "who asked is told";
  const auto there = asked.for_finding(1, []() -> Answered { return 5; });
  ASSERT_TRUE(there && *there);
  EXPECT_EQ(**there, 5);
  const auto listed = asked.for_listing(2, [&]() -> Answered {
    asked.forget();
    return 7;
  });
  ASSERT_TRUE(listed && *listed);
  EXPECT_EQ(asked.known(2), nullptr);
  EXPECT_EQ(asked.known(1), nullptr);
}

}  // namespace
}  // namespace astrofs
