// Files that an archive makes itself, of answers that it got: their bytes for the cache, and what they are by
// now. Made on the threads of archive_turns, which may wait for the network. Owned by the mount; any thread.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>

#include "base/bytes.h"
#include "cache/catalog.h"
#include "cache/source.h"
#include "fs/archive_table.h"
#include "fs/archive_turns.h"

namespace astrofs {

class MadeFiles {
 public:
  explicit MadeFiles(ArchiveTurns& turns) : turns_(turns) {}

  /// `range` of the node's version; Errc::stale when the archive would make another one by now.
  void fetch(const MountedArchive& archive, const Node& node, ByteRange range, std::shared_ptr<Sink> sink,
             std::stop_token stop);

  struct Version {
    std::uint64_t size{0};
    std::string validator;
  };
  void ask(const MountedArchive& archive, const Node& node, std::function<void(Result<Version>)> done,
           std::stop_token stop);

 private:
  ArchiveTurns& turns_;
};

}  // namespace astrofs
