#include "fs/path_finder.h"

#include <algorithm>
#include <memory>

#include "fs/waiting.h"

namespace astrofs {
namespace {

/// The first name of a path, which becomes shorter by it.
std::string next_name(std::string_view& path) {
  const std::size_t slash = std::min(path.find('/'), path.size());
  std::string name(path.substr(0, slash));
  path.remove_prefix(std::min(slash + 1, path.size()));
  return name;
}

}  // namespace

bool PathFinder::is_listed(const Node& dir) const {
  const Result<ListingState> listing = catalog_.listing(dir.id);
  return dir.id == kRootNode || (listing && listing->fetched != SysSeconds{});
}

Result<Node> PathFinder::child(const Node& dir, const std::string& name, const std::stop_token& stop) const {
  const bool listed = is_listed(dir);
  auto answer = std::make_shared<Answer<bool>>();
  // Of one that is listed it only sees to it that it does not grow old.
  lister_.ensure(dir, [answer](const Result<void>& done) { answer->give(done.map([] { return true; })); });
  if (!listed) {
    const Result<bool> done = answer->take(timeout_, stop);
    if (!done) return tl::unexpected<Error>(done.error());
  }
  return catalog_.child(dir.id, name);
}

Result<Node> PathFinder::find(const std::string& archive, std::string_view path,
                              const std::stop_token& stop) const {
  Result<Node> node = catalog_.child(kRootNode, archive);
  while (node && !path.empty()) {
    if (node->kind != NodeKind::directory) return fail(Errc::not_found, node->name + " is no directory");
    node = child(*node, next_name(path), stop);
  }
  if (!node || node->kind != NodeKind::file || node->size) return node;
  if (node->missing) return fail(Errc::not_found, node->name + " is missing in the archive");
  auto answer = std::make_shared<Answer<Node>>();
  sizes_.resolve(*node, [answer](const Result<Node>& sized) { answer->give(sized); });
  return answer->take(timeout_, stop);
}

Result<std::optional<Node>> PathFinder::known(const std::string& archive, std::string_view path) const {
  Result<Node> node = catalog_.child(kRootNode, archive);
  while (node && !path.empty()) {
    Result<Node> next = catalog_.child(node->id, next_name(path));
    if (!next && !is_listed(*node)) return fail(Errc::unavailable, node->name + " was never listed");
    if (!next) return std::nullopt;
    node = std::move(next);
  }
  if (!node) return tl::unexpected<Error>(node.error());
  return std::move(*node);
}

}  // namespace astrofs
