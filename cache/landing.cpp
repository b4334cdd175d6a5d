#include "cache/landing.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "base/log.h"

namespace astrofs {
namespace {

/// One turn of an object: long enough to write in large pieces, short enough that other objects' readers wait
/// a millisecond at most.
constexpr std::uint64_t kTurn = 1024 * 1024;
/// A disk counts as well again after so many writes in a row: a full one takes a small write now and then.
constexpr unsigned kWellAgain = 16;
/// Writes refused in a row for want of room although the disk says that it has some, before something goes: a
/// user's own limit, or no inodes left.
constexpr unsigned kFull = 16;

}  // namespace

Landing::Landing(Catalog& catalog, IndexWriter& writer, BlockStore& blocks, DiskQuota& quota,
                 MemoryBudget& memory, WaitTable& waits, DiskCheck& disk_check, Jobs& jobs, Metrics& metrics)
    : catalog_(catalog),
      writer_(writer),
      blocks_(blocks),
      quota_(quota),
      memory_(memory),
      waits_(waits),
      disk_check_(disk_check),
      jobs_(jobs),
      write_errors_(
          metrics.counter("astrofs_cache_write_errors_total", "Writes to the cache's disk that failed")),
      degraded_gauge_(metrics.gauge("astrofs_cache_degraded", "1 while the cache's disk refuses writes")),
      discarded_(metrics.counter("astrofs_cache_discarded_bytes_total", "Bytes served and not kept")) {}

void Landing::schedule(const std::shared_ptr<ObjectBlocks>& object) {
  jobs_.run([this, object] { land(object); });
}

void Landing::land(const std::shared_ptr<ObjectBlocks>& object) {
  std::vector<BlockRun> runs = object->take_arrived(kTurn);
  if (runs.empty()) {
    if (!object->complete(catalog_)) return;
    // Whoever compares it reads all of it, and says when he has.
    if (CompletionObserver* observer = observer_)
      observer->complete(object->version(), true);
    else
      disk_check_.consider(*object);
    return;
  }
  Hashes hashes;
  std::uint64_t bytes = 0;
  for (const BlockRun& run : runs) {
    std::uint32_t block = run.first;
    for (std::size_t at = 0; at < run.bytes.size(); at += kBlockSize, ++block) {
      const std::size_t length = std::min<std::size_t>(kBlockSize, run.bytes.size() - at);
      hashes.push_back({block, xxh3(run.bytes.span().subspan(at, length))});
    }
    bytes += run.bytes.size();
  }
  answer(*object, runs);
  Hashes landed = keep(*object, runs, hashes);
  object->settle(runs, landed);
  if (!landed.empty()) writer_.add_blocks(object->version(), std::move(landed));
  runs.clear();
  memory_.drained(bytes);
  schedule(object);  // behind the other objects' turns; the one that finds nothing is the last
}

void Landing::answer(ObjectBlocks& object, const std::vector<BlockRun>& runs) {
  auto deliveries = object.deliveries(runs);
  for (auto& [parked, block, bytes] : deliveries) {
    parked->assembly.put(block, bytes.span());
    if (!parked->assembly.complete()) continue;
    if (const auto waiter = waits_.take(parked->id)) waiter->done(parked->assembly.result());
  }
}

Landing::Hashes Landing::keep(ObjectBlocks& object, const std::vector<BlockRun>& runs, const Hashes& hashes) {
  Hashes landed;
  const Hash128& id = object.version().object;
  Result<std::shared_ptr<ObjectFile>> file = nullptr;
  std::size_t at = 0;  // of `hashes`: the run's first
  for (const BlockRun& run : runs) {
    const std::size_t count = (run.bytes.size() + kBlockSize - 1) / kBlockSize;
    const BlockSpan blocks{run.first, run.first + static_cast<std::uint32_t>(count)};
    bool kept = false;
    if (object.load(catalog_, blocks)) {
      if (file && !*file) file = blocks_.object(id, true);
      const Result<bool> wrote = file ? write(id, **file, run) : tl::unexpected(file.error());
      if (!wrote) disk_failed(wrote.error());
      kept = wrote && *wrote;
    }
    const auto first = hashes.begin() + static_cast<std::ptrdiff_t>(at);
    if (kept) {
      landed.insert(landed.end(), first, first + static_cast<std::ptrdiff_t>(count));
    } else {
      discarded_.add(static_cast<std::int64_t>(run.bytes.size()));
    }
    at += count;
  }
  return landed;
}

/// False: there is no room for it below the quota.
Result<bool> Landing::write(const Hash128& id, ObjectFile& file, const BlockRun& run) {
  const std::uint64_t bytes = run.bytes.size();
  if (!quota_.admit(id, bytes)) {
    quota_.relieve();
    return false;
  }
  const std::uint64_t before = file.disk_bytes();
  const auto written = file.write(std::uint64_t{run.first} * kBlockSize, run.bytes.span());
  quota_.written(id, bytes, before, file.disk_bytes());
  if (!written) return tl::unexpected(written.error());
  disk_worked();
  return true;
}

void Landing::disk_failed(const Error& error) {
  write_errors_.add();
  bool is_full = false;
  bool is_new = false;
  {
    const MutexLock lock(mutex_);
    worked_ = 0;
    full_ = error.code == Errc::no_space ? full_ + 1 : 0;
    is_full = full_ == kFull;
    if (is_full) full_ = 0;
    is_new = !std::exchange(degraded_, true);
  }
  if (is_full) quota_.refused();
  if (!is_new) return;
  degraded_gauge_.set(1);
  log::warning("cache: the disk refuses writes, reads go on without keeping what they fetch: {}",
               error.message);
}

void Landing::disk_worked() {
  const MutexLock lock(mutex_);
  full_ = 0;
  if (!degraded_ || ++worked_ < kWellAgain) return;
  degraded_ = false;
  degraded_gauge_.set(0);
  log::info("cache: the disk takes writes again");
}

}  // namespace astrofs
