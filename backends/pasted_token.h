// The token of whoever runs this mount, for an archive that knows its users by one (token_services.h). It is
// looked for in this order, so that a login counts at once and what a mount was started with need not be
// undone for it:
//
//   the file that `astrofs login` leaves      0600, see login_file.h
//   $CREDENTIALS_DIRECTORY/astrofs.<name>     what systemd hands to a service
//   the service's environment variable
//
// It goes to the hosts given here, over https or to this machine, and nowhere else; libcurl takes it out
// where another host is redirected to. It is in no URL, so in no log and in no attribute. Owned by an
// archive; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "backends/http/client.h"
#include "backends/token_services.h"
#include "base/error.h"
#include "base/mutex.h"

namespace astrofs {

/// `pasted` without blanks around it; Errc::invalid, which does not repeat it: no token.
[[nodiscard]] Result<std::string> token_in(std::string_view pasted, const TokenService& service);

/// May a secret be sent there: does nobody listen on the way?
[[nodiscard]] bool is_private_way(std::string_view url);

/// Puts the token into a request. Errc::denied: it would go over a network unencrypted.
[[nodiscard]] Result<void> send_token(http::Request& request, const TokenService& service,
                                      const std::string& token);

class PastedToken {
 public:
  /// Reads the environment, so before there is a second thread. `file`: of the login. `base`: URL of the
  /// host that may see the token.
  PastedToken(const TokenService& service, std::string file, const std::string& base);

  /// Looks whether the token has come, gone or changed; true: it has. Blocks on the disk.
  bool notice() EXCLUDES(mutex_);
  [[nodiscard]] bool is_there() const EXCLUDES(mutex_);
  /// A scope of credentials: Archive::credential_scope(). Another token, another scope.
  [[nodiscard]] std::string scope() const EXCLUDES(mutex_);
  /// Errc::denied: there is no token, or none that may go there.
  [[nodiscard]] Result<void> authorize(http::Request& request) const EXCLUDES(mutex_);
  [[nodiscard]] const TokenService& service() const { return service_; }

 private:
  struct Place {
    std::string path;  ///< "" = there is none
    bool is_login{false};
    std::optional<std::int64_t> written{};  ///< its time when it was read
    std::optional<std::string> token{};
  };
  void look_at(Place& place) REQUIRES(looking_);

  const TokenService& service_;
  const std::string origin_;
  std::optional<std::string> from_environment_;
  Mutex looking_;
  Place login_ GUARDED_BY(looking_), credential_ GUARDED_BY(looking_);
  mutable Mutex mutex_;
  std::optional<std::string> token_ GUARDED_BY(mutex_);
};

}  // namespace astrofs
