// Type "local": a directory of this machine, shown and served without a copy in the cache.
// Owned by the mount; any thread: it holds nothing but a path.
#pragma once

#include <string>

#include "backends/archive.h"

namespace astrofs {

class LocalArchive final : public Archive {
 public:
  /// `path` absolute. It need not exist yet: a disk may be mounted later.
  explicit LocalArchive(std::string path) : root_(std::move(path)) {}

  /// Locators are paths relative to the root, as the directories spell them. Symbolic links are shown as what
  /// they lead to; those that leave the root, dangle, or lead to a directory above themselves are not shown.
  [[nodiscard]] Result<std::variant<Listing, NotModified>> list(std::string_view dir, std::string_view token,
                                                                std::stop_token stop) override;
  /// What was written since its directory was listed.
  [[nodiscard]] bool finds(std::string_view) const override { return true; }
  [[nodiscard]] Result<std::optional<Entry>> find(std::string_view dir, std::string_view name,
                                                  std::stop_token stop) override;
  [[nodiscard]] bool lists_offline(std::string_view) const override { return true; }
  [[nodiscard]] bool finds_offline(std::string_view) const override { return true; }
  [[nodiscard]] bool is_local() const override { return true; }
  /// Unsupported: the bytes are local_file()'s.
  [[nodiscard]] Result<std::vector<http::Request>> locate(std::string_view locator) override;
  /// The file's path without any symbolic link, if it is inside the root now.
  [[nodiscard]] std::optional<LocalFile> local_file(std::string_view locator) const override;
  [[nodiscard]] Result<UniqueFd> open_local(std::string_view locator) const override;
  /// Public is what anybody of this machine may read on the disk, from the root on: what stands above the
  /// root is the choice of who configured it. Asks the disk each time, so that a mode that changes counts at
  /// once.
  [[nodiscard]] std::string credential_scope(std::string_view locator) const override;

 private:
  const std::string root_;
};

}  // namespace astrofs
