#include "cache/damage_log.h"

#include <fcntl.h>

#include <cerrno>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/unique_fd.h"

namespace astrofs {
namespace {

/// An index this broken is told about often enough; the sets must not grow with it.
constexpr std::size_t kMostRemembered = 4096;
constexpr unsigned kLinesAMinute = 10;

}  // namespace

void DamageLog::record(Table table, std::string_view key) {
  {
    const MutexLock lock(mutex_);
    if (seen_.size() >= kMostRemembered) return;
    if (!seen_.insert(xxh3(as_bytes(key), static_cast<std::uint64_t>(table))).second) return;
    const SteadyTime now = std::chrono::steady_clock::now();
    if (now - minute_ >= std::chrono::minutes(1)) {
      minute_ = now;
      told_this_minute_ = 0;
    }
    if (++told_this_minute_ > kLinesAMinute) return;
  }
  log::warning("index: a record of table {} (key {}) is damaged and counts as absent", name_of(table),
               to_hex(as_bytes(key)));
}

void DamageLog::directory(std::uint64_t id) {
  const MutexLock lock(mutex_);
  if (holes_.size() < kMostRemembered) holes_.insert(id);
}

void DamageLog::directory_listed_again(std::uint64_t id) {
  const MutexLock lock(mutex_);
  holes_.erase(id);
}

bool DamageLog::has_hole(std::uint64_t directory) const {
  const MutexLock lock(mutex_);
  return holes_.contains(directory);
}

std::size_t DamageLog::records() const {
  const MutexLock lock(mutex_);
  return seen_.size();
}

void DamageLog::page(std::string_view what) {
  if (directory_.empty()) return;
  {
    const MutexLock lock(mutex_);
    if (std::exchange(page_seen_, true)) return;
  }
  log::error("index: {}; what is on that page cannot be read, and the next start begins the index anew",
             what);
  if (auto left = leave_mark(); !left) log::warning("index: {}", left.error().message);
}

bool DamageLog::page_seen() const {
  const MutexLock lock(mutex_);
  return page_seen_;
}

Result<void> DamageLog::leave_mark(const std::string& directory) {
  // That it is there says all: an empty file needs no room on a full disk.
  const std::string name = directory + "/" + kPageMark;
  const UniqueFd fd(::open(name.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return tl::unexpected(system_error(errno, name));
  return {};
}

}  // namespace astrofs
