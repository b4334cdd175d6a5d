// The archives of this mount: which one a node belongs to. Built once at start; lookups from any thread.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "backends/archive.h"
#include "base/mutex.h"
#include "cache/catalog.h"

namespace astrofs {

/// What a reader gets for a frame that the archive denies for good.
enum class MissingPolicy : std::uint8_t { placeholder, enoent };

/// What becomes of a file of which two copies contradict the archive's own checksums.
enum class VerifyPolicy : std::uint8_t {
  off,     ///< nothing is compared
  report,  ///< served, and told by user.astrofs.verified
  refuse,  ///< not served
};

struct MountedArchive {
  std::string name;  ///< directory at the root
  std::unique_ptr<Archive> archive;
  MissingPolicy missing{MissingPolicy::placeholder};
  VerifyPolicy verify{VerifyPolicy::refuse};
  std::string identity;  ///< of its table in the configuration: another archive under the same name shares
                         ///< nothing with it
};

/// Are its files this machine's? nullptr: no.
[[nodiscard]] inline bool is_local(const MountedArchive* archive) {
  return archive != nullptr && archive->archive->is_local();
}

class ArchiveTable {
 public:
  ArchiveTable(const Catalog& catalog, std::vector<MountedArchive> archives);

  [[nodiscard]] const std::vector<MountedArchive>& all() const { return archives_; }
  /// The archive whose tree holds `node`; nullptr for the root and for names of archives no longer
  /// configured.
  [[nodiscard]] const MountedArchive* of(const Node& node) const;
  /// Identity of a file's bytes: see FileVersion. The node's size must be known.
  [[nodiscard]] FileVersion version(const Node& node) const;

 private:
  [[nodiscard]] const MountedArchive* of_directory(NodeId id) const EXCLUDES(mutex_);

  const Catalog& catalog_;
  const std::vector<MountedArchive> archives_;
  mutable Mutex mutex_;
  /// Directories seen lately; cleared when it reaches its bound, so memory does not grow with the catalog.
  mutable std::unordered_map<NodeId, const MountedArchive*> directories_ GUARDED_BY(mutex_);
};

}  // namespace astrofs
