// Looks after the logins of archives: notices those that come and go, has ended what a new one may end of
// runs before, and has renewed what soon runs out, so that who has read nothing for a week still reads at
// once. look() on the house's thread; stop() from any.
#pragma once

#include <stop_token>
#include <unordered_map>

#include "base/clock.h"
#include "fs/archive_table.h"
#include "fs/archive_turns.h"

namespace astrofs {

class Logins {
 public:
  /// All outlive it. `offline`: nobody is asked for anything.
  Logins(const ArchiveTable& archives, ArchiveTurns& turns, const Clock& clock, bool offline)
      : archives_(archives), turns_(turns), clock_(clock), offline_(offline) {}

  /// Reads files of logins; what asks the network is done elsewhere.
  void look();
  /// What is under way is given up.
  void stop() { stop_.request_stop(); }

 private:
  const ArchiveTable& archives_;
  ArchiveTurns& turns_;
  const Clock& clock_;
  const bool offline_;
  std::stop_source stop_;
  std::unordered_map<const MountedArchive*, SteadyTime> tried_;  ///< when a renewal was last asked for
};

}  // namespace astrofs
