// What this process knows of one object's blocks: on disk (with their hashes), arrived and not yet on disk,
// in the air, or none of these. While it lives it is the authority on presence: the index follows behind it.
//
// Shared by readers, flights and the job that lands its blocks; held by ObjectTable. Any thread; its lock is
// a leaf and never held across the index, the disk, a waiter or a source.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/mutex.h"
#include "cache/catalog.h"
#include "cache/index_writer.h"
#include "cache/recent_failures.h"
#include "cache/waits.h"

namespace astrofs {

using FlightId = std::uint64_t;  ///< unique within an object

/// A fetch to be started; its blocks already count as in the air.
struct FlightPlan {
  FlightId id{0};
  ByteRange range;
  bool demand{false};  ///< a reader waits for some of it
};

/// Whole blocks, one behind the other.
struct BlockRun {
  std::uint32_t first{0};
  Bytes bytes;
};

class ObjectBlocks {
 public:
  /// `evicting`: the object is being removed. Nothing of it counts as present and nothing may be kept until
  /// eviction_ended().
  ObjectBlocks(const FileVersion& version, bool evicting) : version_(version), evicting_(evicting) {}

  [[nodiscard]] const FileVersion& version() const { return version_; }

  /// Learn from the index what is on disk of `blocks`; at once where known. What it cannot tell now is asked
  /// for again by the next. False: being evicted, nothing is known or kept.
  bool load(const Catalog& catalog, BlockSpan blocks) EXCLUDES(mutex_);
  /// The same of the whole file, in time and memory of what is on disk of it and not of its size.
  bool load_stored(const Catalog& catalog) EXCLUDES(mutex_);
  void eviction_ended() EXCLUDES(mutex_);

  struct Found {
    std::vector<IndexWriter::BlockHash> disk;
    std::vector<BlockRun> memory;
  };
  /// Where the blocks are that `assembly` lacks.
  [[nodiscard]] Found find(const Assembly& assembly) const EXCLUDES(mutex_);
  /// These are not on disk as they should be. Returns those that were thought to be.
  [[nodiscard]] std::vector<std::uint32_t> forget(std::span<const std::uint32_t> blocks) EXCLUDES(mutex_);
  /// These cannot be read now, whatever is on disk: until load() asks the index for them again.
  void unload(std::span<const std::uint32_t> blocks) EXCLUDES(mutex_);
  /// Their bytes were on disk just now, and had their hashes.
  void checked(std::span<const IndexWriter::BlockHash> blocks) EXCLUDES(mutex_);
  [[nodiscard]] std::uint64_t present_bytes() const EXCLUDES(mutex_);
  /// Every block is on disk. Asks the index only when nothing that is in mind says no.
  [[nodiscard]] bool complete(const Catalog& catalog) EXCLUDES(mutex_);
  /// Of what is present: read and found right in this process.
  [[nodiscard]] std::uint64_t checked_bytes() const EXCLUDES(mutex_);
  /// And what it wrote and has not read since.
  [[nodiscard]] std::uint64_t touched_bytes() const EXCLUDES(mutex_);
  [[nodiscard]] std::vector<ByteRange> unchecked_ranges() const EXCLUDES(mutex_);
  /// Somebody else wrote into the file: nothing of it counts as checked.
  void distrust() EXCLUDES(mutex_);
  [[nodiscard]] std::vector<ByteRange> present_ranges(ByteRange within) const EXCLUDES(mutex_);

  /// The reader waits for what `parked` lacks: joins flights and plans those that are missing, for `fetch`
  /// too; the flight of the first block waited for comes first. nullopt: something of it arrived meanwhile,
  /// look again. `enlist` runs before a flight can see the reader.
  [[nodiscard]] std::optional<std::vector<FlightPlan>> park(const std::shared_ptr<Parked>& parked,
                                                            BlockSpan fetch, std::uint64_t largest_flight,
                                                            WaitTable& waits, std::unique_ptr<Waiter>& waiter)
      EXCLUDES(mutex_);
  /// Flights for what of `fetch` is neither here nor in the air.
  [[nodiscard]] std::vector<FlightPlan> plan(BlockSpan fetch, std::uint64_t largest_flight) EXCLUDES(mutex_);

