#include "cache/index_writer.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <future>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "base/executor.h"
#include "base/heap.h"
#include "base/log.h"
#include "base/mutex.h"
#include "cache/changes.h"
#include "cache/damage_log.h"
#include "cache/lmdb.h"

namespace astrofs {
namespace {

/// A group: so many changes, or so long after the first of them; what a power cut may cost.
constexpr std::size_t kGroupChanges = 256;
constexpr milliseconds kGroupTime{200};
/// Pages of the index that may gather in this process's memory before it is mapped anew. They are the
/// system's, which has them in its cache whether they are mapped or not; but who looks at a daemon that has
/// walked 200,000 directories should not find all of a 134 MiB index in it.
constexpr std::size_t kMostMapped = 16U << 20;
/// Uses alone make a commit (and its fsync) no oftener than this: losing them costs a worse choice when
/// evicting.
constexpr milliseconds kTouchTime{5000};
/// Blocks and uses waiting while the disk does not keep up; more are forgotten, which costs fetches and no
/// memory.
constexpr std::size_t kMostBlocks = 65'536;
constexpr std::size_t kMostTouches = 65'536;
/// A transaction larger than this leaves memory worth giving back.
constexpr std::uint64_t kLargeChange = 8ULL << 20;
/// Slots of readers in processes that were killed hold old pages; looked for at open and this often.
constexpr std::chrono::minutes kReaderCheck{1};
/// Until it is open again every name is an error: as often as costs nothing.
constexpr std::chrono::seconds kReviveTime{1};

}  // namespace

class IndexWriter::Impl {
 public:
  explicit Impl(Catalog& catalog)
      : catalog_(catalog), environment_(catalog.environment()), thread_([this] { run(); }) {}
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  using Apply = std::function<Result<void>(WriteTxn&)>;
  /// `blocks`: what the change weighs against kMostBlocks; such a change may be dropped, and waits for its
  /// group.
  /// `large`: it holds memory worth giving back when it is done.
  void queue(Apply apply, Done done, std::size_t blocks = 0, bool large = false) EXCLUDES(mutex_);
  void touch(const Use& use) EXCLUDES(mutex_);
  [[nodiscard]] Environment& environment() { return environment_; }

 private:
  struct Job {
    Apply apply;
    Done done;
    std::size_t blocks{0};
    bool large{false};
    Result<void> result{};
    bool failed{false};  ///< broke a transaction: the group goes on without it
  };
  struct Group {
    std::vector<Job> jobs;
    std::set<Use> touched;
  };

  void run();
  std::optional<Group> next_group() EXCLUDES(mutex_);  ///< nothing: stop
  [[nodiscard]] std::optional<SteadyTime> due() const REQUIRES(mutex_);
  void commit(Group& group);
  /// True: done, well or not. False: run the group again.
  bool attempt(Group& group, Result<void>& outcome);
  bool apply_jobs(Group& group, WriteTxn& txn);
  void tell_disk(const Result<void>& outcome);
  void revive();
  void check_readers();
  [[nodiscard]] SteadyTime look_after() const;  ///< when the two above are due; index thread

  Catalog& catalog_;
  Environment& environment_;
  bool large_change_{false};                                      ///< index thread
  bool disk_failing_{false};                                      ///< index thread
  std::size_t resident_{resident_file_bytes()};                   ///< when the map was new; index thread
  SteadyTime readers_checked_{std::chrono::steady_clock::now()};  ///< index thread
  std::optional<SteadyTime> dead_;  ///< when it last could not be opened again; index thread

  Mutex mutex_;
  std::condition_variable wake_;
  std::vector<Job> jobs_ GUARDED_BY(mutex_);
  std::set<Use> touched_ GUARDED_BY(mutex_);
  std::size_t blocks_ GUARDED_BY(mutex_){0};
  std::size_t dropped_ GUARDED_BY(mutex_){0};
  bool somebody_waits_ GUARDED_BY(mutex_){false};
  bool stopping_ GUARDED_BY(mutex_){false};
  SteadyTime first_job_ GUARDED_BY(mutex_){};
  SteadyTime first_touch_ GUARDED_BY(mutex_){};
  std::thread thread_;  ///< last: it uses all of the above
};

IndexWriter::Impl::~Impl() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
  if (auto clean = catalog_.mark_clean(); !clean)
    log::warning("index: not closed cleanly: {}", clean.error().message);
}

