// A gzip stream of eight bytes that repeat, written without compressing anything: any length of them is a few
// hundred bytes before and a few behind one byte that repeats. Hence the same stream on every machine,
// whatever version of zlib it has. Pure; any thread. For fs/placeholder alone.
#pragma once

#include <cstdint>
#include <string>

#include "backends/format/fits_checksum.h"

namespace astrofs::fits {

struct GzipRun {
  std::string head;           ///< of the stream: its header, the code, the first bytes of data
  unsigned char repeated{0};  ///< then this byte,
  std::uint64_t times{0};     ///< so often: one for 516 bytes of data
  std::string tail;

  [[nodiscard]] std::uint64_t size() const { return head.size() + times + tail.size(); }
};

/// The stream of `length` bytes of a repeated pattern.
[[nodiscard]] GzipRun gzip_of(const Pattern& pattern, std::uint64_t length);

}  // namespace astrofs::fits
