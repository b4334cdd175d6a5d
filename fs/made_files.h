// Files that an archive makes itself, of answers that it got: their bytes for the cache, and what they are by
// now. Made on the threads of archive_turns, which may wait for the network. Owned by the mount; any thread.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <utility>

#include "base/bytes.h"
#include "cache/block_cache.h"
#include "cache/catalog.h"
#include "cache/source.h"
#include "fs/archive_table.h"
#include "fs/archive_turns.h"

namespace astrofs {

class MadeFiles {
 public:
  /// `ending`: of the mount, for which nothing is made any further.
  MadeFiles(ArchiveTurns& turns, std::stop_token ending) : turns_(turns), ending_(std::move(ending)) {}
  /// Before the first question: where what was made lands.
  void attach(BlockCache& cache) { cache_ = &cache; }

  /// The node's version, all of it, whatever `range` is wanted: it is not made once more for the rest.
  /// Errc::stale when the archive would make another one by now.
  void fetch(const MountedArchive& archive, const Node& node, ByteRange range, std::shared_ptr<Sink> sink,
             std::stop_token stop);

  struct Version {
    std::uint64_t size{0};
    std::string validator;
  };
  void ask(const MountedArchive& archive, const Node& node, std::function<void(Result<Version>)> done,
           std::stop_token stop);
  /// A version that ask() has told of goes to the cache, as long as its archive has it at hand.
  void land(const FileVersion& version) {
    if (cache_ != nullptr) cache_->prefetch(version, {0, version.size});
  }

 private:
  ArchiveTurns& turns_;
  const std::stop_token ending_;
  BlockCache* cache_{nullptr};
};

}  // namespace astrofs
