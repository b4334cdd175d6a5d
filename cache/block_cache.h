// Reads of file versions, answered from disk when the blocks are here and verified, else parked until a
// flight brings them. One block is in flight at most once; many readers wait for it together.
//
// Threads: read/prefetch/cancel from any thread, never blocking on the network; flights' bytes come in on the
// source's thread and are copied; hashing, writing and waking happen on the `store` executor. No lock is held
// while a waiter is answered.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/executor.h"
#include "base/metrics.h"
#include "cache/block_store.h"
#include "cache/catalog.h"
#include "cache/index_writer.h"
#include "cache/source.h"

namespace astrofs {

/// Who asked and was parked. done() is called exactly once, on another thread, unless cancel() returned true.
class Waiter {
 public:
  virtual ~Waiter() = default;
  virtual void done(Result<Bytes> result) = 0;
};

using WaitId = std::uint64_t;

/// A wanted range comes in pieces side by side, as links are often limited per connection: so many in the
/// air that this one is used well, and the more are there the longer they are, since an archive answers a
/// few at a time only.
inline constexpr std::size_t kPieces = 16;

struct BlockCacheOptions {
  std::uint64_t quota{100ULL << 30};   ///< bytes on disk
  std::uint64_t memory{256ULL << 20};  ///< bytes received and not yet on disk, over all files
  /// A wanted range is fetched in pieces of at most this: 0.1 s of a connection of 20 MB/s, two round trips
  /// of 50 ms. With twice that a frame waited for its last pieces: 0.19 of one stream instead of 0.14.
  std::uint64_t largest_flight{2ULL << 20};
  bool offline{false};  ///< never fetch: a miss is Errc::offline
  std::chrono::milliseconds failure_hold{
      0};  ///< a block that could not be had is not asked for again for so long
  /// When nothing could go to make room, all being open or pinned, nobody looks again for so long; where
  /// looking took long, for longer.
  std::chrono::milliseconds fruitless_pause{1000};
};

/// What is on this machine of a version.
struct Presence {
  std::uint64_t bytes{0};
  bool complete{false};
};

class BlockCache {
 public:
  /// Collaborators outlive the cache; `source` may keep its sinks longer than that. `store` runs hashing,
  /// writing and waking.
  BlockCache(Catalog& catalog, IndexWriter& writer, BlockStore& blocks, Source& source, Executor& store,
             Metrics& metrics, BlockCacheOptions options);
  /// Stops flights, answers who is parked with Errc::interrupted and waits for the jobs under way; afterwards
  /// nothing of it runs. Not from a `store` job nor a waiter's done().
  ~BlockCache();
  BlockCache(const BlockCache&) = delete;
  BlockCache& operator=(const BlockCache&) = delete;

  /// Who hears of versions that are complete; nullptr: nobody, once nothing is opened or fetched any more.
  void observe(CompletionObserver* observer);

  /// A handle on a version: while it lives the object is not evicted under its reader. open() may read the
  /// index.
  void open(const FileVersion& version);
  void close(const FileVersion& version);

  /// Bytes [range) of the version, cut at its size, now; or parked until they arrive. `fetch` is what to
  /// bring when something of `range` is not here: at least `range` is brought, and what else of `fetch` is
  /// neither here nor on its way (the caller's read-ahead). A disk that fails counts as a miss. `waiter` is
  /// taken only when parked.
  [[nodiscard]] std::variant<Result<Bytes>, WaitId> read(const FileVersion& version, ByteRange range,
                                                         ByteRange fetch, std::unique_ptr<Waiter>& waiter);
  /// True: the waiter is dropped without being called. False: it was called or will be. The flight goes on,
  /// its bytes are kept.
  bool cancel(WaitId id);
  /// Bring what of `range` is neither here nor on its way. Nobody waits; errors are not reported.
  void prefetch(const FileVersion& version, ByteRange range, FetchUrgency urgency = FetchUrgency::prefetch);
  /// Only what is on this machine; not_found when a byte of it is not. For headers of siblings.
  [[nodiscard]] Result<Bytes> read_cached(const FileVersion& version, ByteRange range);
  /// The same for nobody's read: it counts as no hit.
  [[nodiscard]] Result<Bytes> peek(const FileVersion& version, ByteRange range);

  /// From now on complete files are checked as a whole, for checked_file(): with what their readers have
  /// read already and, where that is most of a file, the rest in the background.
  void check_complete_files();
  /// Somebody has read all of it, or nobody will: a look at it now.
  void check_if_complete(const FileVersion& version);
  /// The object's file, when all of it is here and has been checked: its bytes are the version's, and stay
  /// so for whoever has it open. Null otherwise.
  [[nodiscard]] std::shared_ptr<ObjectFile> checked_file(const FileVersion& version);

  [[nodiscard]] Presence presence(const FileVersion& version) const;
  /// Present ranges in order, merged.
  [[nodiscard]] std::vector<ByteRange> present_ranges(const FileVersion& version, ByteRange within) const;
  /// Forget a version's bytes unless somebody has it open (then Errc::unavailable). Returns bytes freed.
  /// Waits for a commit: not from a `store` job. The cache also makes room on its own when it runs short.
  [[nodiscard]] Result<std::uint64_t> evict(const FileVersion& version);
  /// Since the last call for it: has the version been evicted? With its bytes went the archive's validator, so
  /// that those which came since may be of another version than what its readers were given before.
  [[nodiscard]] bool was_evicted(const FileVersion& version);
  /// The version's blocks are not to be served again, even to those who have it open: they count as absent.
  void forget(const FileVersion& version);
  /// Bytes that somebody else is about to write on this disk for the mount count as used until they are given
  /// back. False: there is no room for them, now.
  [[nodiscard]] bool lend(std::uint64_t bytes);
  void give_back(std::uint64_t bytes);
  /// Make room down to the quota: oldest use first, never open, pinned or in flight; nothing offline. Not on
  /// the store executor's threads. `again`: also where a moment ago nothing could go.
  void evict_to_quota(bool again = false);
  /// Bytes that stay on the disk beside each other: of more, some go before the quota is reached.
  [[nodiscard]] std::uint64_t most_kept() const;

  /// Sums what the objects really occupy and removes files without an index entry that are older than
  /// `orphan_age` (younger ones may be about to get theirs). Slow and gentle; once after start, then now and
  /// then. Runs on the `house` thread.
  [[nodiscard]] Result<void> resum(const std::stop_token& stop = {},
                                   seconds orphan_age = std::chrono::hours(1));

  [[nodiscard]] std::uint64_t disk_bytes() const;       ///< what the objects occupy now
  [[nodiscard]] std::uint64_t bytes_in_flight() const;  ///< received and not yet on disk
  [[nodiscard]] std::size_t parked() const;
  [[nodiscard]] std::size_t flights() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace astrofs
