#include "fs/warm.h"

#include <algorithm>

namespace astrofs {
namespace {

/// What is asked for at a time, and how much of it may be in the air: a few connections' worth, so that
/// readers keep theirs.
constexpr std::uint64_t kPiece = 4ULL << 20;
constexpr unsigned kPiecesInAir = 4;
constexpr milliseconds kReportEvery{200};

}  // namespace

class Warmer::Piece final : public Waiter {
 public:
  Piece(Warmer& warmer, std::uint64_t number, std::string path, std::uint64_t length)
      : warmer_(warmer), number_(number), path_(std::move(path)), length_(length) {}
  void done(Result<Bytes> result) override { warmer_.landed(number_, path_, length_, result); }

 private:
  Warmer& warmer_;
  const std::uint64_t number_;
  const std::string path_;
  const std::uint64_t length_;
};

Warmer::Warmer(BlockCache& cache, std::function<bool(const WarmProgress&)> progress)
    : cache_(cache), report_(std::move(progress)) {}

bool Warmer::run(const std::vector<File>& files) {
  {
    const MutexLock lock(mutex_);
    progress_.files = files.size();
    for (const File& file : files) progress_.bytes += file.version.size;
  }
  bool whole = true;
  for (const File& file : files) {
    if (!fetch(file)) {
      whole = false;
      break;
    }
    const MutexLock lock(mutex_);
    ++progress_.files_done;
  }
  // Pieces refer to this object: none may be in the air when it goes.
  if (whole) whole = wait_for_room(1);
  if (whole) {
    settle();
    for (const File& file : files) check_kept(file);
  } else {
    give_up();
  }
  (void)report_(progress());
  return whole;
}

bool Warmer::fetch(const File& file) {
  cache_.open(file.version);
  std::uint64_t at = 0;
  bool goes_on = true;
  while (at < file.version.size && goes_on) {
    const ByteRange piece = ByteRange::between(at, std::min(file.version.size, at + kPiece));
    at = piece.end();
    std::uint64_t here = 0;
    for (const ByteRange& range : cache_.present_ranges(file.version, piece)) here += range.length;
    {
      const MutexLock lock(mutex_);
      progress_.bytes_done += here;
    }
    if (here == piece.length) continue;
    goes_on = wait_for_room(kPiecesInAir);
    if (!goes_on) break;
    std::uint64_t number = 0;
    {
      const MutexLock lock(mutex_);
      ++in_flight_;
      number = ++pieces_;
    }
    cache_.prefetch(file.version, piece, FetchUrgency::background);
    std::unique_ptr<Waiter> waiter = std::make_unique<Piece>(*this, number, file.path, piece.length - here);
    auto outcome = cache_.read(file.version, piece, piece, waiter);
    if (const auto* now = std::get_if<Result<Bytes>>(&outcome)) {
      landed(number, file.path, piece.length - here, *now);
    } else {
      const MutexLock lock(mutex_);
      waits_.emplace(number,
                     std::get<WaitId>(outcome));  // may have landed already: then cancelling it does nothing
    }
  }
  cache_.close(file.version);
  return goes_on;
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

/// Fetched is not kept: a quota or a disk that is full leaves nothing for the flight.
void Warmer::check_kept(const File& file) {
  if (cache_.presence(file.version).complete) return;
  const MutexLock lock(mutex_);
  for (const WarmFailure& failure : failures_) {
    if (failure.path == file.path) return;
  }
  ++progress_.failed;
  failures_.push_back(
      {file.path,
       {Errc::no_space, "fetched, but the cache has no room to keep it; see cache_size= and pins"}});
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
                    const Result<Bytes>& result) {
  const MutexLock lock(mutex_);
  waits_.erase(piece);
  --in_flight_;
  if (result) {
    progress_.bytes_done += length;
    progress_.bytes_fetched += length;
  } else {
    ++progress_.failed;
    // One line a file: a dead server fails each of its pieces alike.
    if (failures_.empty() || failures_.back().path != path) failures_.push_back({path, result.error()});
  }
  landed_.notify_all();
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
