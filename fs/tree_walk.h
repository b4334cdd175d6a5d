// The tree as commands walk it: paths to nodes, and all files below them. Asks the file system as a program
// would, so what was not listed yet is listed. May block; any thread that may.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "fs/vfs.h"

namespace astrofs {

class TreeWalk {
 public:
  /// Beyond the file system's own deadline: that one answers first, with the better reason.
  static constexpr seconds kGrace{5};

  /// A walk ends soon after `stopping` has become true. Both outlive this.
  TreeWalk(Vfs& vfs, const std::atomic<bool>& stopping) : vfs_(vfs), stopping_(stopping) {}

  /// `path`: relative to the root. Errors name it. With `named` the name will do: a file of which the size
  /// cannot be had is what was listed of it. A file that is built of others is not built for it: it may have no
  /// size yet.
  [[nodiscard]] Result<Node> resolve(const std::string& path, bool named = false);
  [[nodiscard]] Result<Node> lookup(NodeId parent, const std::string& name);
  [[nodiscard]] Result<void> list(const Node& dir);
  /// Files below each of the paths, until `visit` returns false. `enter` is called with each directory before
  /// its names are looked at.
  [[nodiscard]] Result<void> for_files(const std::vector<std::string>& paths,
                                       const std::function<Result<void>(const Node&)>& enter,
                                       const std::function<bool(const Node&)>& visit);
  [[nodiscard]] std::string shown_path(const Node& node) const;

 private:
  [[nodiscard]] Result<Node> step(const Node& dir, const std::string& name);
  [[nodiscard]] Result<void> walk(const Node& start, const std::function<Result<void>(const Node&)>& enter,
                                  const std::function<bool(const Node&)>& visit);

  Vfs& vfs_;
  const std::atomic<bool>& stopping_;
};

}  // namespace astrofs
