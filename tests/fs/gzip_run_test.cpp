// fs/gzip_run in the eyes of zlib, which checks length and CRC of every stream that it ends.
#include "fs/gzip_run.h"

#include <zlib.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace astrofs::fits {
namespace {

constexpr Pattern kNaN = {std::byte{0x7F}, std::byte{0xF8}};

std::string text_of(const GzipRun& run) {
  return run.head + std::string(run.times, static_cast<char>(run.repeated)) + run.tail;
}

/// Inflates without keeping: how many bytes came out, and whether each was the pattern's. -1: no good stream.
std::int64_t good_bytes(const std::string& stream, const Pattern& pattern) {
  z_stream z{};
  if (inflateInit2(&z, 15 + 16) != Z_OK) return -1;
  std::string copy = stream;
  z.next_in = reinterpret_cast<Bytef*>(copy.data());
  z.avail_in = static_cast<uInt>(copy.size());
  std::vector<std::byte> out(1 << 16);
  std::vector<std::byte> expected;
  while (expected.size() < out.size()) expected.insert(expected.end(), pattern.begin(), pattern.end());
  std::int64_t count = 0;
  int status = Z_OK;
  while (status == Z_OK) {
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    status = inflate(&z, Z_NO_FLUSH);
    const std::size_t got = out.size() - z.avail_out;  // a full buffer but at the end: `expected` begins anew
    if (std::memcmp(out.data(), expected.data(), got) != 0) status = Z_DATA_ERROR;
    count += static_cast<std::int64_t>(got);
  }
  inflateEnd(&z);
  return status == Z_STREAM_END && z.avail_in == 0 ? count : -1;
}

TEST(GzipRun, IsTheGivenNumberOfBytesAtEveryShortLength) {
  for (std::int64_t length = 0; length < 2000; ++length) {
    ASSERT_EQ(good_bytes(text_of(gzip_of(kNaN, static_cast<std::uint64_t>(length))), kNaN), length);
  }
}

RC_GTEST_PROP(GzipRun, IsThePatternAtAnyLength, ()) {
  Pattern pattern{};
  for (std::byte& byte : pattern) byte = std::byte{*rc::gen::arbitrary<unsigned char>()};
  const auto length = *rc::gen::inRange<std::int64_t>(0, 3'000'000);
  RC_ASSERT(good_bytes(text_of(gzip_of(pattern, static_cast<std::uint64_t>(length))), pattern) == length);
}

TEST(GzipRun, TellsTheLengthOfALongerStreamThan32BitsHold) {
  const std::int64_t length = (std::int64_t{1} << 32) + 1234567;
  const GzipRun run = gzip_of(kNaN, static_cast<std::uint64_t>(length));
  EXPECT_EQ(good_bytes(text_of(run), kNaN), length);
}

TEST(GzipRun, IsOneRepeatedByteButForItsEnds) {
  const GzipRun run = gzip_of(kNaN, std::uint64_t{1} << 50);
  EXPECT_LT(run.head.size() + run.tail.size(), 400U);
  EXPECT_NEAR(static_cast<double>(run.size()), static_cast<double>(std::uint64_t{1} << 50) / 516, 400);
}

// A stream of today: whoever changes it changes files that were promised to stay as they are.
TEST(GzipRun, HasTheBytesItAlwaysHad) {
  const std::string text = text_of(gzip_of(kNaN, 2555ULL * 976 * 8));
  EXPECT_EQ(text.size(), 38'834U);
  EXPECT_EQ(crc32(0, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size())),
            1'363'462'212U);
}

}  // namespace
}  // namespace astrofs::fits
