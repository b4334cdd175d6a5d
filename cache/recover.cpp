#include "cache/recover.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "base/log.h"
#include "cache/cache_dir.h"
#include "cache/damage_log.h"
#include "cache/probe.h"
#include "cache/records.h"
#include "cache/schema.h"

namespace astrofs {
namespace {

constexpr const char* kIndex = "catalog";
constexpr const char* kData = "catalog/data.mdb";
constexpr const char* kSeal = "catalog/clean";
constexpr const char* kFormat = "format";
constexpr std::string_view kDamaged = "catalog.damaged-";
constexpr std::string_view kFormatText = "astrofs cache format ";
/// Longest of the small text files here; a longer one is not ours.
constexpr std::size_t kSmallFile = 256;
/// While another process leaves: nobody notices so little.
constexpr std::chrono::milliseconds kAskAgain{20};

/// Text of a small file; nothing when it cannot be read.
std::optional<std::string> read_small(int dir, const char* name) {
  const UniqueFd fd(openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return std::nullopt;
  std::string text(kSmallFile, '\0');
  const ssize_t size = ::read(fd.get(), text.data(), text.size());
  if (size < 0) return std::nullopt;
  text.resize(static_cast<std::size_t>(size));
  return text;
}

Result<void> write_small(int dir, const std::string& name, std::string_view text) {
  const std::string fresh = name + ".new";
  {
    const UniqueFd fd(
        openat(dir, fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) return tl::unexpected(system_error(errno, name));
    if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        fsync(fd.get()) != 0) {
      return tl::unexpected(system_error(errno, name));
    }
  }
  if (renameat(dir, fresh.c_str(), dir, name.c_str()) != 0) return tl::unexpected(system_error(errno, name));
  return {};
}

Result<UniqueFd> take_lock(int dir, const std::string& shown) {
  UniqueFd fd(openat(dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return tl::unexpected(system_error(errno, "cache directory " + shown));
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return tl::unexpected(system_error(errno, "cache directory " + shown));
    const std::string text = read_small(dir, "lock").value_or("");
    int pid = 0;
    std::from_chars(text.data(), text.data() + text.size(), pid);
    const std::string holder = pid > 0 ? fmt::format("process {}", pid) : std::string("another process");
    return fail(Errc::invalid,
                fmt::format("cache directory {} is in use by {}: end that mount (`astrofs status` names it), "
                            "or give this one a directory of its own with cache=",
                            shown, holder));
  }
  const std::string pid = fmt::format("{}\n", getpid());
  // The pid is for people; a full disk does not keep a mount from starting.
  if (ftruncate(fd.get(), 0) != 0 || pwrite(fd.get(), pid.data(), pid.size(), 0) < 0) {
    log::debug("cache directory {}: the lock file could not be written", shown);
  }
  return fd;
}

Error newer_format(const std::string& shown, std::uint64_t format) {
  return {Errc::invalid,
          fmt::format("cache directory {} was written by a newer astrofs (format {}, this one knows {}): "
                      "use that version, or another directory with cache=",
                      shown, format, schema::kFormat)};
}

enum class Format {
  ours,
  unknown,  ///< older, or no word of ours: what is there cannot be used
  unsaid,   ///< not written yet, or lost: the index is asked itself
};

Result<Format> read_format(int dir, const std::string& shown) {
  const auto text = read_small(dir, kFormat);
  if (!text) return Format::unsaid;
  if (!text->starts_with(kFormatText)) return Format::unknown;
  std::uint64_t format = 0;
  const char* digits = text->data() + kFormatText.size();
  const auto [end, error] = std::from_chars(digits, text->data() + text->size(), format);
  if (error != std::errc{} || end == text->data() + text->size() || *end != '\n') return Format::unknown;
  if (format > schema::kFormat) return tl::unexpected(newer_format(shown, format));
  return format == schema::kFormat ? Format::ours : Format::unknown;
}

/// What data.mdb is at this moment, as far as the file system can tell in one call.
std::optional<std::string> fingerprint(int dir) {
  struct stat status {};
  if (fstatat(dir, kData, &status, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  return fmt::format("closed {} {} {}.{:09}\n", status.st_ino, status.st_size, status.st_ctim.tv_sec,
                     status.st_ctim.tv_nsec);
}

/// Moves the index aside and forgets those moved aside before. The format goes first: the next index has none
/// until it is made, whenever that may be cut off.
Result<void> quarantine(int dir, const std::string& shown) {
  namespace fs = std::filesystem;
  unsigned newest = 0;
  std::vector<fs::path> older;
  std::error_code ignored;
  for (fs::directory_iterator at(shown, ignored), end; !ignored && at != end; at.increment(ignored)) {
    const std::string name = at->path().filename().string();
    if (!name.starts_with(kDamaged)) continue;
    older.push_back(at->path());
    unsigned number = 0;
    std::from_chars(name.data() + kDamaged.size(), name.data() + name.size(), number);
    newest = std::max(newest, number);
  }
  const std::string aside = fmt::format("{}{}", kDamaged, newest + 1);
  if ((unlinkat(dir, kFormat, 0) != 0 && errno != ENOENT) ||
      (renameat(dir, kIndex, dir, aside.c_str()) != 0 && errno != ENOENT)) {
    return tl::unexpected(system_error(errno, "cannot move the damaged index of " + shown + " aside"));
  }
  for (const fs::path& path : older) fs::remove_all(path, ignored);
  return {};
}

/// A new index has a root and its counters; an old one has its format.
Result<void> make_or_check(Environment& environment, const std::string& shown) {
  {
    const auto txn = environment.read();
    if (!txn) return tl::unexpected(txn.error());
    const auto format = records::meta(*txn, schema::kMetaFormat);
    if (format && *format > schema::kFormat) return tl::unexpected(newer_format(shown, *format));
    if (format && *format == schema::kFormat && records::node(*txn, kRootNode)) return {};
    const auto nodes = txn->entries(Table::node);
    if (format || !nodes || *nodes != 0) return fail(Errc::corrupt, "index: its first records are damaged");
  }
  auto txn = environment.write();
  if (!txn) return tl::unexpected(txn.error());
  schema::NodeRecord root;
  root.id = kRootNode;
  root.parent = kRootNode;
  root.kind = NodeKind::directory;
  Result<void> made = records::put_node(*txn, root);
  const std::array<std::pair<std::string_view, std::uint64_t>, 5> counters{
      {{schema::kMetaFormat, schema::kFormat},
       {schema::kMetaNextNode, kRootNode + 1},
       {schema::kMetaUsedBytes, 0},
       {schema::kMetaObjectCount, 0},
       {schema::kMetaUseCounter, 0}}};
  for (const auto& [key, value] : counters) {
    if (made) made = records::put_meta(*txn, key, value);
  }
  return made ? txn->commit() : made;
}

/// Whether data.mdb may be opened, when its seal does not say so. `begun`: it need not be finished.
Result<void> look_over(const std::string& path, std::uint64_t size, bool begun) {
  // LMDB takes an empty file for a new one.
  if (size == 0) return begun ? Result<void>{} : fail(Errc::corrupt, "index: its file was emptied");
  log::info("{} was not closed cleanly: looking it over", path);
  auto whole = probe_index(path);
  if (whole || (begun && whole.error().code == Errc::not_found)) return {};
  if (whole.error().code == Errc::not_found) return fail(Errc::corrupt, whole.error().message);
  return whole;
}

/// Opens what is in `catalog/`, or makes it. Errc::corrupt: it must go. `begun`: its making may have been cut
/// off, for the format is written once there is an index.
Result<std::unique_ptr<Environment>> open_environment(int dir, const std::string& shown,
                                                      std::uint64_t map_size, bool begun) {
  struct stat status {};
  if (fstatat(dir, kIndex, &status, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(status.st_mode)) {
    return fail(Errc::corrupt, "index: not a directory");
  }
  const std::string path = shown + "/" + kIndex;
  const auto catalog = open_cache_subdir(dir, kIndex, path);
  if (!catalog) return tl::unexpected(catalog.error());
  if (fstatat(catalog->get(), kPageMark, &status, AT_SYMLINK_NOFOLLOW) == 0) {
    return fail(Errc::corrupt, "index: a page was found damaged when it was last in use");
  }
  const auto seal = read_small(dir, kSeal);
  const auto now = fingerprint(dir);
  if (now && seal != now && fstatat(dir, kData, &status, AT_SYMLINK_NOFOLLOW) == 0) {
    if (auto fit = look_over(path, static_cast<std::uint64_t>(status.st_size), begun); !fit)
      return tl::unexpected(fit.error());
  }
  // Gone for good before the first write: after a power cut a seal must not vouch for what came later.
  if (seal && (unlinkat(dir, kSeal, 0) != 0 || fsync(catalog->get()) != 0)) {
    return tl::unexpected(system_error(errno, path + "/clean"));
  }
  auto environment = Environment::open(path, map_size, Environment::Mode::write);
  if (!environment) return environment;
  if (auto made = make_or_check(**environment, shown); !made) return tl::unexpected(made.error());
  return environment;
}

}  // namespace

Result<OpenedIndex> open_index(const CatalogOptions& options) {
  std::string shown = options.dir;
  while (shown.size() > 1 && shown.back() == '/') shown.pop_back();
  OpenedIndex index;
  auto dir = open_cache_dir(shown);
  if (!dir) return tl::unexpected(dir.error());
  index.directory = std::move(*dir);
  const int fd = index.directory.get();
  auto lock = take_lock(fd, shown);
  if (!lock) return tl::unexpected(lock.error());
  index.lock = std::move(*lock);

  const auto written = read_format(fd, shown);
  if (!written) return tl::unexpected(written.error());
  Result<std::unique_ptr<Environment>> environment =
      fail(Errc::corrupt, "index: of a format no longer known");
  if (*written != Format::unknown)
    environment = open_environment(fd, shown, options.map_size, *written == Format::unsaid);
  if (!environment && environment.error().code == Errc::corrupt) {
    index.note = fmt::format("{}; it was moved aside and begun anew, so what was cached is fetched again",
                             environment.error().message);
    log::warning("{}: {}", shown, index.note);
    if (auto moved = quarantine(fd, shown); !moved) return tl::unexpected(moved.error());
    environment = open_environment(fd, shown, options.map_size, true);
  }
  if (!environment) return tl::unexpected(environment.error());
  index.environment = std::move(*environment);
  const std::string format = fmt::format("{}{}\n", kFormatText, schema::kFormat);
  if (read_small(fd, kFormat) != format) {
    if (auto noted = write_small(fd, kFormat, format); !noted) return tl::unexpected(noted.error());
  }
  return index;
}

void await_leaving(const std::string& dir, std::chrono::milliseconds patience) {
  const UniqueFd fd(::open((dir + "/lock").c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  const auto until = std::chrono::steady_clock::now() + patience;
  // flock(2) without LOCK_NB would know no end.
  while (fd && flock(fd.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK &&
         std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(kAskAgain);
  }
}

Result<void> seal_index(int cache_directory) {
  const auto now = fingerprint(cache_directory);
  if (!now) return fail(Errc::corrupt, "index: its file is gone");
  return write_small(cache_directory, kSeal, *now);
}

}  // namespace astrofs
