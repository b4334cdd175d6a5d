// An ASDF file in memory, and what a reader asked of it.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "backends/format/asdf_blocks.h"
#include "base/bytes.h"

namespace astrofs::testing {

struct AsdfBytes {
  explicit AsdfBytes(std::string bytes) : content(std::move(bytes)) {}

  std::string content;
  std::vector<ByteRange> asked;

  /// This outlives the reader.
  ReadAt reader() {
    return [this](std::uint64_t offset, std::span<std::byte> into) -> Result<void> {
      asked.push_back({offset, into.size()});
      if (offset > content.size() || into.size() > content.size() - offset) {
        ADD_FAILURE() << "read behind the end";
        return fail(Errc::internal, "read behind the end");
      }
      if (!into.empty()) std::memcpy(into.data(), content.data() + offset, into.size());
      return {};
    };
  }
  [[nodiscard]] std::uint64_t size() const { return content.size(); }
  [[nodiscard]] std::uint64_t bytes_asked() const {
    std::uint64_t sum = 0;
    for (const ByteRange& range : asked) sum += range.length;
    return sum;
  }
};

}  // namespace astrofs::testing