void IndexWriter::Impl::queue(Apply apply, Done done, std::size_t blocks, bool large) {
  {
    const MutexLock lock(mutex_);
    if (blocks != 0 && blocks_ + blocks > kMostBlocks) {
      dropped_ += blocks;
      return;
    }
    blocks_ += blocks;
    if (jobs_.empty()) first_job_ = std::chrono::steady_clock::now();
    somebody_waits_ = somebody_waits_ || done;
    jobs_.push_back({std::move(apply), std::move(done), blocks, large});
    // The thread has to know of a first change and of a reason to hurry; the rest it finds when it looks.
    if (jobs_.size() != 1 && jobs_.size() < kGroupChanges && !somebody_waits_) return;
  }
  wake_.notify_one();
}

void IndexWriter::Impl::touch(const Use& use) {
  const MutexLock lock(mutex_);
  if (touched_.size() >= kMostTouches) return;
  if (touched_.empty()) {
    first_touch_ = std::chrono::steady_clock::now();
    wake_.notify_one();
  }
  touched_.insert(use);
}

std::optional<SteadyTime> IndexWriter::Impl::due() const {
  if (stopping_ || somebody_waits_ || jobs_.size() >= kGroupChanges) return SteadyTime::min();
  std::optional<SteadyTime> when;
  if (!jobs_.empty()) when = first_job_ + kGroupTime;
  if (!touched_.empty()) when = std::min(when.value_or(SteadyTime::max()), first_touch_ + kTouchTime);
  return when;
}

std::optional<IndexWriter::Impl::Group> IndexWriter::Impl::next_group() {
  MutexLock lock(mutex_);
  while (true) {
    const SteadyTime now = std::chrono::steady_clock::now();
    const std::optional<SteadyTime> when = due();
    if (when && *when <= now) break;
    const SteadyTime look_again = std::min(when.value_or(SteadyTime::max()), look_after());
    if (look_again <= now) return Group{};  // nothing to write, but time to look after the index
    lock.wait_for(wake_, look_again - now);
  }
  if (stopping_ && jobs_.empty() && touched_.empty()) return std::nullopt;
  if (dropped_ != 0)
    log::warning("index: the disk does not keep up; {} blocks will be fetched again", dropped_);
  blocks_ = 0;
  dropped_ = 0;
  somebody_waits_ = false;
  return Group{std::exchange(jobs_, {}), std::exchange(touched_, {})};
}

void IndexWriter::Impl::run() {
  name_this_thread("index");
  while (std::optional<Group> group = next_group()) {
    if (!group->jobs.empty() || !group->touched.empty()) commit(*group);
    group.reset();
    const bool has_grown = resident_file_bytes() > resident_ + kMostMapped;
    if (std::exchange(large_change_, false) || has_grown) {
      if (auto shed = environment_.shed(); !shed) log::error("{}", shed.error().message);
      resident_ = resident_file_bytes();
    }
    revive();
    check_readers();
  }
}

bool IndexWriter::Impl::apply_jobs(Group& group, WriteTxn& txn) {
  for (Job& job : group.jobs) {
    if (job.failed) continue;
    job.result = job.apply(txn);
    if (txn.failure() == 0) continue;
    // A full map is nobody's fault and mended by running again; anything else fails this change and spares
    // the others.
    job.failed = !txn.map_full();
    return false;
  }
  for (const Use& use : group.touched) {
    if (auto touched = changes::touch(txn, use); txn.failure() != 0) {
      if (!txn.map_full()) group.touched.clear();
      return false;
    }
  }
  return true;
}

