// Somebody walks through a directory and reads the same part of each file: headers, the same rows, the same
// table. After a few files read alike, the same ranges of the files that follow are fetched ahead, in
// parallel, so that the walk goes at the speed of the link and not of its round trips.
//
// Learnt per directory, in order of the listing. The number of files fetched ahead grows while the walk goes
// on as foreseen and falls to nothing when it does not. Any thread; keeps no more than a few directories in
// mind.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/metrics.h"
#include "base/mutex.h"
#include "cache/block_cache.h"
#include "cache/catalog.h"
#include "fs/archive_table.h"

namespace astrofs {

class Sweep {
 public:
  Sweep(const Catalog& catalog, BlockCache& cache, const ArchiveTable& archives, Metrics& metrics);

  /// A reader of `file` wanted `range` (with what was brought along for it).
  void saw(const Node& file, ByteRange range) EXCLUDES(mutex_);

 private:
  /// A walk through one directory.
  struct Walk {
    std::string name;               ///< the file it is at
    std::vector<ByteRange> ranges;  ///< what was read of it so far
    std::vector<ByteRange> before;  ///< what was read of the file before
    std::vector<ByteRange> common;  ///< what was read of that one and of the one before it: the pattern
    unsigned alike{0};              ///< files in a row that followed each other and were read alike
    unsigned window{0};             ///< files to be ahead
    bool ordered{false};            ///< what lies ahead was fetched, for the file it is at
    std::string fetched_to;         ///< the last file fetched ahead
    std::uint64_t used{0};          ///< for forgetting the oldest
  };
  struct Order {
    std::string after;  ///< fetch ahead from the file behind this one
    unsigned files{0};
    std::vector<ByteRange> ranges;
  };

  [[nodiscard]] Order observe(const Node& file, ByteRange range) EXCLUDES(mutex_);
  void step(Walk& walk) REQUIRES(mutex_);
  [[nodiscard]] Order plan(Walk& walk, const Node& file) REQUIRES(mutex_);
  void fetch_ahead(const Node& file, const Order& order);
  [[nodiscard]] bool follows(const Node& file, const std::string& name) const;
  Walk& walk_in(NodeId dir) REQUIRES(mutex_);

  const Catalog& catalog_;
  BlockCache& cache_;
  const ArchiveTable& archives_;
  Metric& ahead_;
  Mutex mutex_;
  std::unordered_map<NodeId, Walk> walks_ GUARDED_BY(mutex_);
  std::uint64_t clock_ GUARDED_BY(mutex_){0};
};

}  // namespace astrofs
