// What has been found broken in the index while running: told once per record and not too often, and
// remembered per directory, so that a listing with a hole in it is not taken for a listing. Owned by the
// Environment; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_set>

#include "base/clock.h"
#include "base/mutex.h"
#include "cache/lmdb.h"

namespace astrofs {

class DamageLog {
 public:
  /// A record that failed its check.
  void record(Table table, std::string_view key) EXCLUDES(mutex_);
  /// A child of this directory cannot be read: its listing has a hole until it is listed again.
  void directory(std::uint64_t id) EXCLUDES(mutex_);
  void directory_listed_again(std::uint64_t id) EXCLUDES(mutex_);
  [[nodiscard]] bool has_hole(std::uint64_t directory) const EXCLUDES(mutex_);
  [[nodiscard]] std::size_t records() const EXCLUDES(mutex_);  ///< different ones seen

 private:
  mutable Mutex mutex_;
  std::unordered_set<std::uint64_t> seen_ GUARDED_BY(mutex_);
  std::unordered_set<std::uint64_t> holes_ GUARDED_BY(mutex_);
  SteadyTime minute_ GUARDED_BY(mutex_){};
  unsigned told_this_minute_ GUARDED_BY(mutex_){0};
};

}  // namespace astrofs
