// Paths of an archive to nodes: from the catalog, or asked for, directory by directory, and the size at the
// end. Owned by the mount; any thread, but those of the lister and the network do not ask find().
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/error.h"
#include "cache/catalog.h"
#include "fs/lister.h"
#include "fs/size_resolver.h"

namespace astrofs {

class PathFinder {
 public:
  /// Each question takes at most `timeout`.
  PathFinder(const Catalog& catalog, Lister& lister, SizeResolver& sizes, std::chrono::milliseconds timeout)
      : catalog_(catalog), lister_(lister), sizes_(sizes), timeout_(timeout) {}

  /// `path`: names below the archive's directory `archive`, as the mount shows them. A file comes with its
  /// size. not_found: the archive has none. Blocks.
  [[nodiscard]] Result<Node> find(const std::string& archive, std::string_view path,
                                  const std::stop_token& stop = {}) const;
  /// As far as is known without asking anybody. nullopt: there is none. unavailable: a directory on the way
  /// was never listed. At once.
  [[nodiscard]] Result<std::optional<Node>> known(const std::string& archive, std::string_view path) const;

 private:
  [[nodiscard]] bool is_listed(const Node& dir) const;
  [[nodiscard]] Result<Node> child(const Node& dir, const std::string& name,
                                   const std::stop_token& stop) const;

  const Catalog& catalog_;
  Lister& lister_;
  SizeResolver& sizes_;
  const std::chrono::milliseconds timeout_;
};

}  // namespace astrofs
