// What files that are known tell of a table that is lost: its rows, as those of its family have them, and its
// stamp of pixels, as its twin has it. Found once, when a file turns out to be missing, and kept as the
// `layout` of that generation, so that its size does not change with what becomes known later. Owned by
// MissingFrames; any thread that may read the index and the disk. Never asks the network.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cache/block_cache.h"
#include "cache/catalog.h"
#include "fs/archive_table.h"

namespace astrofs {

/// As a node's layout: no line that FitsLayout would take for its own.
[[nodiscard]] std::string text_of(const TableModel& model);
/// nullopt: the layout says no such thing.
[[nodiscard]] std::optional<TableModel> table_model_in(std::string_view layout);

class TableModels {
 public:
  TableModels(const Catalog& catalog, BlockCache& cache, const ArchiveTable& archives)
      : catalog_(catalog), cache_(cache), archives_(archives) {}

  /// Of which archive's file can anything be told at all?
  [[nodiscard]] bool may_know(const Node& lost) const;
  /// Looks at so many nodes near the lost one at most.
  [[nodiscard]] TableModel find(const Node& lost) const;

 private:
  class Search;

  const Catalog& catalog_;
  BlockCache& cache_;
  const ArchiveTable& archives_;
};

}  // namespace astrofs
