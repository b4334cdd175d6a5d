#include "cache/block_cache.h"

#include <algorithm>
#include <numeric>
#include <span>
#include <unordered_map>
#include <utility>

#include "base/hash.h"
#include "base/log.h"
#include "base/mutex.h"
#include "cache/disk_check.h"
#include "cache/evict.h"
#include "cache/flight.h"
#include "cache/jobs.h"
#include "cache/landing.h"
#include "cache/memory_budget.h"
#include "cache/object_blocks.h"
#include "cache/object_table.h"
#include "cache/waits.h"

namespace astrofs {
namespace {

ByteRange cut(ByteRange range, std::uint64_t size) {
  if (range.offset >= size) return {};
  return {range.offset, std::min(range.length, size - range.offset)};
}

/// No piece of a wanted range is so small that round trips take longer than bytes: 512 KiB is 25 ms at 20
/// MB/s.
constexpr std::uint64_t kSmallestPiece = 512ULL << 10;

/// Asking again does not change these: a reader who joined a prefetch gets them at once.
bool is_final(Errc code) {
  return code == Errc::not_found || code == Errc::denied || code == Errc::stale || code == Errc::corrupt ||
         code == Errc::offline;
}

/// What may be said again to who asks again at once. Not: what makes the file another one, or that it is our
/// own end.
bool is_held(Errc code) {
  return code != Errc::not_found && code != Errc::stale && code != Errc::interrupted;
}

/// What is fetched when that is wanted: of some versions no small pieces.
ByteRange generous(const FileVersion& version, ByteRange range) {
  const std::uint64_t least = version.least_request;
  if (least == 0 || range.empty()) return range;
  return cut(ByteRange::between(range.offset / least * least, (range.end() + least - 1) / least * least),
             version.size);
}

}  // namespace

class BlockCache::Impl final : public FlightHost, public std::enable_shared_from_this<BlockCache::Impl> {
 public:
  Impl(Catalog& catalog, IndexWriter& writer, BlockStore& blocks, Source& source, Executor& store,
       Metrics& metrics, const BlockCacheOptions& options)
      : catalog_(catalog),
        writer_(writer),
        blocks_(blocks),
        source_(source),
        options_(options),
        hits_(metrics.counter("astrofs_cache_hits_total", "Reads answered from this machine")),
        misses_(metrics.counter("astrofs_cache_misses_total", "Reads that waited for the network")),
        bad_blocks_(metrics.counter("astrofs_cache_bad_blocks_total",
                                    "Blocks on disk that were not what they must be")),
        flights_gauge_(metrics.gauge("astrofs_cache_flights", "Downloads in the air")),
        jobs_(store),
        memory_(options.memory,
                metrics.gauge("astrofs_cache_memory_bytes", "Bytes received and not yet on disk")),
        disk_check_(
            catalog, blocks, objects_, metrics,
            [this](const FileVersion& version, ByteRange range) { return peek(version, range).has_value(); }),
        quota_(catalog, writer, blocks, objects_, disk_check_, jobs_, metrics, options),
        landing_(catalog, writer, blocks, quota_, memory_, waits_, disk_check_, jobs_, metrics) {}

  std::variant<Result<Bytes>, WaitId> read(const FileVersion& version, ByteRange range, ByteRange fetch,
                                           std::unique_ptr<Waiter>& waiter);
  Result<Bytes> read_cached(const FileVersion& version, ByteRange range);
  Result<Bytes> peek(const FileVersion& version, ByteRange range);
  void prefetch(const FileVersion& version, ByteRange range, FetchUrgency urgency);
  void shut() EXCLUDES(mutex_);
  [[nodiscard]] std::size_t flights() const EXCLUDES(mutex_);
  Presence presence(const FileVersion& version) const;

  bool enter() override { return jobs_.enter(); }
  void leave() override { jobs_.leave(); }
  MemoryBudget& memory() override { return memory_; }
  void arrived(const std::shared_ptr<ObjectBlocks>& object) override { landing_.schedule(object); }
  void over(const Flight& flight, const Result<void>& result) override EXCLUDES(mutex_);

 private:
  friend class BlockCache;

  /// Copies into `assembly` what is on disk, verified, or in memory.
  void gather(ObjectBlocks& object, Assembly& assembly);
  void gather_disk(ObjectBlocks& object, std::span<const IndexWriter::BlockHash> disk, Assembly& assembly);
  [[nodiscard]] static std::vector<std::uint32_t> read_run(const ObjectFile& file,
                                                           std::span<const IndexWriter::BlockHash> run,
                                                           Assembly& assembly);
  void start(const std::shared_ptr<ObjectBlocks>& object, const FileVersion& version,
             const std::vector<FlightPlan>& plans, FetchUrgency urgency) EXCLUDES(mutex_);
  /// Length of a flight, when so much is wanted.
  [[nodiscard]] std::uint64_t piece_of(BlockSpan wanted) const EXCLUDES(mutex_);
  void fail_all(std::vector<std::shared_ptr<Parked>> parked, Error error);

