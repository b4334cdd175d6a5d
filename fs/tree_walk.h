// The tree as commands walk it: paths to nodes, and all files below them. Asks the file system as a program
// would, so what was not listed yet is listed, and links are followed. May block; any thread that may.
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
  /// As many as the kernel follows on the way to a file.
  static constexpr unsigned kMostLinks = 40;

  /// What happens on a walk.
  struct Steps {
    /// Before the names of a directory are looked at. None: nobody is asked for anything, and what is not
    /// known yet is not visited.
    std::function<Result<void>(const Node& dir)> enter{};
    /// Each file; false ends the walk.
    std::function<bool(const Node& file)> visit{};
    /// What belongs to the walk and was left out: a link whose target cannot be had, or a directory of which
    /// the links are not followed.
    std::function<void(const Node& node, const Error& why)> left_out{};
  };

  /// A walk ends soon after `stopping` has become true. Both outlive this.
  TreeWalk(Vfs& vfs, const std::atomic<bool>& stopping) : vfs_(vfs), stopping_(stopping) {}

  /// `path`: relative to the root; never a link but what it leads to. Errors name it. With `named` the name
  /// will do: a file of which the size cannot be had is what was listed of it. A file that is built of others
  /// is not built for it: it may have no size yet.
  [[nodiscard]] Result<Node> resolve(const std::string& path, bool named = false);
  [[nodiscard]] Result<Node> lookup(NodeId parent, const std::string& name);
  [[nodiscard]] Result<void> list(const Node& dir);
  /// Files below `start`, or itself, each once, whatever leads to it. Links to files are followed. Links to
  /// directories are followed where they lie in `start` itself and lead out of it: what is below it is walked
  /// anyway, and a link further down must not lead through the whole archive.
  [[nodiscard]] Result<void> walk(const Node& start, const Steps& steps);
  /// The same for all of the paths together.
  [[nodiscard]] Result<void> for_files(const std::vector<std::string>& paths, const Steps& steps);
  /// What the links in this very directory lead to. `known`: as far as it is known, and nobody is asked.
  [[nodiscard]] Result<std::vector<Node>> linked_from(const Node& dir, bool known);
  [[nodiscard]] std::string shown_path(const Node& node) const;

 private:
  /// What is asked for when it is not known.
  enum class Ask : std::uint8_t { nothing, names, sizes };
  struct Walk;
  class Visited;

  [[nodiscard]] Result<Node> step(const Node& dir, const std::string& name, Ask ask);
  [[nodiscard]] Result<Node> find(std::string path, Ask ask, bool named);
  [[nodiscard]] Result<Node> follow(const Node& link, Ask ask);
  [[nodiscard]] Result<void> walk(const Node& start, const Steps& steps, Visited& visited);
  /// Of the directory that is walked now. False: the walk ends.
  [[nodiscard]] bool take(Walk& walk, Node child);
  [[nodiscard]] bool take_link(Walk& walk, const Node& link);

  Vfs& vfs_;
  const std::atomic<bool>& stopping_;
};

}  // namespace astrofs
