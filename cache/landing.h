// From memory to disk: the blocks that flights brought are hashed, handed to who waits for them, written, and
// then noted as present. One job an object at a time, on the store executor, so an object's file has one
// writer and its growth is exact. A disk that fails or a quota that is used up costs the keeping, never the
// reading. Owned by BlockCache.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/error.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "cache/block_store.h"
#include "cache/catalog.h"
#include "cache/disk_check.h"
#include "cache/evict.h"
#include "cache/index_writer.h"
#include "cache/jobs.h"
#include "cache/memory_budget.h"
#include "cache/object_blocks.h"
#include "cache/waits.h"

namespace astrofs {

class Landing {
 public:
  Landing(Catalog& catalog, IndexWriter& writer, BlockStore& blocks, DiskQuota& quota, MemoryBudget& memory,
          WaitTable& waits, DiskCheck& disk_check, Jobs& jobs, Metrics& metrics);

  void observe(CompletionObserver* observer) { observer_ = observer; }
  [[nodiscard]] CompletionObserver* observer() const { return observer_; }

  /// The job begins. At most one an object: ObjectBlocks::arrive says when.
  void schedule(const std::shared_ptr<ObjectBlocks>& object);

 private:
  using Hashes = std::vector<IndexWriter::BlockHash>;

  void land(const std::shared_ptr<ObjectBlocks>& object);
  void answer(ObjectBlocks& object, const std::vector<BlockRun>& runs);
  /// The blocks that are on disk now.
  [[nodiscard]] Hashes keep(ObjectBlocks& object, const std::vector<BlockRun>& runs, const Hashes& hashes);
  [[nodiscard]] Result<bool> write(const Hash128& id, ObjectFile& file, const BlockRun& run);
  void disk_failed(const Error& error) EXCLUDES(mutex_);
  void disk_worked() EXCLUDES(mutex_);

  Catalog& catalog_;
  IndexWriter& writer_;
  BlockStore& blocks_;
  DiskQuota& quota_;
  MemoryBudget& memory_;
  WaitTable& waits_;
  DiskCheck& disk_check_;
  Jobs& jobs_;
  Metric& write_errors_;
  Metric& degraded_gauge_;
  Metric& discarded_;

  std::atomic<CompletionObserver*> observer_{nullptr};
  Mutex mutex_;
  bool degraded_ GUARDED_BY(mutex_){false};
  unsigned worked_ GUARDED_BY(mutex_){0};  ///< writes in a row since the last failure
  unsigned full_ GUARDED_BY(mutex_){0};    ///< failures in a row for want of room
};

}  // namespace astrofs
