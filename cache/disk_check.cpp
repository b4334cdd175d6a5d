#include "cache/disk_check.h"

#include <cstring>
#include <utility>

#include "base/log.h"

namespace astrofs {
namespace {

/// Objects remembered, at about 64 bytes each: nine terabytes of full-frame images. Beyond it all are
/// forgotten, and checked again as they are read.
constexpr std::size_t kRemembered = 262'144;
/// Read at a time in the background: long enough for a disk that seeks.
constexpr std::uint64_t kPiece = 1024 * 1024;

}  // namespace

std::size_t DiskCheck::HashOfId::operator()(const Hash128& id) const noexcept {
  std::size_t value = 0;  // any part of a SHA-256 will do
  std::memcpy(&value, id.data(), sizeof value);
  return value;
}

DiskCheck::DiskCheck(const Catalog& catalog, BlockStore& blocks, ObjectTable& objects, Metrics& metrics,
                     ReadDisk read_disk)
    : catalog_(catalog),
      blocks_(blocks),
      objects_(objects),
      read_disk_(std::move(read_disk)),
      checked_(metrics.counter("astrofs_cache_checked_files_total",
                               "Complete files of which every block on disk was checked")) {}

void DiskCheck::consider(const ObjectBlocks& object) {
  const FileVersion& version = object.version();
  if (!enabled_ || version.size == 0 || 2 * object.touched_bytes() < version.size) return;
  {
    const MutexLock lock(mutex_);
    if (objects_known_.size() >= kRemembered) objects_known_.clear();
    if (!objects_known_.emplace(version.object, std::nullopt).second) return;
  }
  // Whoever is refused here is stopping, and needs no more.
  (void)thread_.submit([this, version] {
    forget(version.object);  // before it looks: what becomes complete from now on is worth another look
    check(version);
  });
}

void DiskCheck::check(const FileVersion& version) {
  // An object in use cannot be evicted, so it is not held while the disk works. Its place in memory tells
  // whether it was evicted meanwhile.
  std::weak_ptr<const ObjectBlocks> before;
  std::vector<ByteRange> rest;
  {
    const auto object = objects_.get(version);
    if (!object->load(catalog_, blocks_touching({0, version.size}))) return;
    if (object->present_bytes() != version.size) return;
    rest = object->unchecked_ranges();
    before = object;
  }
  const auto file = blocks_.object(version.object, false);
  if (!file || stopping_) return;
  // First to disk: a write that fails on its way would else show only when the kernel drops its pages.
  if (const Result<void> written = (*file)->sync(); !written) {
    log::warning("cache: {}", written.error().message);
    return;
  }
  const FileStamp stamp = (*file)->stamp();
  if (stamp.size != version.size) return;
  for (ByteRange& range : rest) {
    while (!range.empty()) {
      const ByteRange piece{range.offset, std::min(range.length, kPiece)};
      if (stopping_ || !read_disk_(version, piece)) return;
      range = ByteRange::between(piece.end(), range.end());
    }
  }
  const auto after = objects_.find(version.object);
  if (!after || before.owner_before(after) || after.owner_before(before)) return;
  if ((*file)->stamp() != stamp) return after->distrust();
  {
    const MutexLock lock(mutex_);
    objects_known_[version.object] = stamp;  // while `after` is held, nothing of it can be evicted
  }
  // In this order: whoever finds a bad block takes it from the object first, and forgets the file then.
  if (after->checked_bytes() == version.size) {
    checked_.add();
  } else {
    forget(version.object);
  }
}

std::optional<FileStamp> DiskCheck::stamp_of(const FileVersion& version) {
  const MutexLock lock(mutex_);
  const auto found = objects_known_.find(version.object);
  return found == objects_known_.end() ? std::nullopt : found->second;
}

std::shared_ptr<ObjectFile> DiskCheck::file(const FileVersion& version) {
  if (!stamp_of(version)) return nullptr;
  auto file = blocks_.object(version.object, false);
  if (!file) return nullptr;
  // Once more, with the file in hand: it may have been removed and begun anew before it was opened, but then
  // it is no longer checked.
  const std::optional<FileStamp> stamp = stamp_of(version);
  if (!stamp) return nullptr;
  if ((*file)->stamp() == *stamp) return *file;
  forget(version.object);
  if (const auto object = objects_.find(version.object)) object->distrust();
  return nullptr;
}

void DiskCheck::forget(const Hash128& id) {
  const MutexLock lock(mutex_);
  objects_known_.erase(id);
}

void DiskCheck::stop() {
  stopping_ = true;
  thread_.stop();
}

}  // namespace astrofs
