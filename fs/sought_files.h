// Files whose addresses run out: the archive is asked where they are now, on the threads of archive_turns,
// which may wait for the network. Owned by the mount; any thread.
#pragma once

#include <functional>
#include <stop_token>
#include <utility>
#include <vector>

#include "backends/http/client.h"
#include "cache/catalog.h"
#include "fs/archive_table.h"
#include "fs/archive_turns.h"

namespace astrofs {

class SoughtFiles {
 public:
  /// `ending`: of the mount, for which nobody is asked any further.
  SoughtFiles(ArchiveTurns& turns, std::stop_token ending) : turns_(turns), ending_(std::move(ending)) {}

  using Found = std::function<void(Result<std::vector<http::Request>>)>;
  /// `again`: the last address was refused. `found` runs on one of those threads, or at once: when the
  /// address is known, or they end.
  void seek(const MountedArchive& archive, const Node& node, bool again, Found found, std::stop_token stop);
  /// May an address that was refused so be the old one of a file that is there?
  [[nodiscard]] static bool worth_another(const Error& error);

 private:
  ArchiveTurns& turns_;
  const std::stop_token ending_;
};

}  // namespace astrofs