bool IndexWriter::Impl::attempt(Group& group, Result<void>& outcome) {
  bool full = false;
  {
    Result<WriteTxn> txn = environment_.write();
    if (!txn) {
      outcome = tl::unexpected(txn.error());
      return true;
    }
    if (apply_jobs(group, *txn)) outcome = txn->commit();
    large_change_ = large_change_ || txn->written() > kLargeChange;
    if (txn->failure() == 0) return true;
    full = txn->map_full();
    if (!full && !outcome) return true;  // the commit itself failed
  }
  if (!full) return false;
  outcome = environment_.grow();
  if (outcome) log::info("index: its map is now {} MiB", environment_.map_size() >> 20);
  return !outcome;
}

void IndexWriter::Impl::commit(Group& group) {
  Result<void> outcome;
  while (!attempt(group, outcome)) outcome = {};
  tell_disk(outcome);
  for (Job& job : group.jobs) {
    large_change_ = large_change_ || job.large;
    if (!outcome && !job.failed) job.result = tl::unexpected(outcome.error());
    if (job.done) job.done(std::move(job.result));
  }
}

void IndexWriter::Impl::tell_disk(const Result<void>& outcome) {
  if (outcome.has_value() != disk_failing_) return;
  disk_failing_ = !outcome;
  if (disk_failing_) {
    log::error("{}; reads go on, what they fetch is not kept", outcome.error().message);
  } else {
    log::info("index: can be written again");
  }
}

void IndexWriter::Impl::revive() {
  // Here and not with the next change: while nothing can be looked up, nobody comes to make one.
  const Result<void> revived = environment_.revive();
  if (!revived && !dead_)
    log::error("{}; nothing can be looked up until it opens again", revived.error().message);
  dead_ = revived ? std::nullopt : std::optional(std::chrono::steady_clock::now());
}

SteadyTime IndexWriter::Impl::look_after() const {
  const SteadyTime readers = readers_checked_ + kReaderCheck;
  return dead_ ? std::min(readers, *dead_ + kReviveTime) : readers;
}

void IndexWriter::Impl::check_readers() {
  const SteadyTime now = std::chrono::steady_clock::now();
  if (now - readers_checked_ < kReaderCheck) return;
  readers_checked_ = now;
  if (const int dead = environment_.check_readers(); dead > 0)
    log::info("index: {} dead readers cleared", dead);
}

// --- the changes, made into jobs. Each may run more than once, so what it is given stays as it is.

IndexWriter::IndexWriter(Catalog& catalog) : impl_(std::make_unique<Impl>(catalog)) {}
IndexWriter::~IndexWriter() = default;

void IndexWriter::replace_listing(NodeId dir, std::vector<ListedEntry> entries, ListingState state,
                                  std::function<void(Result<ListingChange>)> done) {
  struct Shared {
    std::vector<ListedEntry> entries;
    ListingState state;
    ListingChange change;
  };
  const bool large = entries.size() >= kLargeListing;  // though nothing of it be new
  auto shared = std::make_shared<Shared>(Shared{std::move(entries), std::move(state), {}});
  impl_->queue(
      [shared, dir](WriteTxn& txn) -> Result<void> {
        if (!std::ranges::is_sorted(shared->entries, {}, &ListedEntry::name))
          std::ranges::sort(shared->entries, {}, &ListedEntry::name);
        Result<ListingChange> change = changes::replace_listing(txn, dir, shared->entries, shared->state);
        if (!change) return tl::unexpected(change.error());
        shared->change = std::move(*change);
        return {};
      },
      [shared, dir, done = std::move(done), &damage = impl_->environment().damage()](Result<void> result) {
        if (result) damage.directory_listed_again(dir);
        if (!done) return;
        if (result) {
          done(std::move(shared->change));
        } else {
          done(tl::unexpected(result.error()));
        }
      },
      0, large);
}

