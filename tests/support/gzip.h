// gzip, as servers and compressed images have it. Any thread.
#pragma once

#include <cstdint>
#include <string>

namespace astrofs::sim {

/// More than header and trailer of gzip and those of deflate's stored blocks take of a small input.
inline constexpr std::uint64_t kGzipFrame = 64;

[[nodiscard]] std::string gzip(const std::string& plain);

}  // namespace astrofs::sim
