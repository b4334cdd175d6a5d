// Which objects are complete and checked as a whole in this process, so that their file may be read past the
// daemon: the disk has said that it holds what was written, every block was read and had its hash, and nobody
// has written into the file since. From then on it is trusted as any file of that disk is.
//
// What was just written is read too: then it is still in memory, and costs its hash. Off until somebody asks
// for such files: the rest of a file is read, and it is written out, for them alone. Owned by BlockCache; any
// thread. Its work runs on a thread of its own, since writing out may take long.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>

#include "base/executor.h"
#include "base/hash.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "cache/block_store.h"
#include "cache/catalog.h"
#include "cache/object_table.h"

namespace astrofs {

class DiskCheck {
 public:
  /// Reads a range from disk and checks its blocks. False: not all of it is here as it should be.
  using ReadDisk = std::function<bool(const FileVersion&, ByteRange)>;
  DiskCheck(const Catalog& catalog, BlockStore& blocks, ObjectTable& objects, Metrics& metrics,
            ReadDisk read_disk);

  void enable() { enabled_ = true; }
  /// It was written to the end, or a reader has closed it: when at least half of it was read or written in
  /// this process, the rest is checked in the background. So no more is read for this than was read or
  /// fetched.
  void consider(const ObjectBlocks& object) EXCLUDES(mutex_);
  /// The file, when it is checked, of exactly the version's size and unchanged since; else null.
  [[nodiscard]] std::shared_ptr<ObjectFile> file(const FileVersion& version) EXCLUDES(mutex_);
  /// The file goes, or a block of it is not what it must be.
  void forget(const Hash128& id) EXCLUDES(mutex_);
  /// Nothing runs any more afterwards.
  void stop();

 private:
  struct HashOfId {
    std::size_t operator()(const Hash128& id) const noexcept;
  };

  void check(const FileVersion& version) EXCLUDES(mutex_);
  /// None: not checked.
  [[nodiscard]] std::optional<FileStamp> stamp_of(const FileVersion& version) EXCLUDES(mutex_);

  const Catalog& catalog_;
  BlockStore& blocks_;
  ObjectTable& objects_;
  const ReadDisk read_disk_;
  Metric& checked_;
  std::atomic<bool> enabled_{false};
  std::atomic<bool> stopping_{false};

  Mutex mutex_;
  /// Checked as that file was; or still to be looked at.
  std::unordered_map<Hash128, std::optional<FileStamp>, HashOfId> objects_known_ GUARDED_BY(mutex_);
  Executor thread_{"disk-check", 1};
};

}  // namespace astrofs
