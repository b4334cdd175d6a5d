#include "cache/evict.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <thread>
#include <utility>

#include "base/byte_size.h"
#include "base/log.h"
#include "cache/block_cache.h"

namespace astrofs {
namespace {

/// Eviction begins a sixteenth below the quota, so that a stream is seldom refused while room is made, and
/// ends an eighth below it, so that it does not begin again at once.
constexpr std::uint64_t kHighShare = 16;
constexpr std::uint64_t kLowShare = 8;
/// Of the disk this much, or a part of it that is small, stays free: for the index, which could else not say
/// any more what goes, and for everybody else. Eviction begins at one and a half times that, and ends at
/// twice.
constexpr std::uint64_t kReserve = 512ULL << 20;
constexpr std::uint64_t kReserveShare = 32;
constexpr std::chrono::minutes kTellEvery{10};
/// After a round that freed nothing the index rests so many times as long as the walk took: where all is
/// pinned it stays so, and the walk of a large index would else keep a core busy.
constexpr int kFruitlessRest = 30;
/// The sweep rests this long after so many files: it may take minutes, a reader's disk may not.
constexpr unsigned kSweepBatch = 256;
constexpr milliseconds kSweepRest{2};
/// A file just read and closed is still being written for a moment: an eviction on request waits up to a
/// second for that.
constexpr unsigned kLandingWaits = 200;
constexpr milliseconds kLandingWait{5};

std::uint64_t less(std::uint64_t bytes, std::uint64_t by) {
  return bytes - std::min(bytes, by);
}
std::uint64_t reserve_of(const DiskSpace& disk) {
  return std::min(kReserve, disk.total / kReserveShare);
}
bool is_scarce(const DiskSpace& disk) {
  return disk.free < reserve_of(disk) + reserve_of(disk) / 2;
}
/// Without its record a copy that contradicted the archive's checksums would be fetched as if it were the
/// first, and its room is free already.
bool tells_of_lies(const ObjectState& state) {
  return state.verdict == Verdict::refused || (state.verdict == Verdict::suspect && state.present_bytes == 0);
}

std::size_t mark_of(const Hash128& id) {
  std::size_t mark = 0;
  std::memcpy(&mark, id.data(), sizeof mark);
  return mark;
}

}  // namespace

DiskQuota::DiskQuota(Catalog& catalog, IndexWriter& writer, BlockStore& blocks, ObjectTable& objects,
                     DiskCheck& disk_check, Jobs& jobs, Metrics& metrics, const BlockCacheOptions& options)
    : catalog_(catalog),
      writer_(writer),
      blocks_(blocks),
      objects_(objects),
      disk_check_(disk_check),
      jobs_(jobs),
      used_gauge_(metrics.gauge("astrofs_cache_disk_bytes", "What the cached objects occupy on disk")),
      evicted_(metrics.counter("astrofs_cache_evicted_total", "Objects removed to make room or on request")),
      orphans_(metrics.counter("astrofs_cache_orphans_total",
                               "Files without an index entry, removed by the sweep")),
      looked_at_(metrics.counter("astrofs_cache_candidates_total",
                                 "Objects looked at for some that may go to make room")),
      quota_(options.quota),
      high_water_(options.quota - options.quota / kHighShare),
      low_water_(options.offline ? high_water_ : options.quota - options.quota / kLowShare),
      offline_(options.offline),
      fruitless_pause_(options.fruitless_pause),
      // The clock that files get their times from may be a tick behind.
      opened_(std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) -
              std::chrono::seconds(1)),
      used_(catalog.used_bytes()) {  // until the first sweep knows better: start-up reads no directory
  used_gauge_.set(static_cast<std::int64_t>(used_));
}

bool DiskQuota::take(std::uint64_t bytes, const DiskSpace& disk) {
  if (used_ + admitted_ + bytes > quota_) return false;
  if (admitted_ + bytes > less(disk.free, reserve_of(disk))) {
    if (const SteadyTime now = std::chrono::steady_clock::now(); now >= tell_at_) {
      tell_at_ = now + kTellEvery;
      log::warning("cache: its disk has {} left, of which {} stay free: not all that is fetched is kept",
                   format_size(disk.free), format_size(reserve_of(disk)));
    }
    return false;
  }
  admitted_ += bytes;
  return true;
}

bool DiskQuota::admit(const Hash128& id, std::uint64_t bytes) {
  const DiskSpace disk = blocks_.space();
  const MutexLock lock(mutex_);
  const bool taken = take(bytes, disk);
  if (taken) begin_change(id);
  return taken;
}

bool DiskQuota::lend(std::uint64_t bytes) {
  const DiskSpace disk = blocks_.space();
  bool taken = false;
  bool short_of_room = is_scarce(disk);
  {
    const MutexLock lock(mutex_);
    taken = take(bytes, disk);
    short_of_room = short_of_room || !taken || crowded();
  }
  if (short_of_room) relieve();
  return taken;
}

