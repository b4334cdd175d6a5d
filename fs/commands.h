// What the control socket can do: each command of `astrofs`, on the daemon's side. May block; runs on the
// connection's thread.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/error.h"
#include "fs/status.h"
#include "fs/tree_walk.h"
#include "fs/verifier.h"
#include "fs/vfs.h"
#include "fs/warm.h"

namespace astrofs {

class Commands {
 public:
  /// `progress` sends one line of JSON to the client; false: the client is gone.
  using Progress = std::function<bool(const std::string& json)>;

  Commands(Vfs& vfs, const Status& status, Verifier& verifier);

  /// Runs one request line; the result is JSON text. invalid: not a request we know.
  [[nodiscard]] Result<std::string> run(const std::string& request, const Progress& progress);
  /// Commands that take long give up soon. At shutdown.
  void stop() { stopping_ = true; }

 private:
  [[nodiscard]] Result<std::string> verify(const std::vector<std::string>& paths, const Progress& progress);
  [[nodiscard]] Result<std::string> warm(const std::vector<std::string>& paths, const Progress& progress);
  /// Of all that was brought: what is not here any more is a failure. False: it was ended before.
  [[nodiscard]] Result<bool> check_kept(const std::vector<std::string>& paths, Warmer& warmer);
  [[nodiscard]] Warmer::File to_warm(const Node& node) const;
  struct Evicted;
  [[nodiscard]] Result<std::string> evict(const std::vector<std::string>& paths);
  void evict_file(const Node& file, bool named, Evicted& evicted);
  [[nodiscard]] Result<std::string> pin(const std::vector<std::string>& paths);
  [[nodiscard]] Result<std::string> unpin(const std::vector<std::string>& paths);
  /// What is pinned, and the paths under which it is, as far as they are known.
  using Pins = std::map<NodeId, std::optional<std::string>>;
  /// Takes from `left` what this path lets go. Where that is nothing, but something above or below is pinned,
  /// invalid.
  [[nodiscard]] Result<std::set<NodeId>> take_pins(Pins& left, const std::string& path);
  /// Of those left, what may hold the same bytes by another path: the rest of the same archives.
  [[nodiscard]] std::set<NodeId> pinned_beside(const std::set<NodeId>& taken, const Pins& left) const;
  [[nodiscard]] Result<void> set_pins(const std::set<NodeId>& nodes, bool pinned);
  /// What is cached of these, and below them, is theirs from now on, though another path was read first.
  void note_use(const std::set<NodeId>& nodes);
  /// What a pin of a path is set on: itself, and what the links in it lead to.
  [[nodiscard]] Result<std::vector<Node>> pinned_by(const std::string& path, bool pinned);
  /// Has what an archive makes of answers made anew. The first error, when all have ended.
  [[nodiscard]] Result<void> renew(const std::vector<Node>& files);
  [[nodiscard]] Result<std::string> refresh(const std::vector<std::string>& paths);
  /// Do its bytes come from an archive, and is there something to bring?
  [[nodiscard]] bool is_fetched(const Node& node) const;
  /// Do they come with those of other files?
  [[nodiscard]] bool is_ordered(const Node& node) const;

  Vfs& vfs_;
  const Status& status_;
  Verifier& verifier_;
  std::atomic<bool> stopping_{false};
  TreeWalk tree_;
};

}  // namespace astrofs
