#include "fs/tree_walk.h"

#include <algorithm>
#include <bitset>
#include <filesystem>
#include <set>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "base/path_below.h"
#include "fs/waiting.h"

namespace astrofs {
namespace {

/// Where a link in the directory `dir` leads, both below the root.
Result<std::string> linked_path(const std::string& dir, const std::string& target) {
  std::string path = (std::filesystem::path(dir) / target).lexically_normal().string();
  if (path.starts_with('/') || (path + '/').starts_with("../"))
    return fail(Errc::not_found, "a link to " + target + ", out of the mount");
  return path;
}

/// Deeper trees than this are a loop.
constexpr unsigned kDeepest = 64;
/// Names held in memory at a time.
constexpr std::size_t kPage = 256;

}  // namespace

/// Files that were come by. Nodes are numbered as they are met, so bits of a page for those that lie together
/// are much smaller than a set.
class TreeWalk::Visited {
 public:
  /// False: it was there before.
  bool insert(NodeId node) {
    auto bit = pages_[node / kPageBits][node % kPageBits];
    if (bit) return false;
    bit = true;
    return true;
  }

 private:
  static constexpr std::size_t kPageBits = 4096;
  std::unordered_map<NodeId, std::bitset<kPageBits>> pages_;
};

struct TreeWalk::Walk {
  struct Step {
    Node dir;
    unsigned depth;
  };
  const Steps& steps;
  Visited& visited;
  const std::string start;     ///< its path
  std::vector<Step> left;      ///< to be walked
  Step now{};                  ///< is being walked
  std::set<NodeId> met{};      ///< directories that were or will be walked: one may have several names
  bool has_unfollowed{false};  ///< links of the directory that is being walked
};

Result<Node> TreeWalk::lookup(NodeId parent, const std::string& name) {
  const Result<Attr> attr =
      wait_for_reply<Attr>(vfs_.parts().parking.timeout() + kGrace,
                           [&](ReplyPtr<Attr> reply) { vfs_.lookup(parent, name, std::move(reply)); });
  if (!attr) return tl::unexpected<Error>(attr.error());
  if (attr->inode == 0) return fail(Errc::not_found, name + " is not there");
  return vfs_.parts().catalog.node(attr->node);
}

Result<Node> TreeWalk::step(const Node& dir, const std::string& name, Ask ask) {
  Result<Node> known = vfs_.parts().catalog.child(dir.id, name);
  if (ask == Ask::nothing) return known;
  // A lookup asks for the size too, and so has a file built that only its listing tells to be one.
  if (!known && !vfs_.parts().lister.finds_first(dir)) {
    if (const Result<void> listed = list(dir); !listed) return tl::unexpected<Error>(listed.error());
    known = vfs_.parts().catalog.child(dir.id, name);
  }
  if (known && ask == Ask::names) return known;
  const MountedArchive* const archive = known ? vfs_.parts().archives.of(*known) : nullptr;
  if (archive != nullptr && archive->archive->builds(known->locator)) return known;
  return lookup(dir.id, name);
}

Result<Node> TreeWalk::find(std::string path, Ask ask, bool named) {
  const Catalog& catalog = vfs_.parts().catalog;
  Result<Node> node = catalog.node(kRootNode);
  unsigned links = 0;
  std::size_t at = 0;
  while (node && at < path.size()) {
    const std::size_t begin = at;
    const std::size_t slash = std::min(path.find('/', at), path.size());
    const std::string name = path.substr(at, slash - at);
    at = slash + 1;
    if (name.empty() || name == ".") continue;
    Result<Node> child = step(*node, name, ask);
    if (!child && named && at > path.size()) {
      if (Result<Node> listed = catalog.child(node->id, name)) child = std::move(listed);
    }
    if (!child) {
      // On the way: it is that directory which has no answer. Behind a link: it is called otherwise there.
      std::string where;
      if (slash < path.size() && begin > 0) where = path.substr(0, begin - 1) + ": ";
      if (slash == path.size() && links > 0) where = path + ": ";
      return fail(child.error().code, where + child.error().message);
    }
    if (child->kind != NodeKind::symlink) {
      node = std::move(child);
      continue;
    }
    if (++links > kMostLinks)
      return fail(Errc::invalid, fmt::format("more than {} links on the way: a loop", kMostLinks));
    Result<std::string> target = linked_path(shown_path(*node), child->locator);
    if (!target) return tl::unexpected<Error>(target.error());
    if (at < path.size()) target->append("/").append(path, at);
    path = std::move(*target);
    node = catalog.node(kRootNode);
    at = 0;
  }
  return node;
}

Result<Node> TreeWalk::resolve(const std::string& path, bool named) {
  return find(path, Ask::sizes, named).map_error([&path](const Error& error) {
    return Error{error.code, path + ": " + error.message};
  });
}

Result<Node> TreeWalk::follow(const Node& link, Ask ask) {
  return find(shown_path(link), ask, true);
}

std::string TreeWalk::shown_path(const Node& node) const {
  return vfs_.parts().catalog.path(node.id).value_or(node.name);
}

Result<void> TreeWalk::list(const Node& dir) {
  return wait_for_reply<Node>(vfs_.parts().parking.timeout() + kGrace,
                              [&](ReplyPtr<Node> reply) { vfs_.opendir(dir.id, std::move(reply)); })
      .map([](const Node&) {});
}

bool TreeWalk::take(Walk& walk, Node child) {
  if (child.kind == NodeKind::symlink) return take_link(walk, child);
  if (child.kind == NodeKind::file)
    return !stopping_ && (!walk.visited.insert(child.id) || walk.steps.visit(child));
  if (walk.now.depth < kDeepest && walk.met.insert(child.id).second)
    walk.left.push_back({std::move(child), walk.now.depth + 1});
  return true;
}

bool TreeWalk::take_link(Walk& walk, const Node& link) {
  if (stopping_) return false;
  const bool asks = walk.steps.enter != nullptr;
  Result<Node> target = follow(link, asks ? Ask::names : Ask::nothing);
  if (!target) {
    if (asks && walk.steps.left_out) walk.steps.left_out(link, target.error());
    return true;
  }
  if (target->kind == NodeKind::directory) {
    const std::string path = shown_path(*target);
    // It may be known by this link only, after the directory that it lies in was walked.
    if (path_below(path, walk.start)) return take(walk, std::move(*target));
    if (path_below(walk.start, path)) {
      if (walk.steps.left_out) walk.steps.left_out(link, {Errc::invalid, "a link to a directory above it"});
      return true;
    }
    walk.has_unfollowed = walk.has_unfollowed || walk.now.depth > 0;
    if (walk.now.depth > 0) return true;
  }
  return take(walk, std::move(*target));
}

Result<void> TreeWalk::walk(const Node& start, const Steps& steps) {
  Visited visited;
  return walk(start, steps, visited);
}

Result<void> TreeWalk::walk(const Node& start, const Steps& steps, Visited& visited) {
  if (start.kind == NodeKind::file) {
    if (visited.insert(start.id)) (void)steps.visit(start);
    return {};
  }
  Walk walk{.steps = steps,
            .visited = visited,
            .start = shown_path(start),
            .left = {{start, 0}},
            .met = {start.id}};
  while (!walk.left.empty() && !stopping_) {
    walk.now = std::move(walk.left.back());
    walk.left.pop_back();
    walk.has_unfollowed = false;
    if (Result<void> entered = steps.enter ? steps.enter(walk.now.dir) : Result<void>{}; !entered)
      return entered;
    std::vector<Node> page;
    NodeId after = 0;
    do {
      page.clear();
      Result<void> scanned = vfs_.parts().catalog.scan(walk.now.dir.id, after, [&page](const Node& child) {
        page.push_back(child);
        return page.size() < kPage;
      });
      if (!scanned) return scanned;
      for (Node& child : page) {
        after = child.id;
        if (!take(walk, std::move(child))) return {};
      }
    } while (page.size() == kPage);
    if (walk.has_unfollowed && steps.left_out)
      steps.left_out(walk.now.dir, {Errc::unsupported,
                                    "its links to directories are only followed when it is named itself"});
  }
  return {};
}

Result<void> TreeWalk::for_files(const std::vector<std::string>& paths, const Steps& steps) {
  Visited visited;
  for (const std::string& path : paths) {
    const Result<Node> start = resolve(path);
    if (!start) return tl::unexpected<Error>(start.error());
    if (Result<void> walked = walk(*start, steps, visited); !walked) return walked;
  }
  return {};
}

Result<std::vector<Node>> TreeWalk::linked_from(const Node& dir, bool known) {
  std::vector<Node> links;
  const Result<void> scanned = vfs_.parts().catalog.scan(dir.id, 0, [&links](const Node& child) {
    if (child.kind == NodeKind::symlink) links.push_back(child);
    return true;
  });
  if (!scanned) return tl::unexpected<Error>(scanned.error());
  std::vector<Node> targets;
  for (const Node& link : links) {
    Result<Node> target = follow(link, known ? Ask::nothing : Ask::names);
    if (!target && known) continue;
    if (!target) return fail(target.error().code, shown_path(link) + ": " + target.error().message);
    targets.push_back(std::move(*target));
  }
  return targets;
}

}  // namespace astrofs