void DiskQuota::give_back(std::uint64_t bytes) {
  const MutexLock lock(mutex_);
  admitted_ -= bytes;
}

void DiskQuota::begin_change(const Hash128& id) {
  const bool counted = !sweeping_ || id[0] < sweep_at_ || (id[0] == sweep_at_ && swept_.contains(id));
  changing_.emplace(id, counted ? std::nullopt : std::optional<std::uint64_t>(0));
}

void DiskQuota::end_change(const Hash128& id, std::uint64_t before, std::uint64_t now) {
  const auto change = changing_.extract(id);
  const std::uint64_t counted = change ? change.mapped().value_or(before) : before;
  used_ = less(used_ + now, sweeping_ ? before : counted);
  used_gauge_.set(static_cast<std::int64_t>(used_));
  if (!sweeping_ || id[0] > sweep_at_) return;  // the sweep will see what it is then
  if (id[0] == sweep_at_) swept_.insert(id);    // it need not see it any more
  swept_bytes_ = less(swept_bytes_ + now, counted);
}

void DiskQuota::written(const Hash128& id, std::uint64_t admitted, std::uint64_t before, std::uint64_t now) {
  bool short_of_room = is_scarce(blocks_.space());
  {
    const MutexLock lock(mutex_);
    admitted_ -= admitted;
    end_change(id, before, now);
    short_of_room = short_of_room || crowded();
  }
  if (short_of_room) relieve();
}

void DiskQuota::refused() {
  {
    const MutexLock lock(mutex_);
    refused_ = true;
  }
  relieve();
}

std::uint64_t DiskQuota::used() const {
  const MutexLock lock(mutex_);
  return used_;
}

/// A version that was replaced is nobody's to read any more, whoever pins the file.
bool DiskQuota::is_pinned(const ObjectState& state) const {
  if (!catalog_.pinned(state.node)) return false;
  const Result<Node> node = catalog_.node(state.node);
  return !node || node->generation == state.generation;
}

bool DiskQuota::was_dropped(const Hash128& id) {
  const MutexLock lock(mutex_);
  const std::size_t mark = mark_of(id) % dropped_.size();
  const bool dropped = dropped_[mark];
  dropped_[mark] = false;
  return dropped;
}

std::vector<FileVersion> DiskQuota::victims(std::uint64_t bytes) const {
  std::vector<FileVersion> chosen;
  if (bytes == 0) return chosen;
  std::uint64_t sum = 0;
  // What was chosen before the index failed may go all the same.
  (void)catalog_.scan_oldest([&](const Hash128& id, const ObjectState& state) {
    looked_at_.add();
    if (objects_.busy(id) || is_pinned(state) || tells_of_lies(state)) return true;
    chosen.push_back({state.node, state.generation, state.size, id});
    sum += std::max<std::uint64_t>(state.present_bytes, 1);
    return sum < bytes;
  });
  return chosen;
}

Result<std::uint64_t> DiskQuota::unlink(const FileVersion& version) {
  disk_check_.forget(version.object);  // before the file goes: a new one of that name has yet to be filled
  {
    const MutexLock lock(mutex_);
    begin_change(version.object);
  }
  auto freed = blocks_.remove(version.object);
  const MutexLock lock(mutex_);
  if (freed) {
    end_change(version.object, *freed, 0);
  } else {
    changing_.erase(version.object);
    log::warning("cache: {}", freed.error().message);
  }
  return freed;
}

bool DiskQuota::drop(const FileVersion& version, Dropped dropped) {
  auto object = objects_.begin_eviction(version);
  if (!object) return false;
  {
    const MutexLock lock(mutex_);
    dropped_[mark_of(version.object) % dropped_.size()] = true;
  }
  jobs_.begin();
  writer_.drop_object(version.object, [this, object = std::move(object),
                                       dropped = std::move(dropped)](const Result<void>& committed) mutable {
    jobs_.run([this, object = std::move(object), dropped = std::move(dropped), committed] {
      Result<std::uint64_t> freed = committed ? unlink(object->version()) : tl::unexpected(committed.error());
      if (freed) evicted_.add();
      object->eviction_ended();
      dropped(std::move(freed));
    });
    jobs_.leave();
  });
  return true;
}

void DiskQuota::relieve() {
  {
    const MutexLock lock(mutex_);
    if (making_room_ || std::chrono::steady_clock::now() < not_before_) return;
    // All that was fetched under a larger quota would go.
    if (offline_ && used_ > quota_) return;
    making_room_ = true;
  }
  jobs_.run([this] { make_room(); });
}

void DiskQuota::make_room() {
  const DiskSpace disk = blocks_.space();
  std::uint64_t excess = is_scarce(disk) ? less(2 * reserve_of(disk), disk.free) : 0;
  {
    const MutexLock lock(mutex_);
    round_freed_ = false;
    round_began_ = std::chrono::steady_clock::now();
    going_ = 1;  // this call, so that the round does not end while it still starts evictions
    excess = std::max(excess, less(used_ + admitted_, low_water_));
    if (std::exchange(refused_, false)) excess = std::max(excess, used_ / kHighShare);
  }
  for (const FileVersion& version : victims(excess)) {
    {
      const MutexLock lock(mutex_);
      ++going_;
    }
    if (!drop(version, [this](const Result<std::uint64_t>& freed) { one_gone(freed.has_value()); }))
      one_gone(false);
  }
  one_gone(false);
}

