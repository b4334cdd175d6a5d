#include "fs/tree_walk.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "fs/waiting.h"

namespace astrofs {
namespace {

/// Where a relative link in the directory `dir` leads, both below the root.
std::string linked_path(const std::string& dir, const std::string& target) {
  return (std::filesystem::path(dir) / target).lexically_normal().string();
}

/// Deeper trees than this are a loop.
constexpr unsigned kDeepest = 64;
/// Names held in memory at a time.
constexpr std::size_t kPage = 256;

}  // namespace

Result<Node> TreeWalk::lookup(NodeId parent, const std::string& name) {
  const Result<Attr> attr =
      wait_for_reply<Attr>(vfs_.parts().parking.timeout() + kGrace,
                           [&](ReplyPtr<Attr> reply) { vfs_.lookup(parent, name, std::move(reply)); });
  if (!attr) return tl::unexpected<Error>(attr.error());
  return vfs_.parts().catalog.node(attr->node);
}

Result<Node> TreeWalk::step(const Node& dir, const std::string& name) {
  Result<Node> known = vfs_.parts().catalog.child(dir.id, name);
  const MountedArchive* const archive = known ? vfs_.parts().archives.of(*known) : nullptr;
  if (archive != nullptr && archive->archive->builds(known->locator)) return known;
  return lookup(dir.id, name);
}

Result<Node> TreeWalk::resolve(const std::string& path, bool named) {
  Result<Node> node = vfs_.parts().catalog.node(kRootNode);
  std::size_t at = 0;
  while (node && at < path.size()) {
    const std::size_t begin = at;
    const std::size_t slash = std::min(path.find('/', at), path.size());
    const std::string name = path.substr(at, slash - at);
    at = slash + 1;
    if (name.empty() || name == ".") continue;
    Result<Node> child = step(*node, name);
    if (!child && named && at > path.size()) {
      if (Result<Node> listed = vfs_.parts().catalog.child(node->id, name)) return listed;
    }
    if (!child) {
      // On the way: it is that directory which has no answer.
      const std::string where = slash < path.size() && begin > 0 ? path.substr(0, begin - 1) + ": " : "";
      return fail(child.error().code, path + ": " + where + child.error().message);
    }
    node = std::move(child);
  }
  return node;
}

std::string TreeWalk::shown_path(const Node& node) const {
  return vfs_.parts().catalog.path(node.id).value_or(node.name);
}

Result<void> TreeWalk::list(const Node& dir) {
  return wait_for_reply<Node>(vfs_.parts().parking.timeout() + kGrace,
                              [&](ReplyPtr<Node> reply) { vfs_.opendir(dir.id, std::move(reply)); })
      .map([](const Node&) {});
}

Result<void> TreeWalk::walk(const Node& start, const std::function<Result<void>(const Node&)>& enter,
                            const std::function<bool(const Node&)>& visit) {
  if (start.kind == NodeKind::file) {
    (void)visit(start);
    return {};
  }
  struct Step {
    Node dir;
    unsigned depth;
  };
  std::vector<Step> steps{{start, 0}};
  while (!steps.empty() && !stopping_) {
    const Step step = std::move(steps.back());
    steps.pop_back();
    if (Result<void> entered = enter(step.dir); !entered) return entered;
    std::vector<Node> page;
    NodeId after = 0;
    do {
      page.clear();
      Result<void> scanned = vfs_.parts().catalog.scan(step.dir.id, after, [&page](const Node& child) {
        page.push_back(child);
        return page.size() < kPage;
      });
      if (!scanned) return scanned;
      for (Node& child : page) {
        after = child.id;
        if (child.kind == NodeKind::symlink) {
          // Of a selection: the file that is meant. Directories are walked where they are.
          Result<Node> target = resolve(linked_path(shown_path(step.dir), child.locator));
          if (!target || target->kind != NodeKind::file) continue;
          child = std::move(*target);
        }
        if (child.kind == NodeKind::file && (stopping_ || !visit(child))) return {};
        if (child.kind == NodeKind::directory && step.depth < kDeepest)
          steps.push_back({std::move(child), step.depth + 1});
      }
    } while (page.size() == kPage);
  }
  return {};
}

Result<void> TreeWalk::for_files(const std::vector<std::string>& paths,
                                 const std::function<Result<void>(const Node&)>& enter,
                                 const std::function<bool(const Node&)>& visit) {
  for (const std::string& path : paths) {
    const Result<Node> start = resolve(path);
    if (!start) return tl::unexpected<Error>(start.error());
    if (Result<void> walked = walk(*start, enter, visit); !walked) return walked;
  }
  return {};
}

}  // namespace astrofs
