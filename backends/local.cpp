#include "backends/local.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <memory>

#include "backends/settle.h"
#include "base/log.h"
#include "base/path_below.h"
#include "base/unique_fd.h"

namespace astrofs {
namespace {

// A listing of this machine costs a readdir, so it may be fresh nearly always; two seconds keep a busy reader
// from listing the same directory at every name.
constexpr std::chrono::seconds kGoodFor{2};

// Links that lead into each other make paths without end; no real archive is deeper.
constexpr std::ptrdiff_t kDeepest = 64;

// The scope of what others may not read on the disk: they shall not through a mount that lets them in either.
constexpr std::string_view kNotForOthers = "who mounted";

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

/// "" and single components joined by '/'; what could lead up or out is refused before the disk is asked.
bool is_plain_path(std::string_view path) {
  if (path.empty()) return true;
  if (std::count(path.begin(), path.end(), '/') >= kDeepest || path.find('\0') != std::string_view::npos)
    return false;
  while (true) {
    const auto slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

std::optional<std::string> real_path(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), &std::free);
  if (!real) return std::nullopt;
  return std::string(real.get());
}

/// Opens `path` (without links) below `root` with `flags`, one component at a time and never through a link:
/// what was a directory when the path was resolved may have become a link to the outside since.
Result<UniqueFd> open_below(const std::string& root, const std::string& path, int flags) {
  UniqueFd fd(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::string_view rest = path;
  while (fd && !rest.empty()) {
    const auto slash = rest.find('/');
    const bool is_last = slash == std::string_view::npos;
    const std::string part(rest.substr(0, slash));
    fd.reset(::openat(fd.get(), part.c_str(),
                      (is_last ? flags : O_RDONLY | O_DIRECTORY) | O_NOFOLLOW | O_CLOEXEC));
    rest.remove_prefix(is_last ? rest.size() : slash + 1);
  }
  if (fd) return fd;
  const int cause = errno;
  const std::string where = root + "/" + path;
  if (cause == EACCES || cause == EPERM) return fail(Errc::denied, where + ": no permission");
  if (cause == ENOTDIR) return fail(Errc::not_directory, where + " is not a directory");
  if (cause == ENOENT || cause == ELOOP) return fail(Errc::not_found, where + " is not there");
  return tl::unexpected<Error>(system_error(cause, where));
}

struct Resolved {
  std::string root;  ///< the root without links
  std::string path;  ///< relative to it, without links
};

Result<Resolved> resolve(const std::string& configured, std::string_view locator) {
  if (!is_plain_path(locator))
    return fail(Errc::not_found, "no such path in the archive: " + std::string(locator));
  auto root = real_path(configured);
  // The whole archive gone is a disk that is not mounted, not an archive whose files were removed.
  if (!root) return fail(Errc::unavailable, "the directory " + configured + " cannot be reached now");
  const std::string full = *root + "/" + std::string(locator);
  const auto real = real_path(full);
  if (!real) {
    if (errno == EACCES) return fail(Errc::denied, full + ": no permission");
    if (errno == ENOTDIR) return fail(Errc::not_directory, full + " goes through a file");
    if (errno == ENOENT || errno == ELOOP) return fail(Errc::not_found, full + " is not there");
    return tl::unexpected<Error>(system_error(errno, full));  // a sick disk says nothing of what is on it
  }
  const auto path = path_below(*real, *root);
  if (!path) return fail(Errc::not_found, full + " leads out of the archive");
  return Resolved{std::move(*root), std::string(*path)};
}

/// May others pass each directory on the way from the root, and read what is there? Of a directory its names
/// and what they are: a mount shows both or none.
bool is_for_others(const Resolved& at) {
  const std::string full = at.path.empty() ? at.root : at.root + "/" + at.path;
  for (std::size_t end = at.root.size();; end = std::min(full.find('/', end + 1), full.size())) {
    struct stat status {};
    if (::lstat(full.substr(0, end).c_str(), &status) != 0) return false;
    if (S_ISDIR(status.st_mode) && (status.st_mode & S_IXOTH) == 0) return false;
    if (end == full.size()) return (status.st_mode & S_IROTH) != 0;
  }
}

/// The entry of a name, or nothing when it is not to be shown.
Result<std::optional<Entry>> entry_of(const UniqueFd& dir, const Resolved& at, std::string_view locator,
                                      const char* name) {
  constexpr std::nullopt_t kNotShown = std::nullopt;
  struct stat status {};
  if (::fstatat(dir.get(), name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return kNotShown;  // removed since readdir
    const std::string where = at.root + "/" + at.path + "/" + name;
    if (errno == EACCES) return fail(Errc::denied, where + ": no permission");
    return tl::unexpected<Error>(system_error(errno, where));
  }
  if (S_ISLNK(status.st_mode)) {
    const auto target = real_path(at.root + "/" + at.path + "/" + name);
    const auto inside = target ? path_below(*target, at.root) : std::nullopt;
    if (!inside || ::fstatat(dir.get(), name, &status, 0) != 0) return kNotShown;
    if (S_ISDIR(status.st_mode) && path_below(at.path, *inside)) return kNotShown;  // it leads up
  }
  Entry entry;
  entry.name = name;
  if (S_ISDIR(status.st_mode)) {
    entry.kind = EntryKind::directory;
  } else if (S_ISREG(status.st_mode)) {
    entry.size = static_cast<std::uint64_t>(status.st_size);
  } else {
    return kNotShown;  // devices, sockets and pipes are no data
  }
  entry.mtime = SysSeconds(std::chrono::seconds(status.st_mtim.tv_sec));
  entry.locator = locator.empty() ? entry.name : std::string(locator) + "/" + entry.name;
  return entry;
}

}  // namespace

Result<std::variant<Listing, NotModified>> LocalArchive::list(std::string_view dir, std::string_view token,
                                                              std::stop_token stop) {
  const auto at = resolve(root_, dir);
  if (!at) return tl::unexpected<Error>(at.error());
  auto fd = open_below(at->root, at->path, O_RDONLY | O_DIRECTORY);
  if (!fd) return tl::unexpected<Error>(fd.error());
  // readdir owns a descriptor of its own; ours stays for fstatat.
  UniqueFd for_reading(::openat(fd->get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::unique_ptr<DIR, CloseDir> names(for_reading ? ::fdopendir(for_reading.get()) : nullptr);
  if (!names) return tl::unexpected<Error>(system_error(errno, "reading " + at->root + "/" + at->path));
  (void)for_reading.release();

  std::vector<Entry> entries;
  while (true) {
    if (stop.stop_requested()) return fail(Errc::interrupted, "the listing was given up");
    errno = 0;
    const dirent* const found = ::readdir(names.get());
    if (found == nullptr) break;
    const std::string_view name = found->d_name;
    if (name == "." || name == "..") continue;
    auto entry = entry_of(*fd, *at, dir, found->d_name);
    if (!entry) {
      // Nothing may be looked at in there, or this alone cannot: what is mounted on it is dead, or another's.
      if (::faccessat(fd->get(), ".", X_OK, AT_EACCESS) != 0) return tl::unexpected<Error>(entry.error());
      log::warning("left out: {}", entry.error().message);
    } else if (*entry) {
      entries.push_back(std::move(**entry));
    }
  }
  // A directory read by half would look as if files had been removed.
  if (errno != 0) return tl::unexpected<Error>(system_error(errno, "reading " + at->root + "/" + at->path));
  return settle(std::move(entries), token, kGoodFor, at->root + "/" + at->path);
}

Result<std::optional<Entry>> LocalArchive::find(std::string_view dir, std::string_view name,
                                                std::stop_token) {
  if (!is_plain_path(name) || name.empty() || name.find('/') != std::string_view::npos)
    return std::optional<Entry>{};
  const auto at = resolve(root_, dir);
  if (!at) return tl::unexpected<Error>(at.error());
  const auto fd = open_below(at->root, at->path, O_RDONLY | O_DIRECTORY);
  if (!fd) return tl::unexpected<Error>(fd.error());
  return entry_of(*fd, *at, dir, std::string(name).c_str());
}

Result<std::vector<http::Request>> LocalArchive::locate(std::string_view) {
  return fail(Errc::unsupported, "files of this machine are opened, not fetched");
}

std::optional<LocalFile> LocalArchive::local_file(std::string_view locator) const {
  if (locator.empty()) return std::nullopt;
  const auto at = resolve(root_, locator);
  if (!at) return std::nullopt;
  const std::string path = at->root + "/" + at->path;
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return LocalFile{path};
}

Result<UniqueFd> LocalArchive::open_local(std::string_view locator) const {
  if (locator.empty()) return fail(Errc::is_directory, root_ + " is a directory");
  const auto at = resolve(root_, locator);
  if (!at) return tl::unexpected<Error>(at.error());
  // A pipe that took the file's place since must not keep us waiting for its writer.
  auto file = open_below(at->root, at->path, O_RDONLY | O_NONBLOCK);
  if (!file) return file;
  struct stat status {};
  if (::fstat(file->get(), &status) != 0) return tl::unexpected<Error>(system_error(errno, at->path));
  if (!S_ISREG(status.st_mode)) return fail(Errc::not_found, at->path + " is no regular file");
  return file;
}

std::string LocalArchive::credential_scope(std::string_view locator) const {
  const auto at = resolve(root_, locator);
  // Of what cannot be looked at nothing says that it is for others.
  return std::string(at && is_for_others(*at) ? kPublic : kNotForOthers);
}

}  // namespace astrofs