void DiskQuota::one_gone(bool freed) {
  const MutexLock lock(mutex_);
  round_freed_ = round_freed_ || freed;
  if (--going_ != 0) return;
  making_room_ = false;
  if (!round_freed_) {
    const SteadyTime now = std::chrono::steady_clock::now();
    not_before_ =
        now + std::max<SteadyTime::duration>(fruitless_pause_, kFruitlessRest * (now - round_began_));
  }
  round_over_.notify_all();
}

void DiskQuota::evict_to_quota(bool again) {
  if (offline_) return;
  for (bool first = true;; first = false) {
    {
      MutexLock lock(mutex_);
      while (making_room_) lock.wait(round_over_);
      if (!crowded() || (!first && !round_freed_)) return;
      if (!again && std::chrono::steady_clock::now() < not_before_) return;
      making_room_ = true;
    }
    make_room();
  }
}

Result<std::uint64_t> DiskQuota::evict(const FileVersion& version) {
  struct Outcome {
    Mutex mutex;
    std::condition_variable known;
    std::unique_ptr<Result<std::uint64_t>> freed GUARDED_BY(mutex);
  };
  const auto outcome = std::make_shared<Outcome>();
  const Dropped dropped = [outcome](Result<std::uint64_t> freed) {
    const MutexLock lock(outcome->mutex);
    outcome->freed = std::make_unique<Result<std::uint64_t>>(std::move(freed));
    outcome->known.notify_all();
  };
  bool begun = drop(version, dropped);
  for (unsigned attempt = 0; !begun && attempt < kLandingWaits && !objects_.opened(version.object);
       ++attempt) {
    std::this_thread::sleep_for(kLandingWait);
    begun = drop(version, dropped);
  }
  if (!begun) return fail(Errc::unavailable, "the file is open or being fetched");
  MutexLock lock(outcome->mutex);
  while (!outcome->freed) lock.wait(outcome->known);
  return *outcome->freed;
}

bool DiskQuota::orphan(const StoredObject& stored, std::chrono::seconds age) const {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  // One of an earlier run is not about to get its entry, and after the loss of an index all are.
  return (now - stored.modified >= age || stored.modified < opened_) && !is_known(stored.id);
}

bool DiskQuota::is_known(const Hash128& id) const {
  if (objects_.find(id)) return true;
  const auto known = catalog_.object(id);
  return known || known.error().code != Errc::not_found;
}

void DiskQuota::remove_orphan(const Hash128& id) {
  // It was one when the sweep came by, minutes ago. A reader who comes at this moment may write into the file
  // that goes: he reads on from memory, and later fetches again.
  FileVersion version;
  version.object = id;
  if (!is_known(id) && unlink(version)) orphans_.add();
}

void DiskQuota::visit(const StoredObject& stored) {
  const MutexLock lock(mutex_);
  if (!swept_.insert(stored.id).second) return;
  swept_bytes_ += stored.disk_bytes;
  if (const auto change = changing_.find(stored.id); change != changing_.end())
    change->second = stored.disk_bytes;
}

void DiskQuota::begin_sweep() {
  swept_bytes_ = 0;
  for (auto& [id, counted] : changing_) counted = 0;
}

Result<void> DiskQuota::resum(const std::stop_token& stop, std::chrono::seconds orphan_age) {
  std::vector<Hash128> orphans;
  unsigned visited = 0;
  const auto look = [&](const StoredObject& stored) {
    if (orphan(stored, orphan_age)) orphans.push_back(stored.id);
    if (++visited % kSweepBatch == 0) std::this_thread::sleep_for(kSweepRest);
    visit(stored);
    return !stop.stop_requested();
  };
  for (unsigned first = 0; first < 256 && !stop.stop_requested(); ++first) {
    {
      const MutexLock lock(mutex_);
      if (!std::exchange(sweeping_, true)) begin_sweep();
      sweep_at_ = std::byte(first);
      swept_.clear();
    }
    blocks_.scan(std::byte(first), look);
  }
  {
    const MutexLock lock(mutex_);
    sweeping_ = false;
    swept_.clear();
    if (stop.stop_requested()) return fail(Errc::interrupted, "the sweep of the cache was stopped");
    if (used_ != swept_bytes_)
      log::debug("cache: counted {}, found {}", format_size(used_), format_size(swept_bytes_));
    used_ = swept_bytes_;
    used_gauge_.set(static_cast<std::int64_t>(used_));
  }
  for (const Hash128& id : orphans) remove_orphan(id);
  return {};
}

}  // namespace astrofs
