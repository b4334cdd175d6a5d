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

struct OwnFile {
  std::string name;
  std::uint64_t size{0};
  std::uint64_t version{0};  ///< of its content: another number, other bytes
};

class OwnFiles {
 public:
  virtual ~OwnFiles() = default;
  /// Files of known size in a directory that was listed, in order, until `visit` returns false. `path`: names
  /// below the archive's directory, as the mount shows them.
  [[nodiscard]] virtual Result<void> files(std::string_view path,
                                           const std::function<bool(const OwnFile&)>& visit) const = 0;
  /// One file, listed and asked for its size where that was not done yet. Default: unsupported.
  [[nodiscard]] virtual Result<OwnFile> file(std::string_view path) const;
  /// All of `range`, within the file, or an error. Errc::stale: it has another version by now.
  [[nodiscard]] virtual Result<Bytes> read(std::string_view path, std::uint64_t version,
                                           ByteRange range) const = 0;
};

}  // namespace astrofs