  /// The answer to a flight brings more than asked: it takes charge of all that nobody else brings. False:
  /// another such stream is on its way to this flight's blocks and has taken them over.
  [[nodiscard]] bool widen(FlightId id, ByteRange asked, ByteRange arriving) EXCLUDES(mutex_);
  struct Arrival {
    std::uint64_t bytes{0};  ///< taken; the rest was nobody's
    bool schedule{false};    ///< a job to land them is needed
  };
  [[nodiscard]] Arrival arrive(FlightId id, const BlockRun& run) EXCLUDES(mutex_);
  struct Ended {
    std::vector<std::shared_ptr<Parked>> failed;
    std::vector<FlightPlan> again;
    BlockSpan lost;  ///< from the first to the last block that it did not bring and nobody brings now
  };
  /// No more comes of this flight. What readers wait for is planned `again`, or they have failed.
  [[nodiscard]] Ended end(FlightId id, bool again, std::uint64_t largest_flight) EXCLUDES(mutex_);

  /// A moment's memory of blocks that could not be had; recent_failure() looks at what the reader
  /// lacks and nobody brings.
  void note_failure(BlockSpan blocks, const Error& error, std::chrono::milliseconds hold) EXCLUDES(mutex_);
  [[nodiscard]] std::optional<Error> recent_failure(const Assembly& assembly) const EXCLUDES(mutex_);

  /// The landing job, one at a time: what arrived, at most about `bytes`; empty ends the job.
  [[nodiscard]] std::vector<BlockRun> take_arrived(std::uint64_t bytes) EXCLUDES(mutex_);
  struct Delivery {
    std::shared_ptr<Parked> to;
    std::uint32_t block{0};
    Bytes bytes;
  };
  /// Who waited for the blocks of these runs; each is named once.
  [[nodiscard]] std::vector<Delivery> deliveries(const std::vector<BlockRun>& runs) EXCLUDES(mutex_);
  /// `landed` are on disk from now on; the runs' blocks are in the air no more.
  void settle(const std::vector<BlockRun>& runs, const std::vector<IndexWriter::BlockHash>& landed)
      EXCLUDES(mutex_);

 private:
  struct Chunk {
    std::uint64_t present{0};
    std::uint64_t checked{0};  ///< a part of `present`
    std::uint64_t touched{0};  ///< of `present`: checked, or written by this process
    bool doubtful{false};      ///< more than `present` may be on disk
    std::array<std::uint64_t, kBlocksPerChunk> hashes{};
  };
  struct Airborne {
    FlightId flight{0};
    Bytes arrived;  ///< not empty: complete in memory
    std::vector<std::shared_ptr<Parked>> waiters;
  };
  /// An answer that brings more than asked, a whole file of terabytes perhaps: what of it nobody waits for is
  /// in the air without an entry, until it arrives.
  struct Stream {
    FlightId flight{0};
    ByteRange arriving;
    std::uint64_t position{0};
  };

  [[nodiscard]] const std::uint64_t* hash_of(std::uint32_t block) const REQUIRES(mutex_);
  /// Bytes of the blocks in that set of each chunk.
  [[nodiscard]] std::uint64_t bytes_in(std::uint64_t Chunk::*set) const REQUIRES(mutex_);
  /// Neither here nor in the air.
  [[nodiscard]] bool wanted(std::uint32_t block) const REQUIRES(mutex_);
  [[nodiscard]] BlockSpan still_to_come(const Stream& stream) const;
  /// The flight that is to bring it besides what it was asked for, or 0.
  [[nodiscard]] FlightId streamed_by(std::uint32_t block) const REQUIRES(mutex_);
  Chunk& take_out(std::uint32_t block) REQUIRES(mutex_);
  /// `demanded`: in order, a part of what is to be flown. Runs of `blocks` become flights and their blocks
  /// airborne.
  [[nodiscard]] std::vector<FlightPlan> launch(const std::vector<std::uint32_t>& blocks,
                                               const std::vector<std::uint32_t>& demanded,
                                               std::uint64_t largest_flight) REQUIRES(mutex_);

  const FileVersion version_;
  mutable Mutex mutex_;
  bool evicting_ GUARDED_BY(mutex_);
  /// A chunk not here is not loaded, or not on disk when all that are have been.
  std::unordered_map<std::uint32_t, Chunk> chunks_ GUARDED_BY(mutex_);
  bool all_loaded_ GUARDED_BY(mutex_){false};
  /// But for what streams_ alone tell of.
  std::unordered_map<std::uint32_t, Airborne> air_ GUARDED_BY(mutex_);
  std::vector<Stream> streams_ GUARDED_BY(mutex_);
  std::deque<BlockRun> arrived_ GUARDED_BY(mutex_);
  RecentFailures failures_ GUARDED_BY(mutex_);
  bool landing_ GUARDED_BY(mutex_){false};
  FlightId next_flight_ GUARDED_BY(mutex_){1};
};

}  // namespace astrofs
