#include "base/joined_stop.h"

#include <gtest/gtest.h>

namespace astrofs {
namespace {

TEST(JoinedStop, EitherStopsIt) {
  for (const bool is_first : {true, false}) {
    std::stop_source one;
    std::stop_source other;
    const JoinedStop joined(one.get_token(), other.get_token());
    EXPECT_FALSE(joined.token().stop_requested());
    (is_first ? one : other).request_stop();
    EXPECT_TRUE(joined.token().stop_requested());
  }
}

TEST(JoinedStop, WhatIsStoppedAlreadyIsStopped) {
  std::stop_source one;
  one.request_stop();
  EXPECT_TRUE(JoinedStop(one.get_token(), {}).token().stop_requested());
  EXPECT_TRUE(JoinedStop({}, one.get_token()).token().stop_requested());
  EXPECT_FALSE(JoinedStop({}, {}).token().stop_requested());
}

}  // namespace
}  // namespace astrofs
