// How an archive reads its own files: through the mount, so that what is cached costs nothing and works
// offline, and what is fetched is kept. Given to it by fs (fs/cached_files). Any thread that may wait.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"

namespace astrofs {

class OwnFiles {
 public:
  virtual ~OwnFiles() = default;
  /// `path`: names below the archive's directory, as the mount shows them. Files of a directory that was
  /// listed, in order, until `visit` returns false; their sizes where they are known (else 0).
  [[nodiscard]] virtual Result<void> files(
      std::string_view path,
      const std::function<bool(std::string_view name, std::uint64_t size)>& visit) const = 0;
  /// Within the file; all of `range` or an error.
  [[nodiscard]] virtual Result<Bytes> read(std::string_view path, ByteRange range) const = 0;
};

}  // namespace astrofs
