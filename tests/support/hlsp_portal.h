// MAST's portal about the stars of TGLC: observations by TIC, as "Mast.Caom.Filtered" gives them, EXECUTING
// the first time. Owned by an ArchiveSim; any thread.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "base/mutex.h"
#include "tests/support/hlsp_sectors.h"
#include "tests/support/sim_reply.h"

namespace astrofs::sim {

class HlspPortal {
 public:
  explicit HlspPortal(HlspOptions options) : options_(std::move(options)) {}
  /// nullopt: the question is none about TGLC.
  [[nodiscard]] std::optional<Reply> reply(const HttpRequest& request) EXCLUDES(mutex_);

 private:
  const HlspOptions options_;
  Mutex mutex_;
  std::set<std::string> asked_ GUARDED_BY(mutex_);
};

}  // namespace astrofs::sim
