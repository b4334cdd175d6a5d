#include "cache/cache_dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

namespace astrofs {
namespace {

constexpr mode_t kPrivateDir = 0700;

/// Magic numbers of statfs(2) for what is served by another machine or by a user's process.
constexpr std::array<std::pair<std::uint32_t, std::string_view>, 15> kRemote{{
    {0x6969, "NFS"},
    {0xff534d42, "CIFS"},
    {0xfe534d42, "SMB2"},
    {0x517b, "SMB"},
    {0x65735546, "FUSE"},
    {0x01021997, "9p"},
    {0x5346414f, "AFS"},
    {0x6b414653, "AFS"},
    {0x73757245, "Coda"},
    {0x00c36400, "Ceph"},
    {0x0bd00bd0, "Lustre"},
    {0x47504653, "GPFS"},
    {0x19830326, "BeeGFS"},
    {0x20030528, "OrangeFS"},
    {0xaad7aaea, "PanFS"},
}};

/// EROFS and ELOOP are about rights here: the directory may not be used as it is.
Error open_error(int errno_value, const std::string& shown) {
  if (errno_value == ELOOP || errno_value == ENOTDIR) {
    return {Errc::denied,
            fmt::format("cache directory {} is a symbolic link or not a directory: name the real directory",
                        shown)};
  }
  Error error = system_error(errno_value, "cache directory " + shown);
  if (errno_value == EROFS) error.code = Errc::denied;
  if (error.code == Errc::denied || error.code == Errc::not_found)
    error.message += ": choose another with cache=";
  return error;
}

bool is_empty(int fd) {
  const int copy = ::openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* const listed = copy < 0 ? nullptr : ::fdopendir(copy);
  if (listed == nullptr) {
    if (copy >= 0) ::close(copy);
    return false;
  }
  bool empty = true;
  while (const dirent* row = ::readdir(listed)) {
    const std::string_view name(row->d_name);
    empty = empty && (name == "." || name == "..");
  }
  ::closedir(listed);
  return empty;
}

/// An empty directory that others may write to is closed to them: nothing of theirs is in it. First closed,
/// then looked into, so that nothing can come in between.
bool closed_to_others(int fd, mode_t mode) {
  if (::fchmod(fd, kPrivateDir) != 0) return false;
  if (is_empty(fd)) return true;
  (void)::fchmod(fd, mode);
  return false;
}

Result<void> require_private(int fd, const std::string& shown) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return tl::unexpected(open_error(errno, shown));
  if (status.st_uid != ::geteuid()) {
    return fail(Errc::denied, fmt::format("cache directory {} belongs to user {}: choose another with cache=",
                                          shown, status.st_uid));
  }
  const mode_t mode = status.st_mode & 07777U;
  if ((mode & (S_IWGRP | S_IWOTH)) != 0 && !closed_to_others(fd, mode)) {
    return fail(
        Errc::denied,
        fmt::format("cache directory {} is writable by others (mode {:o}): chmod 700 it", shown, mode));
  }
  if (::faccessat(fd, ".", W_OK, AT_EACCESS) != 0) return tl::unexpected(open_error(errno, shown));
  return {};
}

}  // namespace

Result<void> require_local_file_system(int fd, const std::string& shown) {
  struct statfs status {};
  if (::fstatfs(fd, &status) != 0) return tl::unexpected(open_error(errno, shown));
  const auto type = static_cast<std::uint32_t>(status.f_type);
  const auto found =
      std::find_if(kRemote.begin(), kRemote.end(), [type](const auto& row) { return row.first == type; });
  if (found == kRemote.end()) return {};
  return fail(
      Errc::invalid,
      fmt::format("{} is on a {} file system, which cannot hold the cache: choose a local disk with cache=",
                  shown, found->second));
}

Result<UniqueFd> open_cache_subdir(int parent, const std::string& name, const std::string& shown) {
  if (::mkdirat(parent, name.c_str(), kPrivateDir) != 0 && errno != EEXIST)
    return tl::unexpected(open_error(errno, shown));
  UniqueFd fd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return tl::unexpected(open_error(errno, shown));
  if (auto fine = require_private(fd.get(), shown); !fine) return tl::unexpected(fine.error());
  return fd;
}

Result<UniqueFd> open_cache_dir(const std::string& path) {
  std::string trimmed = path;
  while (trimmed.size() > 1 && trimmed.back() == '/') trimmed.pop_back();
  if (trimmed.empty() || trimmed == "/")
    return fail(Errc::invalid, fmt::format("\"{}\" cannot be the cache directory", path));
  for (std::size_t slash = trimmed.find('/', 1); slash != std::string::npos;
       slash = trimmed.find('/', slash + 1)) {
    const std::string above = trimmed.substr(0, slash);
    // EROFS and EACCES come for directories that exist too; the open below says what is really wrong.
    if (::mkdir(above.c_str(), kPrivateDir) != 0 && errno != EEXIST && errno != EROFS && errno != EACCES) {
      return tl::unexpected(open_error(errno, above));
    }
  }
  auto fd = open_cache_subdir(AT_FDCWD, trimmed, trimmed);
  if (!fd) return fd;
  if (auto local = require_local_file_system(fd->get(), trimmed); !local)
    return tl::unexpected(local.error());
  return fd;
}

}  // namespace astrofs
