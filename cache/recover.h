// Opening the index: alone, in a directory fit for it, of a format we know, and never one that is broken.
// On the thread that starts the process's work, before there are others (it may fork a child to look first).
//
//   lock              flock(LOCK_EX) by the process that has the index, its pid inside
//   format            "astrofs cache format 1\n"
//   catalog/          LMDB: data.mdb, lock.mdb
//   catalog/clean     only after a clean end: what data.mdb was then. Not in LMDB, for LMDB cannot be asked
//                     safely whether it is whole
//   catalog/damaged   a page was found broken in use: the next opener moves the index aside without a look
//                     (damage_log.h), for a look has its limits and may not come to that page
//   catalog.damaged-N the newest index that was found broken, for whoever wants to know why
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/unique_fd.h"
#include "cache/catalog.h"
#include "cache/lmdb.h"

namespace astrofs {

struct OpenedIndex {
  UniqueFd directory;  ///< the cache directory
  UniqueFd lock;
  std::unique_ptr<Environment> environment;
  std::string note;  ///< what was wrong with the index and what became of it; "" = nothing
};

/// Errors: denied, invalid (in use, network file system, newer format), no_space; each says what to do.
[[nodiscard]] Result<OpenedIndex> open_index(const CatalogOptions& options);

/// Waits while another process has the index of a cache directory, but no longer than `patience`. Whether it
/// is free then is for open_index() to say.
void await_leaving(const std::string& dir, std::chrono::milliseconds patience);

/// Leaves word that data.mdb is whole as it is now. Nobody may write to it afterwards without opening it
/// anew.
[[nodiscard]] Result<void> seal_index(int cache_directory);

}  // namespace astrofs
