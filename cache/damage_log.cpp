#include "cache/damage_log.h"

#include "base/bytes.h"
#include "base/hash.h"
#include "base/log.h"

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

}  // namespace astrofs
