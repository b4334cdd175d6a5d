// What tests put around one part of the file system: an archive that is mounted as `sky`, and a kernel that
// hears of nothing.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fs/archive_table.h"
#include "fs/notices.h"

namespace astrofs {

/// The table of one archive; `seen` is that archive, as long as the table lives.
template <class Kind>
std::unique_ptr<ArchiveTable> table_of_sky(const Catalog& catalog, Kind*& seen) {
  auto archive = std::make_unique<Kind>();
  seen = archive.get();
  std::vector<MountedArchive> archives(1);
  archives[0].name = "sky";
  archives[0].archive = std::move(archive);
  return std::make_unique<ArchiveTable>(catalog, std::move(archives));
}

class SilentNotices final : public Notices {
 public:
  void entry_changed(NodeId, std::string) override {}
  void directory_changed(NodeId) override {}
  void attributes_changed(Inode) override {}
};

}  // namespace astrofs
