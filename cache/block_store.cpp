#include "cache/block_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <list>
#include <map>
#include <mutex>

#include "base/mutex.h"
#include "cache/cache_dir.h"

namespace astrofs {
namespace {

/// Idle descriptors kept: a sweep over one camera's frames has a few dozen open; 256 leaves three quarters of
/// the usual limit of 1024 to connections, the index and the kernel's device.
constexpr std::size_t kIdleFiles = 256;
/// st_blocks counts in this unit whatever the file system's block is.
constexpr std::uint64_t kStatBlock = 512;
constexpr std::size_t kNameLength = 32;

std::uint64_t disk_bytes_of(const struct stat& status) {
  return static_cast<std::uint64_t>(status.st_blocks) * kStatBlock;
}

std::optional<Hash128> parse_id(std::string_view name) {
  if (name.size() != kNameLength) return std::nullopt;
  const auto digit = [](char letter) -> int {
    if (letter >= '0' && letter <= '9') return letter - '0';
    if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
    return -1;
  };
  Hash128 id{};
  for (std::size_t i = 0; i < id.size(); ++i) {
    const int high = digit(name[2 * i]);
    const int low = digit(name[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    id[i] = static_cast<std::byte>(high * 16 + low);
  }
  return id;
}

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

}  // namespace

Result<void> ObjectFile::read(std::uint64_t offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ssize_t got = ::pread(fd_.get(), out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return tl::unexpected(system_error(errno, "reading a cached object"));
    if (got == 0) return fail(Errc::corrupt, "a cached object is shorter than its index says");
    out = out.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  return {};
}

Result<void> ObjectFile::write(std::uint64_t offset, std::span<const std::byte> data) {
  while (!data.empty()) {
    const ssize_t put = ::pwrite(fd_.get(), data.data(), data.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return tl::unexpected(system_error(errno, "writing a cached object"));
    if (put == 0) return fail(Errc::no_space, "writing a cached object: nothing was taken");
    data = data.subspan(static_cast<std::size_t>(put));
    offset += static_cast<std::uint64_t>(put);
  }
  return {};
}

Result<void> ObjectFile::sync() const {
  while (::fdatasync(fd_.get()) != 0) {
    if (errno != EINTR) return tl::unexpected(system_error(errno, "writing out a cached object"));
  }
  return {};
}

FileStamp ObjectFile::stamp() const {
  constexpr std::int64_t kNanosecondsInSecond = 1'000'000'000;
  struct stat status {};
  if (::fstat(fd_.get(), &status) != 0) return {};
  return {status.st_ino, static_cast<std::uint64_t>(status.st_size),
          status.st_ctim.tv_sec * kNanosecondsInSecond + status.st_ctim.tv_nsec};
}

std::uint64_t ObjectFile::disk_bytes() const {
  struct stat status {};
  return ::fstat(fd_.get(), &status) == 0 ? disk_bytes_of(status) : 0;
}

class BlockStore::Impl {
 public:
  Impl(std::string path, UniqueFd data) : path_(std::move(path)), data_(std::move(data)) {}

  Result<std::shared_ptr<ObjectFile>> object(const Hash128& id, bool create) EXCLUDES(mutex_);
  Result<std::uint64_t> remove(const Hash128& id) EXCLUDES(mutex_);
  void scan(std::byte first, const std::function<bool(const StoredObject&)>& visit) const;
  [[nodiscard]] int data_fd() const { return data_.get(); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  struct Kept {
    Hash128 id;
    std::shared_ptr<ObjectFile> file;
  };
  static std::string name_of_file(const Hash128& id) {
    const std::string hex = to_hex(id);
    return hex.substr(0, 2) + "/" + hex;
  }
  struct Opened {
    std::shared_ptr<ObjectFile> file;
    bool writable{true};
  };
  [[nodiscard]] Result<Opened> open_file(const Hash128& id, bool create) EXCLUDES(mutex_);
  void drop_idle(std::size_t keep) EXCLUDES(mutex_);

  const std::string path_;
  const UniqueFd data_;
  Mutex mutex_;
  std::list<Kept> recent_ GUARDED_BY(mutex_);  ///< newest use first
  std::map<Hash128, std::list<Kept>::iterator> kept_ GUARDED_BY(mutex_);
  std::uint64_t removals_ GUARDED_BY(mutex_){
      0};  ///< a file opened while one was removed may be the removed one
};

Result<BlockStore::Impl::Opened> BlockStore::Impl::open_file(const Hash128& id, bool create) {
  const std::string name = name_of_file(id);
  // The descriptor is for reading and writing in both cases, since it is shared by readers and writers.
  int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC | (create ? O_CREAT : 0);
  for (int attempt = 0;; ++attempt) {
    UniqueFd fd(::openat(data_.get(), name.c_str(), flags, 0600));
    if (fd) return Opened{std::make_shared<ObjectFile>(std::move(fd)), (flags & O_ACCMODE) == O_RDWR};
    const int error = errno;
    if (error == EINTR) continue;
    // Each cause is worth one more try, and no more: two different ones may follow each other.
    if (attempt >= 2) return tl::unexpected(system_error(error, "opening cached object " + name));
    if (error == EMFILE || error == ENFILE) {
      drop_idle(0);
    } else if (error == ENOENT && create) {
      if (::mkdirat(data_.get(), name.substr(0, 2).c_str(), 0700) != 0 && errno != EEXIST) {
        return tl::unexpected(system_error(errno, "making the directory of cached object " + name));
      }
    } else if (error == EROFS && !create) {
      flags = (flags & ~O_ACCMODE) | O_RDONLY;  // a disk gone read-only still gives what it has
    } else {
      return tl::unexpected(system_error(error, "opening cached object " + name));
    }
  }
}

Result<std::shared_ptr<ObjectFile>> BlockStore::Impl::object(const Hash128& id, bool create) {
  std::uint64_t removals = 0;
  {
    const MutexLock lock(mutex_);
    removals = removals_;
    if (const auto found = kept_.find(id); found != kept_.end()) {
      recent_.splice(recent_.begin(), recent_, found->second);
      return found->second->file;
    }
  }
  auto opened = open_file(id, create);
  if (!opened) return tl::unexpected(opened.error());
  {
    const MutexLock lock(mutex_);
    // Two threads may have opened the same file; both descriptors are right, one is kept.
    if (const auto found = kept_.find(id); found != kept_.end()) return found->second->file;
    if (!opened->writable || removals != removals_) return opened->file;
    recent_.push_front({id, opened->file});
    kept_[id] = recent_.begin();
  }
  drop_idle(kIdleFiles);
  return opened->file;
}

void BlockStore::Impl::drop_idle(std::size_t keep) {
  std::list<Kept>
      closing;  // closed after the lock: close(2) of an unlinked file frees its blocks and takes a while
  const MutexLock lock(mutex_);
  for (auto it = recent_.end(); it != recent_.begin() && recent_.size() > keep;) {
    --it;
    if (it->file.use_count() > 1) continue;
    kept_.erase(it->id);
    const auto idle = it++;
    closing.splice(closing.end(), recent_, idle);
  }
}

Result<std::uint64_t> BlockStore::Impl::remove(const Hash128& id) {
  const std::string name = name_of_file(id);
  struct stat status {};
  const bool there = ::fstatat(data_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
  const bool gone = ::unlinkat(data_.get(), name.c_str(), 0) == 0 || errno == ENOENT;
  const int error = errno;
  std::shared_ptr<ObjectFile> closing;  // after the lock
  {
    // After the unlink: an open that found the old file is either kept by now, or sees the count changed.
    const MutexLock lock(mutex_);
    ++removals_;
    if (const auto found = kept_.find(id); found != kept_.end()) {
      closing = std::move(found->second->file);
      recent_.erase(found->second);
      kept_.erase(found);
    }
  }
  if (!gone) return tl::unexpected(system_error(error, "removing cached object " + name));
  return there ? disk_bytes_of(status) : 0;
}

void BlockStore::Impl::scan(std::byte first, const std::function<bool(const StoredObject&)>& visit) const {
  const std::string name = fmt::format("{:02x}", std::to_integer<unsigned>(first));
  const int fd = ::openat(data_.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return;  // most of the 256 do not exist in a young cache
  const std::unique_ptr<DIR, CloseDir> dir(::fdopendir(fd));
  if (!dir) {
    ::close(fd);
    return;
  }
  while (const dirent* entry = ::readdir(dir.get())) {
    const auto id = parse_id(entry->d_name);
    struct stat status {};
    if (!id || ::fstatat(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode))
      continue;
    if (!visit({*id, disk_bytes_of(status), SysSeconds(std::chrono::seconds(status.st_mtim.tv_sec))})) return;
  }
}

Result<std::unique_ptr<BlockStore>> BlockStore::open(const std::string& dir) {
  auto top = open_cache_dir(dir);
  if (!top) return tl::unexpected(top.error());
  auto data = open_cache_subdir(top->get(), "data", dir + "/data");
  if (!data) return tl::unexpected(data.error());
  return std::unique_ptr<BlockStore>(new BlockStore(std::make_unique<Impl>(dir + "/data", std::move(*data))));
}

BlockStore::BlockStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BlockStore::~BlockStore() = default;

Result<std::shared_ptr<ObjectFile>> BlockStore::object(const Hash128& id, bool create) {
  return impl_->object(id, create);
}
Result<std::uint64_t> BlockStore::remove(const Hash128& id) {
  return impl_->remove(id);
}
void BlockStore::scan(std::byte first, const std::function<bool(const StoredObject&)>& visit) const {
  impl_->scan(first, visit);
}
const std::string& BlockStore::path() const {
  return impl_->path();
}

DiskSpace BlockStore::space() const {
  struct statvfs status {};
  if (::fstatvfs(impl_->data_fd(), &status) != 0) return {};
  const auto block = static_cast<std::uint64_t>(status.f_frsize);
  return {block * status.f_blocks, block * status.f_bavail};
}

}  // namespace astrofs
