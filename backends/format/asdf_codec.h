// What ASDF blocks may be compressed with: zlib, bzip2, and lz4 as the Python library frames it. Pieces in,
// pieces out, in bounded memory whatever the pieces say. One thread at a time per decoder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "base/error.h"

namespace astrofs {

/// Takes decoded bytes, at most 64 MiB at a time; false = enough.
using DecodedSink = std::function<bool(std::span<const std::byte>)>;

class AsdfDecoder {
 public:
  virtual ~AsdfDecoder() = default;
  /// The next piece, cut anywhere. False: the sink has enough. Errors: corrupt, too_large.
  [[nodiscard]] virtual Result<bool> feed(std::span<const std::byte> piece, const DecodedSink& sink) = 0;

  /// By the four bytes of the block header: "zlib", "bzp2", "lz4\0"; and "gzip", of which no block is, but
  /// answers of services. unsupported for all others.
  [[nodiscard]] static Result<std::unique_ptr<AsdfDecoder>> make(std::string_view compression);
};

}  // namespace astrofs
