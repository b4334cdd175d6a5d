#include "fs/cached_files.h"

#include <algorithm>
#include <utility>

#include "fs/inode.h"
#include "fs/waiting.h"

namespace astrofs {

CachedFiles::CachedFiles(std::string name, const Catalog& catalog, BlockCache& cache,
                         const ArchiveTable& archives, const PathFinder& finder,
                         std::chrono::milliseconds timeout, std::stop_token stop)
    : name_(std::move(name)),
      catalog_(catalog),
      cache_(cache),
      archives_(archives),
      finder_(finder),
      timeout_(timeout),
      stop_(std::move(stop)) {}

Result<Node> CachedFiles::at(std::string_view path) const {
  Result<Node> node = catalog_.child(kRootNode, name_);
  while (node && !path.empty()) {
    const std::string_view name = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(name.size() + 1, path.size()));
    node = catalog_.child(node->id, name);
  }
  return node;
}

Result<void> CachedFiles::files(std::string_view path,
                                const std::function<bool(const OwnFile&)>& visit) const {
  const Result<Node> directory = at(path);
  if (!directory) return tl::unexpected<Error>(directory.error());
  return catalog_.scan(directory->id, 0, [&visit](const Node& node) {
    return node.kind != NodeKind::file || !node.size || visit({node.name, *node.size, inode_of(node)});
  });
}

Result<OwnFile> CachedFiles::file(std::string_view path) const {
  const Result<Node> found = finder_.find(name_, path, stop_);
  if (!found) return tl::unexpected<Error>(found.error());
  if (found->kind != NodeKind::file || !found->size)
    return fail(Errc::not_found, std::string(path) + " is no file");
  return OwnFile{found->name, *found->size, inode_of(*found)};
}

Result<Bytes> CachedFiles::read(std::string_view path, std::uint64_t version, ByteRange range) const {
  const Result<Node> file = at(path);
  if (!file) return tl::unexpected<Error>(file.error());
  if (inode_of(*file) != version) return fail(Errc::stale, file->name + " has a newer version");
  if (!file->size || range.end() > *file->size) return fail(Errc::invalid, file->name + " has no such bytes");
  return read_waiting(cache_, archives_.version(*file), range, timeout_, stop_);
}

}  // namespace astrofs
