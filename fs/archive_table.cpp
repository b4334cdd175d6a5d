#include "fs/archive_table.h"

namespace astrofs {
namespace {

constexpr std::size_t kRememberedDirectories = 16'384;

/// Raise when the meaning of bytes on disk changes: old objects are then never looked at again.
constexpr std::string_view kObjectFormat = "1";

}  // namespace

ArchiveTable::ArchiveTable(const Catalog& catalog, std::vector<MountedArchive> archives)
    : catalog_(catalog), archives_(std::move(archives)) {}

const MountedArchive* ArchiveTable::of(const Node& node) const {
  if (node.id == kRootNode) return nullptr;
  if (node.parent == kRootNode) {
    for (const MountedArchive& archive : archives_) {
      if (archive.name == node.name) return &archive;
    }
    return nullptr;
  }
  return of_directory(node.parent);
}

const MountedArchive* ArchiveTable::of_directory(NodeId id) const {
  {
    const MutexLock lock(mutex_);
    const auto found = directories_.find(id);
    if (found != directories_.end()) return found->second;
  }
  const Result<Node> node = catalog_.node(id);
  const MountedArchive* archive = node ? of(*node) : nullptr;
  if (archive == nullptr) return nullptr;  // not remembered: an index that cannot be read now can be later
  const MutexLock lock(mutex_);
  if (directories_.size() >= kRememberedDirectories) directories_.clear();
  directories_.emplace(id, archive);
  return archive;
}

FileVersion ArchiveTable::version(const Node& node) const {
  FileVersion version{node.id, node.generation, node.size.value_or(0)};
  const MountedArchive* archive = of(node);
  // Nobody's login has to do with the files of this machine, and to ask their disk may take long.
  if (archive != nullptr)
    version.scope = is_local(archive) ? kPublic : archive->archive->credential_scope(node.locator);
  // A file without a strong validator is told apart by what the listing says of it: size and date.
  const std::string validator =
      node.validator.empty() ? std::to_string(node.mtime.time_since_epoch().count()) : node.validator;
  // While the index cannot tell whose file it is, it shares its bytes with no other.
  version.object =
      sha256_prefix({archive ? archive->name : std::to_string(node.id), archive ? archive->identity : "",
                     node.locator, validator, std::to_string(node.generation), version.scope,
                     std::to_string(version.size), std::to_string(kBlockSize), kObjectFormat});
  version.least_request = archive ? archive->archive->least_request(node.locator) : 0;
  return version;
}

}  // namespace astrofs
