// Whether an index can be opened without harm, found out in a child process that may die of it: LMDB trusts
// its file, so a damaged one ends in SIGBUS, SIGSEGV or an assertion. Call it before the process has threads.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/error.h"

namespace astrofs {

struct ProbeLimits {
  /// What a mount may wait for a look at its index; what lies beyond is checked record by record as it is
  /// read.
  std::chrono::milliseconds work{2000};
  std::uint64_t records{200'000};
  /// A child that checks nothing for so long is caught in a loop of broken pages (a sleeping disk wakes up
  /// sooner).
  std::chrono::milliseconds stuck{10'000};
};

/// Errc::corrupt: broken, with the reason. Errc::not_found: it has no tables, as one whose making was cut
/// off. Errc::unavailable: it could not be looked at, which says nothing about it. `catalog_dir` holds
/// data.mdb.
[[nodiscard]] Result<void> probe_index(const std::string& catalog_dir, const ProbeLimits& limits = {});

}  // namespace astrofs