void IndexWriter::add_child(NodeId dir, ListedEntry entry, std::function<void(Result<Node>)> done) {
  auto node = std::make_shared<Node>();
  impl_->queue(
      [node, dir, entry = std::move(entry)](WriteTxn& txn) -> Result<void> {
        Result<Node> added = changes::add_child(txn, dir, entry);
        if (!added) return tl::unexpected(added.error());
        *node = std::move(*added);
        return {};
      },
      [node, done = std::move(done)](Result<void> result) {
        if (!done) return;
        if (result) {
          done(std::move(*node));
        } else {
          done(tl::unexpected(result.error()));
        }
      });
}

void IndexWriter::note_listing(NodeId dir, ListingState state, Done done) {
  impl_->queue([=](WriteTxn& txn) { return changes::note_listing(txn, dir, state); }, std::move(done));
}

void IndexWriter::set_size(NodeId node, std::uint32_t generation, std::uint64_t size, SysSeconds mtime,
                           std::string validator, Done done) {
  impl_->queue(
      [=](WriteTxn& txn) { return changes::set_size(txn, node, generation, size, mtime, validator); },
      std::move(done));
}

void IndexWriter::set_missing(NodeId node, std::uint32_t generation, bool missing, std::string layout,
                              Done done) {
  impl_->queue([=, layout = std::move(layout)](
                   WriteTxn& txn) { return changes::set_missing(txn, node, generation, missing, layout); },
               std::move(done));
}

void IndexWriter::set_stale(NodeId node, std::uint32_t generation, Done done) {
  impl_->queue([=](WriteTxn& txn) { return changes::set_stale(txn, node, generation); }, std::move(done));
}

void IndexWriter::renew(NodeId node, std::uint32_t generation, Done done) {
  impl_->queue([=](WriteTxn& txn) { return changes::renew(txn, node, generation); }, std::move(done));
}

void IndexWriter::set_layout(NodeId node, std::uint32_t generation, std::string layout) {
  impl_->queue([node, generation, layout = std::move(layout)](
                   WriteTxn& txn) { return changes::set_layout(txn, node, generation, layout); },
               {});
}

void IndexWriter::add_blocks(const FileVersion& version, std::vector<BlockHash> blocks) {
  const std::size_t weight = blocks.size();
  if (weight == 0) return;
  impl_->queue([version, blocks = std::move(blocks)](
                   WriteTxn& txn) { return changes::add_blocks(txn, version, blocks); },
               {}, weight);
}

void IndexWriter::drop_blocks(const Hash128& object, std::vector<std::uint32_t> blocks, Done done) {
  impl_->queue([object, blocks = std::move(blocks)](
                   WriteTxn& txn) { return changes::drop_blocks(txn, object, blocks); },
               std::move(done));
}

void IndexWriter::drop_object(const Hash128& object, Done done) {
  impl_->queue([=](WriteTxn& txn) { return changes::drop_object(txn, object); }, std::move(done));
}

void IndexWriter::touch(const FileVersion& version) {
  impl_->touch({version.object, version.node, version.generation});
}

void IndexWriter::set_etags(const FileVersion& version, std::string etags) {
  impl_->queue(
      [version, etags = std::move(etags)](WriteTxn& txn) { return changes::set_etags(txn, version, etags); },
      {});
}

void IndexWriter::set_verdict(const FileVersion& version, Verdict verdict, std::string proof) {
  impl_->queue([version, verdict, proof = std::move(proof)](
                   WriteTxn& txn) { return changes::set_verdict(txn, version, verdict, proof); },
               {});
}

void IndexWriter::set_pin(NodeId node, bool pinned, Done done) {
  impl_->queue([=](WriteTxn& txn) { return changes::set_pin(txn, node, pinned); }, std::move(done));
}

Result<void> IndexWriter::flush() {
  std::promise<Result<void>> committed;
  impl_->queue([](WriteTxn&) { return Result<void>{}; },
               [&committed](Result<void> result) { committed.set_value(result); });
  return committed.get_future().get();
}

}  // namespace astrofs
