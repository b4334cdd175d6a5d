// Content versions that are open, shared by their handles; and the handles. A version is fixed when it is
// opened: bytes, size and kind (real, placeholder, a file on this machine) stay as they are for all its
// handles.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <unordered_map>

#include "backends/format/fits_layout.h"
#include "base/mutex.h"
#include "base/unique_fd.h"
#include "cache/block_cache.h"
#include "cache/catalog.h"
#include "fs/archive_table.h"
#include "fs/inode.h"
#include "fs/kernel_files.h"
#include "fs/placeholder.h"
#include "fs/read_pattern.h"

namespace astrofs {

class OpenFile {
 public:
  OpenFile(Node file, FileVersion file_version, const MountedArchive* of_archive)
      : node(std::move(file)), version(file_version), archive(of_archive), layout_(version.size) {
    if (is_fits()) layout_.recall(node.layout);
  }

  const Node node;
  const FileVersion version;
  const MountedArchive* const archive;
  UniqueFd local;  ///< a file on this machine, read directly
  /// Those that the kernel may have of the inode are not of these bytes, or may not be. Until the first read
  /// comes: the open before it has dropped them.
  std::atomic<bool> pages_are_others{false};
  /// The kernel reads it by itself. Either through all handles or through none: it refuses one inode that is
  /// read both ways (EIO at open), so a file that becomes complete stays with the daemon until its last
  /// handle is closed.
  GivenFile given;

  [[nodiscard]] bool is_fits() const { return node.name.ends_with(".fits"); }
  /// Before bytes of the archive go to a reader. False: readers were shown the placeholder, and must see no
  /// others.
  [[nodiscard]] bool serve() EXCLUDES(mutex_);
  /// Bytes of the archive went to a reader.
  [[nodiscard]] bool served() const EXCLUDES(mutex_);
  /// Set once: all reads of this version are answered from it from then on. False: one has been served
  /// already.
  [[nodiscard]] bool set_placeholder(std::shared_ptr<const Placeholder> placeholder) EXCLUDES(mutex_);
  [[nodiscard]] std::shared_ptr<const Placeholder> placeholder() const EXCLUDES(mutex_);
  /// Learn where headers are from bytes that pass by. What is known now, if that is more than before; else
  /// "".
  std::string learn(std::uint64_t offset, const Bytes& bytes) EXCLUDES(mutex_);
  /// The same from the head as an earlier reader left it in the cache: its pages may be in the kernel, so
  /// that it never passes by.
  void learn_head(BlockCache& cache) EXCLUDES(mutex_);
  [[nodiscard]] std::optional<std::uint64_t> next_header() const EXCLUDES(mutex_);
  /// The header of a known HDU that begins in `range`, but for the first.
  [[nodiscard]] std::optional<ByteRange> header_in(ByteRange range) const EXCLUDES(mutex_);

 private:
  mutable Mutex mutex_;
  /// One excludes the other: reads of one version are under way side by side, and some may arrive after
  /// others were denied.
  std::shared_ptr<const Placeholder> placeholder_ GUARDED_BY(mutex_);
  bool served_ GUARDED_BY(mutex_){false};
  FitsLayout layout_ GUARDED_BY(mutex_);
  bool head_looked_for_ GUARDED_BY(mutex_){false};
};

class OpenHandle {
 public:
  explicit OpenHandle(std::shared_ptr<OpenFile> opened)
      : file(std::move(opened)),
        pattern_(file->version.size, file->is_fits(), file->version.least_request > 0) {}

  const std::shared_ptr<OpenFile> file;
  [[nodiscard]] ReadPlan plan(ByteRange asked, bool here, bool direct, const Windows& windows)
      EXCLUDES(mutex_);

 private:
  Mutex mutex_;
  ReadPattern pattern_ GUARDED_BY(mutex_);
};

/// All versions open now. Keeps the cache from evicting them.
class OpenFiles {
 public:
  explicit OpenFiles(BlockCache& cache) : cache_(cache) {}

  /// The version if it is open, without opening it.
  [[nodiscard]] std::shared_ptr<OpenFile> find(Inode inode) const EXCLUDES(mutex_);
  /// One more handle on the version that `make` describes, or on the one that is open already.
  [[nodiscard]] std::shared_ptr<OpenHandle> open(Inode inode,
                                                 const std::function<std::shared_ptr<OpenFile>()>& make)
      EXCLUDES(mutex_);
  void close(Inode inode) EXCLUDES(mutex_);
  [[nodiscard]] std::size_t count() const EXCLUDES(mutex_);

 private:
  struct Row {
    std::shared_ptr<OpenFile> file;
    std::size_t handles{0};
  };
  BlockCache& cache_;
  mutable Mutex mutex_;
  std::unordered_map<Inode, Row> rows_ GUARDED_BY(mutex_);
};

}  // namespace astrofs
