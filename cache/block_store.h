// Bytes on disk: data/ab/<32 hex digits>, one sparse file per object (file version), below a directory
// descriptor, 0600, never through a symlink. Knows nothing of the index. Any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/unique_fd.h"

namespace astrofs {

/// Changes with every write, whoever writes.
struct FileStamp {
  std::uint64_t inode{0};
  std::uint64_t size{0};
  std::int64_t changed_ns{0};  ///< st_ctime, which no program can set
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

/// An open object file; shared by its readers and writers, closed with the last of them. An unlinked one
/// stays readable.
class ObjectFile {
 public:
  explicit ObjectFile(UniqueFd fd) : fd_(std::move(fd)) {}
  [[nodiscard]] int fd() const { return fd_.get(); }
  /// All of `out` or an error; a file that ends early is Errc::corrupt.
  [[nodiscard]] Result<void> read(std::uint64_t offset, std::span<std::byte> out) const;
  [[nodiscard]] Result<void> write(std::uint64_t offset, std::span<const std::byte> data);
  /// Until the disk has what was written. An error is also that of an earlier write-back.
  [[nodiscard]] Result<void> sync() const;
  [[nodiscard]] FileStamp stamp() const;
  [[nodiscard]] std::uint64_t disk_bytes() const;  ///< st_blocks * 512: what `du` counts

 private:
  UniqueFd fd_;
};

/// An object file as the sweep sees it.
struct StoredObject {
  Hash128 id{};
  std::uint64_t disk_bytes{0};
  SysSeconds modified{};
};

/// Of the file system that the objects are on, in bytes.
struct DiskSpace {
  std::uint64_t total{0};
  std::uint64_t free{0};  ///< for us
};

class BlockStore {
 public:
  /// Opens or makes `dir`/data. Errors: denied (not ours, group or world writable, read-only), no_space,
  /// invalid (network file system).
  [[nodiscard]] static Result<std::unique_ptr<BlockStore>> open(const std::string& dir);

  /// The file of an object, made when `create`. Idle descriptors are kept open up to a bound and closed when
  /// the process runs out.
  [[nodiscard]] Result<std::shared_ptr<ObjectFile>> object(const Hash128& id, bool create);
  /// Unlinks the object's file; those who hold it keep it. Returns what it occupied; a file that is not there
  /// is 0.
  [[nodiscard]] Result<std::uint64_t> remove(const Hash128& id);
  /// Every object file on disk of which the id begins with `first`. Calls `visit` until it returns false.
  void scan(std::byte first, const std::function<bool(const StoredObject&)>& visit) const;
  [[nodiscard]] DiskSpace space() const;
  [[nodiscard]] const std::string& path() const;

  ~BlockStore();
  BlockStore(const BlockStore&) = delete;
  BlockStore& operator=(const BlockStore&) = delete;

 private:
  class Impl;
  explicit BlockStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace astrofs
