// What has been found broken in the index while running: told once per record and not too often, and
// remembered per directory, so that a listing with a hole in it is not taken for a listing. A page that is
// not what it was is word for the next opener. Owned by the Environment; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/mutex.h"
#include "cache/lmdb.h"

namespace astrofs {

/// Beside data.mdb: a page of it was found damaged. A record can be absent, a page cannot: who needs it gets
/// an error, today and after every start, until the index is moved aside.
inline constexpr const char* kPageMark = "damaged";

class DamageLog {
 public:
  /// `directory` holds data.mdb; "": nobody is told of pages, for a probe is there to find them.
  explicit DamageLog(std::string directory) : directory_(std::move(directory)) {}

  /// A record that failed its check.
  void record(Table table, std::string_view key) EXCLUDES(mutex_);
  /// A child of this directory cannot be read: its listing has a hole until it is listed again.
  void directory(std::uint64_t id) EXCLUDES(mutex_);
  void directory_listed_again(std::uint64_t id) EXCLUDES(mutex_);
  [[nodiscard]] bool has_hole(std::uint64_t directory) const EXCLUDES(mutex_);
  [[nodiscard]] std::size_t records() const EXCLUDES(mutex_);  ///< different ones seen
  /// A page that is not what LMDB wrote. The first leaves the mark, at once: the process may not live to its
  /// end. With a transaction open too, for it makes a name and waits for nobody.
  void page(std::string_view what) EXCLUDES(mutex_);
  [[nodiscard]] bool page_seen() const EXCLUDES(mutex_);
  [[nodiscard]] Result<void> leave_mark() const { return leave_mark(directory_); }
  [[nodiscard]] static Result<void> leave_mark(const std::string& directory);

 private:
  const std::string directory_;
  mutable Mutex mutex_;
  std::unordered_set<std::uint64_t> seen_ GUARDED_BY(mutex_);
  std::unordered_set<std::uint64_t> holes_ GUARDED_BY(mutex_);
  SteadyTime minute_ GUARDED_BY(mutex_){};
  unsigned told_this_minute_ GUARDED_BY(mutex_){0};
  bool page_seen_ GUARDED_BY(mutex_){false};
};

}  // namespace astrofs
