// From a table of the configuration to an archive. The only place that knows all of them.
#pragma once

#include <memory>

#include "backends/archive.h"
#include "backends/http/fetcher.h"
#include "base/config.h"

namespace astrofs {

/// Checks every key of the table: an unknown key, a wrong type or an unusable URL is Errc::invalid with
/// file:line:column. `fetcher` outlives the archive.
[[nodiscard]] Result<std::unique_ptr<Archive>> make_archive(const ArchiveConfig& config,
                                                            http::Fetcher& fetcher);

/// What a login to an archive needs of its table.
struct LoginAddresses {
  std::string datasets, auth, transfer;  ///< base URLs
  std::string client_id;                 ///< "" = not configured
  std::string file;                      ///< where the login is kept
};
/// Errc::unsupported: archives of this type know no users.
[[nodiscard]] Result<LoginAddresses> login_addresses(const ArchiveConfig& config);

}  // namespace astrofs