  Catalog& catalog_;
  IndexWriter& writer_;
  BlockStore& blocks_;
  Source& source_;
  const BlockCacheOptions options_;
  Metric& hits_;
  Metric& misses_;
  Metric& bad_blocks_;
  Metric& flights_gauge_;
  Jobs jobs_;
  ObjectTable objects_;
  WaitTable waits_;
  MemoryBudget memory_;
  DiskCheck disk_check_;
  DiskQuota quota_;
  Landing landing_;

  mutable Mutex mutex_;
  bool shut_ GUARDED_BY(mutex_){false};
  std::unordered_map<const Flight*, std::stop_source> in_air_ GUARDED_BY(mutex_);
};

std::variant<Result<Bytes>, WaitId> BlockCache::Impl::read(const FileVersion& version, ByteRange range,
                                                           ByteRange fetch, std::unique_ptr<Waiter>& waiter) {
  range = cut(range, version.size);
  if (range.empty()) return Result<Bytes>(Bytes());
  const auto object = objects_.get(version);
  const auto parked = std::make_shared<Parked>(WaitId{0}, Assembly(range, version.size));
  Assembly& assembly = parked->assembly;
  object->load(catalog_, assembly.blocks());
  gather(*object, assembly);
  if (assembly.complete()) {
    hits_.add();
    return Result<Bytes>(assembly.result());
  }
  misses_.add();
  if (options_.offline && !source_.works_offline(version))
    return Result<Bytes>(fail(Errc::offline, "not in the cache, and the mount is offline"));
  if (auto failed = object->recent_failure(assembly))
    return Result<Bytes>(tl::unexpected(std::move(*failed)));
  if (version.least_request > 0) fetch = generous(version, fetch.empty() ? range : fetch);
  // Read-ahead is the first to go when the disk does not keep up.
  const BlockSpan ahead = memory_.half_used() ? BlockSpan{} : blocks_touching(cut(fetch, version.size));
  object->load(catalog_, ahead);
  const std::uint64_t piece =
      std::max(piece_of(ahead.empty() ? assembly.blocks() : ahead), version.least_request);
  const WaitId id = waits_.reserve();
  parked->id = id;
  for (;;) {
    if (const auto plans = object->park(parked, ahead, piece, waits_, waiter)) {
      start(object, version, *plans, FetchUrgency::prefetch);
      return id;
    }
    gather(*object, assembly);
    if (assembly.complete()) return Result<Bytes>(assembly.result());
  }
}

Result<Bytes> BlockCache::Impl::read_cached(const FileVersion& version, ByteRange range) {
  Result<Bytes> bytes = peek(version, range);
  if (bytes && !bytes->empty()) hits_.add();
  return bytes;
}

Result<Bytes> BlockCache::Impl::peek(const FileVersion& version, ByteRange range) {
  range = cut(range, version.size);
  if (range.empty()) return Bytes();
  const auto object = objects_.get(version);
  Assembly assembly(range, version.size);
  object->load(catalog_, assembly.blocks());
  gather(*object, assembly);
  if (!assembly.complete()) return fail(Errc::not_found, "not all of it is in the cache");
  return assembly.result();
}

void BlockCache::Impl::prefetch(const FileVersion& version, ByteRange range, FetchUrgency urgency) {
  const BlockSpan blocks = blocks_touching(generous(version, cut(range, version.size)));
  if (blocks.empty() || memory_.half_used()) return;
  if (options_.offline && !source_.works_offline(version)) return;
  const auto object = objects_.get(version);
  object->load(catalog_, blocks);
  start(object, version, object->plan(blocks, std::max(piece_of(blocks), version.least_request)), urgency);
}

void BlockCache::Impl::gather(ObjectBlocks& object, Assembly& assembly) {
  const auto found = object.find(assembly);
  for (const BlockRun& held : found.memory) assembly.put(held.first, held.bytes.span());
  if (!found.disk.empty()) gather_disk(object, found.disk, assembly);
}

void BlockCache::Impl::gather_disk(ObjectBlocks& object, std::span<const IndexWriter::BlockHash> disk,
                                   Assembly& assembly) {
  const Hash128& id = object.version().object;
  std::vector<std::uint32_t> bad;
  // A file that cannot be opened now (descriptors used up) is no damage: who reads it now fetches it, and the
  // index keeps its word for the next.
  bool damaged = true;
  if (const auto file = blocks_.object(id, false)) {
    for (std::size_t first = 0, next = 0; first < disk.size(); first = next) {
      for (next = first + 1; next < disk.size() && disk[next].block == disk[next - 1].block + 1;) ++next;
      const auto wrong = read_run(**file, disk.subspan(first, next - first), assembly);
      bad.insert(bad.end(), wrong.begin(), wrong.end());
    }
  } else {
    damaged = file.error().code == Errc::not_found;
    for (const auto& [block, hash] : disk) bad.push_back(block);
  }
  if (bad.empty()) return object.checked(disk);
  disk_check_.forget(id);
  if (!damaged) return object.unload(bad);
  auto forgotten = object.forget(bad);
  if (forgotten.empty()) return;
  bad_blocks_.add(static_cast<std::int64_t>(forgotten.size()));
  log::warning("cache: {} blocks of object {} are damaged and will be fetched again", forgotten.size(),
               to_hex(id));
  writer_.drop_blocks(id, std::move(forgotten));
}

/// Reads blocks that lie one behind the other. Returns those that are not what they must be.
std::vector<std::uint32_t> BlockCache::Impl::read_run(const ObjectFile& file,
                                                      std::span<const IndexWriter::BlockHash> run,
                                                      Assembly& assembly) {
  std::vector<std::uint32_t> bad;
  const BlockSpan blocks{run.front().block, run.back().block + 1};
  if (!file.read(std::uint64_t{blocks.first} * kBlockSize, assembly.place(blocks))) {
    if (run.size() == 1) return {run.front().block};
    for (const auto& one : run) {
      const auto wrong = read_run(file, std::span(&one, 1), assembly);
      bad.insert(bad.end(), wrong.begin(), wrong.end());
    }
    return bad;
  }
  for (const auto& [block, hash] : run) {
    if (xxh3(assembly.place({block, block + 1})) == hash) {
      assembly.mark(block);
    } else {
      bad.push_back(block);
    }
  }
  return bad;
}

std::uint64_t BlockCache::Impl::piece_of(BlockSpan wanted) const {
  const std::size_t more = kPieces - std::min(kPieces - 1, flights());
  const std::uint64_t length = std::uint64_t{wanted.last - wanted.first} * kBlockSize;
  return std::clamp(length / more, std::min(kSmallestPiece, options_.largest_flight),
                    options_.largest_flight);
}

void BlockCache::Impl::start(const std::shared_ptr<ObjectBlocks>& object, const FileVersion& version,
                             const std::vector<FlightPlan>& plans, FetchUrgency urgency) {
  for (const FlightPlan& plan : plans) {
    const auto flight = std::make_shared<Flight>(weak_from_this(), object, version, plan,
                                                 plan.demand ? FetchUrgency::demand : urgency);
    {
      const MutexLock lock(mutex_);
      if (shut_) return;
      in_air_.emplace(flight.get(), flight->stop());
    }
    flights_gauge_.add(1);
    source_.fetch(version, plan.range, flight->urgency(), flight, flight->stop().get_token());
  }
}

void BlockCache::Impl::over(const Flight& flight, const Result<void>& result) {
  {
    const MutexLock lock(mutex_);
    in_air_.erase(&flight);
  }
  flights_gauge_.add(-1);
  if (flight.handed_over()) return;
  const bool again = !result && !flight.plan().demand && !is_final(result.error().code);
  auto ended = flight.object()->end(flight.plan().id, again, options_.largest_flight);
  // Before anybody is told, and asks again.
  if (!result && !ended.lost.empty() && (flight.plan().demand || !ended.failed.empty()) &&
      is_held(result.error().code))
    flight.object()->note_failure(ended.lost, result.error(), options_.failure_hold);
  if (!ended.failed.empty()) {
    fail_all(std::move(ended.failed),
             result ? Error{Errc::corrupt, "the source brought less than was asked for"} : result.error());
  }
  if (!ended.again.empty()) {
    jobs_.run([this, object = flight.object(), version = flight.version(), plans = std::move(ended.again)] {
      start(object, version, plans, FetchUrgency::demand);
    });
  }
}

void BlockCache::Impl::fail_all(std::vector<std::shared_ptr<Parked>> parked, Error error) {
  jobs_.run([this, parked = std::move(parked), error = std::move(error)] {
    for (const auto& one : parked) {
      if (const auto waiter = waits_.take(one->id)) waiter->done(tl::unexpected(error));
    }
  });
}

Presence BlockCache::Impl::presence(const FileVersion& version) const {
  Presence presence;
  const auto known = catalog_.object(version.object);
  if (const auto object = objects_.find(version.object)) {
    // What the index does not know yet is in mind.
    if (known || known.error().code != Errc::not_found) object->load_stored(catalog_);
    presence.bytes = object->present_bytes();
  } else if (known) {
    presence.bytes = known->present_bytes;
  }
  presence.complete = presence.bytes == version.size;
  return presence;
}

void BlockCache::Impl::shut() {
  jobs_.close();
  std::vector<std::stop_source> stops;
  {
    const MutexLock lock(mutex_);
    shut_ = true;
    for (const auto& [flight, stop] : in_air_) stops.push_back(stop);
  }
  for (std::stop_source& stop : stops) stop.request_stop();
  disk_check_.stop();
  flights_gauge_.add(-static_cast<std::int64_t>(stops.size()));
  for (auto& waiter : waits_.take_all()) {
    jobs_.run([waiter = std::shared_ptr<Waiter>(std::move(waiter))] {
      waiter->done(fail(Errc::interrupted, "the cache is closing"));
    });
  }
  jobs_.wait();
  memory_.close();
}

std::size_t BlockCache::Impl::flights() const {
  const MutexLock lock(mutex_);
  return in_air_.size();
}

BlockCache::BlockCache(Catalog& catalog, IndexWriter& writer, BlockStore& blocks, Source& source,
                       Executor& store, Metrics& metrics, BlockCacheOptions options)
    : impl_(std::make_shared<Impl>(catalog, writer, blocks, source, store, metrics, options)) {}

BlockCache::~BlockCache() {
  impl_->shut();
}

void BlockCache::observe(CompletionObserver* observer) {
  impl_->landing_.observe(observer);
}

void BlockCache::open(const FileVersion& version) {
  impl_->objects_.open(version);
  impl_->writer_.touch(version);
  CompletionObserver* observer = impl_->landing_.observer();
  if (observer != nullptr && impl_->presence(version).complete) observer->complete(version, false);
}

void BlockCache::close(const FileVersion& version) {
  check_if_complete(version);
  impl_->objects_.close(version.object);
}

void BlockCache::check_complete_files() {
  impl_->disk_check_.enable();
}

void BlockCache::check_if_complete(const FileVersion& version) {
  if (const auto object = impl_->objects_.find(version.object)) impl_->disk_check_.consider(*object);
}

std::shared_ptr<ObjectFile> BlockCache::checked_file(const FileVersion& version) {
  return impl_->disk_check_.file(version);
}

std::variant<Result<Bytes>, WaitId> BlockCache::read(const FileVersion& version, ByteRange range,
                                                     ByteRange fetch, std::unique_ptr<Waiter>& waiter) {
  return impl_->read(version, range, fetch, waiter);
}

bool BlockCache::cancel(WaitId id) {
  return impl_->waits_.take(id) != nullptr;
}

void BlockCache::prefetch(const FileVersion& version, ByteRange range, FetchUrgency urgency) {
  impl_->prefetch(version, range, urgency);
}

Result<Bytes> BlockCache::read_cached(const FileVersion& version, ByteRange range) {
  return impl_->read_cached(version, range);
}

Result<Bytes> BlockCache::peek(const FileVersion& version, ByteRange range) {
  return impl_->peek(version, range);
}

Presence BlockCache::presence(const FileVersion& version) const {
  return impl_->presence(version);
}

std::vector<ByteRange> BlockCache::present_ranges(const FileVersion& version, ByteRange within) const {
  within = cut(within, version.size);
  const auto object = impl_->objects_.get(version);
  object->load(impl_->catalog_, blocks_touching(within));
  return object->present_ranges(within);
}

void BlockCache::forget(const FileVersion& version) {
  const BlockSpan all = blocks_touching({0, version.size});
  const auto object = impl_->objects_.get(version);
  object->load(impl_->catalog_, all);
  std::vector<std::uint32_t> blocks(all.last - all.first);
  std::iota(blocks.begin(), blocks.end(), all.first);
  impl_->writer_.drop_blocks(version.object, object->forget(blocks));
  impl_->disk_check_.forget(version.object);
}

Result<std::uint64_t> BlockCache::evict(const FileVersion& version) {
  return impl_->quota_.evict(version);
}
bool BlockCache::was_evicted(const FileVersion& version) {
  return impl_->quota_.was_dropped(version.object);
}
bool BlockCache::lend(std::uint64_t bytes) {
  return impl_->quota_.lend(bytes);
}
void BlockCache::give_back(std::uint64_t bytes) {
  impl_->quota_.give_back(bytes);
}
void BlockCache::evict_to_quota(bool again) {
  impl_->quota_.evict_to_quota(again);
}
std::uint64_t BlockCache::most_kept() const {
  return impl_->quota_.most_kept();
}
Result<void> BlockCache::resum(const std::stop_token& stop, seconds orphan_age) {
  return impl_->quota_.resum(stop, orphan_age);
}

std::uint64_t BlockCache::disk_bytes() const {
  return impl_->quota_.used();
}
std::uint64_t BlockCache::bytes_in_flight() const {
  return impl_->memory_.held();
}
std::size_t BlockCache::parked() const {
  return impl_->waits_.size();
}
std::size_t BlockCache::flights() const {
  return impl_->flights();
}

}  // namespace astrofs
