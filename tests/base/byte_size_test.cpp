#include "base/byte_size.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace astrofs {
namespace {

void expect_bytes(std::string_view text, std::uint64_t bytes) {
  const auto parsed = parse_size(text);
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(*parsed, bytes) << text;
}

TEST(ByteSize, UnderstandsBinaryAndDecimalUnits) {
  expect_bytes("0", 0);
  expect_bytes("512", 512);
  expect_bytes("7 B", 7);
  expect_bytes("64 KiB", 64 * 1024);
  expect_bytes("100 GiB", 100ULL << 30U);
  expect_bytes("100gib", 100ULL << 30U);
  expect_bytes("100G", 100ULL << 30U);
  expect_bytes("1.5 TB", 1'500'000'000'000);
  expect_bytes("0.125 KiB", 128);
  expect_bytes("2 PiB", 2ULL << 50U);
  expect_bytes("9223372036854775807", 9223372036854775807ULL);
}

TEST(ByteSize, RefusesWhatIsNotASize) {
  for (const char* text :
       {"", " ", "GiB", "-1", "+1", "1 XiB", "1,5 GiB", "1. GiB", ".5 GiB", "1.2345 GiB", "1.5", "1.5 B",
        "0x10", "1e3", "1 GiB ", "1 G iB", "9223372036854775808", "8192 PiB", "99999999999999999999"}) {
    const auto parsed = parse_size(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, Errc::invalid);
    EXPECT_NE(parsed.error().message.find("100 GiB"), std::string::npos) << parsed.error().message;
  }
}

TEST(ByteSize, IsShownWithOneDecimalAtMost) {
  EXPECT_EQ(format_size(0), "0 B");
  EXPECT_EQ(format_size(1023), "1023 B");
  EXPECT_EQ(format_size(1024), "1 KiB");
  EXPECT_EQ(format_size(1536), "1.5 KiB");
  EXPECT_EQ(format_size((1ULL << 20U) - 1), "1 MiB");
  EXPECT_EQ(format_size(100ULL << 30U), "100 GiB");
  EXPECT_EQ(format_size(~0ULL), "16 EiB");
}

RC_GTEST_PROP(ByteSize, WhatIsShownIsReadBackWithinARounding, ()) {
  const auto bits = *rc::gen::inRange<unsigned>(0, 58);
  const std::uint64_t bytes = *rc::gen::arbitrary<std::uint64_t>() & ((1ULL << bits) - 1);
  const auto back = parse_size(format_size(bytes));
  RC_ASSERT(back.has_value());
  const std::uint64_t difference = *back > bytes ? *back - bytes : bytes - *back;
  RC_ASSERT(difference <= bytes / 16);  // half of 0.1 of at least one unit is below 5 %
}

}  // namespace
}  // namespace astrofs
