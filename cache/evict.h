// What the objects occupy on disk, and how it stays below the quota and leaves some of the disk free: whole
// objects go, oldest use first, never one that is open, in use or pinned. Offline none could be fetched
// again: only what is written there (a build) makes room, and no more than it needs. An object's presence
// leaves the index, that is committed, and only then its file is unlinked. Owned by BlockCache; any thread,
// but what waits (evict, evict_to_quota, resum) is not for the store executor's threads.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "cache/block_store.h"
#include "cache/catalog.h"
#include "cache/disk_check.h"
#include "cache/index_writer.h"
#include "cache/jobs.h"
#include "cache/object_table.h"

namespace astrofs {

struct BlockCacheOptions;

class DiskQuota {
 public:
  DiskQuota(Catalog& catalog, IndexWriter& writer, BlockStore& blocks, ObjectTable& objects,
            DiskCheck& disk_check, Jobs& jobs, Metrics& metrics, const BlockCacheOptions& options);

  /// May so many bytes be written to the object? They count as used until written() says what they took.
  [[nodiscard]] bool admit(const Hash128& id, std::uint64_t bytes) EXCLUDES(mutex_);
  /// The end of an admitted write, of which an object has one at a time: its file occupied `before` and
  /// occupies `now`.
  void written(const Hash128& id, std::uint64_t admitted, std::uint64_t before, std::uint64_t now)
      EXCLUDES(mutex_);
  /// Writes were refused for want of room although they were admitted: a sixteenth of what is there goes.
  void refused() EXCLUDES(mutex_);
  /// Room for what is written beside the objects, until give_back(). False: there is none; some is being
  /// made.
  [[nodiscard]] bool lend(std::uint64_t bytes) EXCLUDES(mutex_);
  void give_back(std::uint64_t bytes) EXCLUDES(mutex_);
  /// Begin to make room when it runs short; returns at once.
  void relieve() EXCLUDES(mutex_);

  void evict_to_quota(bool again) EXCLUDES(mutex_);
  [[nodiscard]] std::uint64_t most_kept() const { return high_water_; }
  [[nodiscard]] Result<std::uint64_t> evict(const FileVersion& version) EXCLUDES(mutex_);
  /// Since the last call for it: has the object been evicted?
  [[nodiscard]] bool was_dropped(const Hash128& id) EXCLUDES(mutex_);
  [[nodiscard]] Result<void> resum(const std::stop_token& stop, std::chrono::seconds orphan_age)
      EXCLUDES(mutex_);
  [[nodiscard]] std::uint64_t used() const EXCLUDES(mutex_);

 private:
  using Dropped = std::function<void(Result<std::uint64_t> freed)>;

  [[nodiscard]] std::vector<FileVersion> victims(std::uint64_t bytes) const;
  /// False: busy. Otherwise `dropped` is called from a store job, when the file is gone or the index refused.
  [[nodiscard]] bool drop(const FileVersion& version, Dropped dropped);
  [[nodiscard]] Result<std::uint64_t> unlink(const FileVersion& version) EXCLUDES(mutex_);
  /// One round of eviction, claimed by making_room_: starts what must go; the last to be gone ends the round.
  void make_room() EXCLUDES(mutex_);
  void one_gone(bool freed) EXCLUDES(mutex_);
  void remove_orphan(const Hash128& id) EXCLUDES(mutex_);
  [[nodiscard]] bool is_known(const Hash128& id) const;
  [[nodiscard]] bool is_pinned(const ObjectState& state) const;
  [[nodiscard]] bool orphan(const StoredObject& stored, std::chrono::seconds age) const;
  [[nodiscard]] bool take(std::uint64_t bytes, const DiskSpace& disk) REQUIRES(mutex_);
  void begin_sweep() REQUIRES(mutex_);
  void visit(const StoredObject& stored) EXCLUDES(mutex_);
  /// Around each change of an object's file: between them the sweep may come by, and see it or not.
  void begin_change(const Hash128& id) REQUIRES(mutex_);
  void end_change(const Hash128& id, std::uint64_t before, std::uint64_t now) REQUIRES(mutex_);
  [[nodiscard]] bool crowded() const REQUIRES(mutex_) { return used_ + admitted_ > high_water_; }

  static constexpr std::size_t kDroppedMarks = 8U << 20;  ///< 1 MiB of bits

  Catalog& catalog_;
  IndexWriter& writer_;
  BlockStore& blocks_;
  ObjectTable& objects_;
  DiskCheck& disk_check_;
  Jobs& jobs_;
  Metric& used_gauge_;
  Metric& evicted_;
  Metric& orphans_;
  Metric& looked_at_;
  const std::uint64_t quota_;
  const std::uint64_t high_water_;
  const std::uint64_t low_water_;
  const bool offline_;
  const std::chrono::milliseconds fruitless_pause_;
  const SysSeconds opened_;  ///< what was last written before is of an earlier run

  mutable Mutex mutex_;
  std::condition_variable round_over_;
  std::uint64_t used_ GUARDED_BY(mutex_);
  std::uint64_t admitted_ GUARDED_BY(mutex_){0};
  /// Objects whose files change now: what of them the sweep has counted. nullopt: what they occupied before.
  std::map<Hash128, std::optional<std::uint64_t>> changing_ GUARDED_BY(mutex_);
  bool making_room_ GUARDED_BY(mutex_){false};
  std::size_t going_ GUARDED_BY(mutex_){0};
  bool round_freed_ GUARDED_BY(mutex_){false};
  SteadyTime round_began_ GUARDED_BY(mutex_){};
  SteadyTime not_before_ GUARDED_BY(mutex_){};  ///< the next round
  bool refused_ GUARDED_BY(mutex_){false};      ///< since the last round
  /// See was_dropped(). Some of millions share a mark: the kernel is let forget what it need not.
  std::vector<bool> dropped_ GUARDED_BY(mutex_) = std::vector<bool>(kDroppedMarks);
  SteadyTime tell_at_ GUARDED_BY(mutex_){};  ///< that the disk is full, once more
  // The sweep takes the objects by the first byte of their ids, and is at those of sweep_at_.
  bool sweeping_ GUARDED_BY(mutex_){false};
  std::byte sweep_at_ GUARDED_BY(mutex_){};
  std::set<Hash128> swept_ GUARDED_BY(mutex_);  ///< counted of those
  std::uint64_t swept_bytes_ GUARDED_BY(mutex_){0};
};

}  // namespace astrofs
