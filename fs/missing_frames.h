// Frames that are missing for good, made readable: finds a sibling's header to stand in for the lost one, and
// makes the placeholder. Any thread; work that may block waits for the archive's turn.
#pragma once

#include <functional>
#include <memory>

#include "cache/block_cache.h"
#include "cache/catalog.h"
#include "fs/archive_table.h"
#include "fs/archive_turns.h"
#include "fs/placeholder.h"
#include "fs/table_models.h"

namespace astrofs {

class MissingFrames {
 public:
  using Done = std::function<void(Result<std::shared_ptr<const Placeholder>>)>;

  /// Nothing waits for a sibling's header beyond `stop`.
  MissingFrames(const Catalog& catalog, BlockCache& cache, const ArchiveTable& archives, ArchiveTurns& turns,
                std::chrono::milliseconds timeout, std::stop_token stop = {});

  /// The placeholder of a frame of the archive, of exactly the node's size when that is known; on another
  /// thread. unsupported: the archive cannot say what it looked like, or that size cannot be met.
  void make(const Node& node, MissingCause cause, Done done);
  /// What is to be kept of a frame that has just turned out to be missing, as its layout: what others tell of
  /// it. At once where nothing can be told, else on another thread.
  void learn(const Node& node, std::function<void(std::string layout)> done);
  /// The size a missing frame of unknown size is shown with. From the node alone: asked on FUSE's threads.
  [[nodiscard]] Result<std::uint64_t> natural_size(const Node& node) const;
  /// Does the archive know what its frames look like, and does the mount want placeholders?
  [[nodiscard]] bool can_make(const Node& node) const;

 private:
  [[nodiscard]] Result<std::shared_ptr<const Placeholder>> build(const Node& node, MissingCause cause);
  /// What its layout and the archive tell of it.
  [[nodiscard]] Result<FrameShape> shape_of(const Node& node, const Archive& archive) const;
  [[nodiscard]] std::optional<SiblingHeader> sibling_header(const Node& node, const FrameShape& shape,
                                                            bool may_fetch);
  [[nodiscard]] std::optional<SiblingHeader> read_header(const Node& sibling, bool may_fetch);

  const Catalog& catalog_;
  BlockCache& cache_;
  const ArchiveTable& archives_;
  ArchiveTurns& turns_;
  const TableModels models_;
  const std::chrono::milliseconds timeout_;
  const std::stop_token stop_;
};

}  // namespace astrofs
