#include "fs/sweep.h"

#include <algorithm>

namespace astrofs {
namespace {

/// Files in a row, read alike, before the next ones are believed in: two steps, so three files.
constexpr unsigned kBelieve = 2;
/// First number of files ahead, doubled at each file that was foreseen.
constexpr unsigned kFirstWindow = 4;
/// 64 headers of 64 KiB are 4 MiB in the air: more than any archive's connections can carry at once.
constexpr unsigned kLargestWindow = 64;
/// A pattern is a few small ranges. Whoever reads more of each file is copying it: that is ReadPattern's
/// work.
constexpr std::size_t kMostRanges = 8;
constexpr std::uint64_t kMostBytes = 4ULL << 20;
/// In the air for a walk, as far as bytes go: eight connections of 20 MB/s for 0.1 s.
constexpr std::uint64_t kMostAhead = 16ULL << 20;
/// Rows of a cut-out lie apart by the length of a row, 8,544 bytes in a frame: what is between them costs
/// less than requests of their own.
constexpr std::uint64_t kJoined = 64 * 1024;
/// Walks kept in mind; one per directory that somebody is reading from.
constexpr std::size_t kMostWalks = 64;

std::uint64_t total(const std::vector<ByteRange>& ranges) {
  std::uint64_t sum = 0;
  for (const ByteRange& range : ranges) sum += range.length;
  return sum;
}

/// Adds a range unless one is there that holds it; one that it continues, or nearly, is made longer.
void add(std::vector<ByteRange>& ranges, ByteRange range) {
  for (ByteRange& known : ranges) {
    if (known.contains(range)) return;
    if (range.offset >= known.offset && range.offset <= known.end() + kJoined) {
      known = ByteRange::between(known.offset, std::max(known.end(), range.end()));
      return;
    }
  }
  ranges.push_back(range);
}

/// What both have, in the order of the first.
std::vector<ByteRange> common_of(const std::vector<ByteRange>& first, const std::vector<ByteRange>& second) {
  std::vector<ByteRange> common;
  for (const ByteRange& one : first) {
    for (const ByteRange& other : second) {
      if (one.overlaps(other)) add(common, one.intersect(other));
    }
  }
  return common;
}

}  // namespace

Sweep::Sweep(const Catalog& catalog, BlockCache& cache, const ArchiveTable& archives, Metrics& metrics)
    : catalog_(catalog),
      cache_(cache),
      archives_(archives),
      ahead_(metrics.counter("astrofs_sweep_files_total",
                             "Files of which a part was fetched ahead of a walk")) {}

void Sweep::saw(const Node& file, ByteRange range) {
  const Order order = observe(file, range);
  if (order.files > 0) fetch_ahead(file, order);
}

Sweep::Walk& Sweep::walk_in(NodeId dir) {
  const auto known = walks_.find(dir);
  if (known != walks_.end()) return known->second;
  if (walks_.size() >= kMostWalks) {
    const auto older = [](const auto& a, const auto& b) { return a.second.used < b.second.used; };
    walks_.erase(std::min_element(walks_.begin(), walks_.end(), older));
  }
  return walks_[dir];
}

Sweep::Order Sweep::observe(const Node& file, ByteRange range) {
  std::string at;
  {
    const MutexLock lock(mutex_);
    at = walk_in(file.parent).name;
  }
  // The catalog is asked outside the lock, and only when the walk moves on.
  const bool next = at != file.name && !at.empty() && follows(file, at);
  const MutexLock lock(mutex_);
  Walk& walk = walk_in(file.parent);
  walk.used = ++clock_;
  if (walk.name != file.name) {
    if (next && walk.name == at) {
      step(walk);
    } else {
      walk = Walk{};  // a jump: what was read of other files says nothing here
      walk.used = clock_;
    }
    walk.name = file.name;
  }
  add(walk.ranges, range);
  return plan(walk, file);
}

void Sweep::step(Walk& walk) {
  const bool readable_pattern =
      !walk.ranges.empty() && walk.ranges.size() <= kMostRanges && total(walk.ranges) <= kMostBytes;
  if (!readable_pattern) walk.ranges.clear();
  walk.common = walk.alike == 0 ? walk.ranges : common_of(walk.ranges, walk.before);
  if (walk.common.empty()) walk.alike = 0;
  if (readable_pattern) ++walk.alike;
  const bool foreseen = walk.window > 0 && walk.fetched_to > walk.name;
  walk.before = std::move(walk.ranges);
  walk.ranges.clear();
  walk.ordered = false;
  if (walk.alike < kBelieve) {
    walk.window = 0;
    walk.fetched_to.clear();
  } else {
    walk.window = foreseen ? std::min(walk.window * 2, kLargestWindow) : kFirstWindow;
  }
}

Sweep::Order Sweep::plan(Walk& walk, const Node& file) {
  if (walk.alike < kBelieve || walk.before.empty()) return {};
  // Once per file, when its reader has begun as the one before did.
  if (walk.ordered || walk.before.front().offset != walk.ranges.front().offset) return {};
  walk.ordered = true;
  Order order;
  order.after = std::max(walk.fetched_to, file.name);
  order.files =
      static_cast<unsigned>(std::clamp<std::uint64_t>(kMostAhead / total(walk.common), 1, walk.window));
  order.ranges = walk.common;
  return order;
}

bool Sweep::follows(const Node& file, const std::string& name) const {
  bool is_next = false;
  (void)catalog_.scan_after_name(file.parent, name, [&](const Node& next) {
    is_next = next.id == file.id;
    return false;
  });
  return is_next;
}

void Sweep::fetch_ahead(const Node& file, const Order& order) {
  const MountedArchive* archive = archives_.of(file);
  if (archive != nullptr && !archive->archive->fetches_ahead()) return;
  // What lies between the reader and the end of what was fetched counts: the window is a distance from the
  // reader.
  std::vector<Node> files;
  unsigned distance = 0;
  (void)catalog_.scan_after_name(file.parent, file.name, [&](const Node& next) {
    if (next.kind == NodeKind::file && next.size && !next.missing && next.name > order.after)
      files.push_back(next);
    return ++distance < order.files;
  });
  if (files.empty()) return;
  {
    const MutexLock lock(mutex_);
    Walk& walk = walk_in(file.parent);
    walk.fetched_to = std::max(walk.fetched_to, files.back().name);
  }
  for (const Node& next : files) {
    const FileVersion version = archives_.version(next);
    for (const ByteRange& range : order.ranges) {
      const ByteRange inside = range.intersect({0, version.size});
      if (!inside.empty()) cache_.prefetch(version, inside);
    }
    ahead_.add();
  }
}

}  // namespace astrofs
