#include "fs/warm.h"

#include <algorithm>

namespace astrofs {
namespace {

/// What is asked for at a time, and how much of it may be in the air: a few connections' worth, so that
/// readers keep theirs.
constexpr std::uint64_t kPiece = 4ULL << 20;
constexpr unsigned kPiecesInAir = 4;
/// Of files that are ordered: they keep no connection busy, and each order takes its seconds.
constexpr unsigned kOrderedInAir = 2000;
constexpr milliseconds kReportEvery{200};

}  // namespace

class Warmer::Piece final : public Waiter {
 public:
  Piece(Warmer& warmer, std::uint64_t number, std::string path, std::uint64_t length,
        std::shared_ptr<Left> left)
      : warmer_(warmer), number_(number), path_(std::move(path)), length_(length), left_(std::move(left)) {}
  void done(Result<Bytes> result) override { warmer_.landed(number_, path_, length_, result, left_); }

 private:
  Warmer& warmer_;
  const std::uint64_t number_;
  const std::string path_;
  const std::uint64_t length_;
  const std::shared_ptr<Left> left_;
};

Warmer::Warmer(BlockCache& cache, std::function<bool(const WarmProgress&)> progress)
    : cache_(cache), report_(std::move(progress)) {}

void Warmer::expect(std::size_t files, std::uint64_t bytes) {
  const MutexLock lock(mutex_);
  progress_.files = files;
  progress_.bytes = bytes;
}

bool Warmer::run(const std::vector<File>& files) {
  bool whole = true;
  for (const File& file : files) {
    whole = fetch(file, std::make_shared<Left>(Left{file.version.node}));
    if (!whole) break;
  }
  // Pieces refer to this object: none may be in the air when it goes.
  if (whole) whole = wait_for_room(1);
  if (whole) {
    settle();
  } else {
    give_up();
  }
  (void)report_(progress());
  return whole;
}

bool Warmer::run_again(const std::vector<File>& files) {
  {
    const MutexLock lock(mutex_);
    for (const File& file : files) {
      --progress_.files_done;
      progress_.bytes_done -= file.version.size;
    }
  }
  return run(files);
}

bool Warmer::fetch(const File& file, const std::shared_ptr<Left>& left) {
  cache_.open(file.version);
  bool goes_on = true;
  for (std::uint64_t at = 0; at < file.version.size && goes_on; at += kPiece) {
    goes_on = ask(file, ByteRange::between(at, std::min(file.version.size, at + kPiece)), left);
  }
  cache_.close(file.version);
  const MutexLock lock(mutex_);
  if (goes_on) part_done(left);
  return goes_on;
}

bool Warmer::ask(const File& file, ByteRange piece, const std::shared_ptr<Left>& left) {
  std::uint64_t here = 0;
  for (const ByteRange& range : cache_.present_ranges(file.version, piece)) here += range.length;
  {
    const MutexLock lock(mutex_);
    progress_.bytes_done += here;
  }
  if (here == piece.length) return true;
  if (!wait_for_room(file.ordered ? kOrderedInAir : kPiecesInAir)) return false;
  std::uint64_t number = 0;
  {
    const MutexLock lock(mutex_);
    ++in_flight_;
    ++left->pieces;
    number = ++pieces_;
  }
  cache_.prefetch(file.version, piece, FetchUrgency::background);
  const std::uint64_t missing = piece.length - here;
  std::unique_ptr<Waiter> waiter = std::make_unique<Piece>(*this, number, file.path, missing, left);
  auto outcome = cache_.read(file.version, piece, piece, waiter);
  if (const auto* now = std::get_if<Result<Bytes>>(&outcome)) {
    landed(number, file.path, missing, *now, left);
  } else {
    const MutexLock lock(mutex_);
    // It may have landed already: then cancelling it does nothing.
    waits_.emplace(number, std::get<WaitId>(outcome));
  }
  return true;
}

bool Warmer::wait_for_room(unsigned at_most) {
  for (;;) {
    {
      MutexLock lock(mutex_);
      if (in_flight_ < at_most) return true;
      lock.wait_for(landed_, kReportEvery);
      if (in_flight_ < at_most) return true;
    }
    if (!report_(progress())) return false;
  }
}

/// Readers are answered from memory; a warm is done when its bytes are on the disk.
void Warmer::settle() {
  // Readers may keep bytes coming for ever, and a full disk takes none: what was ours has had its chance
  // after so long.
  constexpr milliseconds kLook{10};
  constexpr unsigned kLooks = 500;
  MutexLock lock(mutex_);
  for (unsigned look = 0; look < kLooks && cache_.bytes_in_flight() > 0; ++look)
    lock.wait_for(landed_, kLook);
}

void Warmer::check_kept(const File& file) {
  if (cache_.presence(file.version).complete) return;
  const MutexLock lock(mutex_);
  note_failure(
      file.version.node, file.path,
      {Errc::no_space, "fetched, but the cache has not room for all of it; see cache_size= and pins"});
}

void Warmer::note_failure(NodeId node, const std::string& path, const Error& error) {
  if (!failed_.insert(node).second) return;
  if (error.code == Errc::not_found) {
    ++progress_.missing;
    missing_.insert(node);
    return;
  }
  ++progress_.failed;
  if (failures_.size() < kMostFailures) failures_.push_back({path, error});
}

void Warmer::part_done(const std::shared_ptr<Left>& left) {
  if (--left->pieces == 0) ++progress_.files_done;
}

/// Nobody waits any longer for what a dead server will not bring. What arrives all the same is kept.
void Warmer::give_up() {
  std::map<std::uint64_t, WaitId> waits;
  {
    const MutexLock lock(mutex_);
    waits.swap(waits_);
  }
  for (const auto& [number, id] : waits) {
    const bool dropped = cache_.cancel(id);
    const MutexLock lock(mutex_);
    if (dropped) --in_flight_;
  }
  MutexLock lock(mutex_);
  while (in_flight_ > 0) lock.wait(landed_);  // their answers are being given
}

void Warmer::landed(std::uint64_t piece, const std::string& path, std::uint64_t length,
                    const Result<Bytes>& result, const std::shared_ptr<Left>& left) {
  const MutexLock lock(mutex_);
  waits_.erase(piece);
  --in_flight_;
  part_done(left);
  if (result) {
    progress_.bytes_done += length;
    progress_.bytes_fetched += length;
  } else {
    note_failure(left->node, path, result.error());
  }
  landed_.notify_all();
}

bool Warmer::has_failed(NodeId node) const {
  const MutexLock lock(mutex_);
  return failed_.contains(node);
}

std::set<NodeId> Warmer::take_missing() {
  const MutexLock lock(mutex_);
  return std::exchange(missing_, {});
}

WarmProgress Warmer::progress() const {
  const MutexLock lock(mutex_);
  return progress_;
}

std::vector<WarmFailure> Warmer::failures() const {
  const MutexLock lock(mutex_);
  return failures_;
}

}  // namespace astrofs
