// An archive's own files, for the archive itself: found in the catalog, read through the cache. One for each
// archive that wants it; owned by the mount, outlives the threads that list.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>

#include "backends/own_files.h"
#include "cache/block_cache.h"
#include "cache/catalog.h"
#include "fs/archive_table.h"
#include "fs/path_finder.h"

namespace astrofs {

class CachedFiles final : public OwnFiles {
 public:
  /// `name`: the archive's directory at the root. A read takes at most `timeout`, and none waits beyond
  /// `stop`.
  CachedFiles(std::string name, const Catalog& catalog, BlockCache& cache, const ArchiveTable& archives,
              const PathFinder& finder, std::chrono::milliseconds timeout, std::stop_token stop = {});

  [[nodiscard]] Result<void> files(std::string_view path,
                                   const std::function<bool(const OwnFile&)>& visit) const override;
  [[nodiscard]] Result<OwnFile> file(std::string_view path) const override;
  [[nodiscard]] Result<Bytes> read(std::string_view path, std::uint64_t version,
                                   ByteRange range) const override;

 private:
  [[nodiscard]] Result<Node> at(std::string_view path) const;

  const std::string name_;
  const Catalog& catalog_;
  BlockCache& cache_;
  const ArchiveTable& archives_;
  const PathFinder& finder_;
  const std::chrono::milliseconds timeout_;
  const std::stop_token stop_;
};

}  // namespace astrofs
