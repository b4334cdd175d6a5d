// From a table of the configuration to an archive. The only place that knows all of them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "backends/archive.h"
#include "backends/http/fetcher.h"
#include "backends/token_services.h"
#include "base/config.h"

namespace astrofs {

struct ConfiguredArchive {
  std::unique_ptr<Archive> archive;
  /// Of what its table says: another one is another archive, of which nothing that is known of this one
  /// holds.
  std::string identity;
};
/// Checks every key of the table but those of every type, which fs takes: an unknown key, a wrong type or an
/// unusable URL is Errc::invalid with file:line:column. `fetcher` outlives the archive.
[[nodiscard]] Result<ConfiguredArchive> make_archive(const ArchiveConfig& config, http::Fetcher& fetcher);

/// By a code that a browser shows: Globus.
struct CodeLogin {
  std::string datasets, auth, transfer;  ///< base URLs
  std::string client_id;                 ///< "" = not configured
};
/// By a token that is pasted.
struct TokenLogin {
  std::shared_ptr<const TokenService> service;
  std::string base;  ///< URL of the host that says whose token it is
};
/// How somebody logs in to an archive.
struct LoginWay {
  std::variant<CodeLogin, TokenLogin> by;
  std::string file;  ///< where the login is kept
};
/// `name`: of an archive's table, or of a service whose users have a token ("mast"), which needs no table.
/// Errc::not_found: there is neither; Errc::unsupported: archives of its type know no users.
[[nodiscard]] Result<LoginWay> login_way(const Config& config, std::string_view name);

}  // namespace astrofs
