// The Globus collection that has DKIST's frames: where it serves bytes, what a folder holds, and the login
// that both need. The login is a file that `astrofs login` writes and this keeps fresh; what was last seen of
// it counts until notice_login() looks again. Tokens go to Globus and to the collection and nowhere else.
// For type "dkist" alone. Any thread; what asks the network blocks, and not on the client's thread.
#pragma once

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "backends/format/dkist_inventory.h"
#include "backends/format/globus_login.h"
#include "backends/format/globus_ls.h"
#include "backends/http/fetcher.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace astrofs::dkist {

struct GlobusAddresses {
  std::string auth;      ///< "https://auth.globus.org"
  std::string transfer;  ///< "https://transfer.api.globus.org"
  std::string https;     ///< of the collection; "" = as the login has it
  std::string login;     ///< the file; absolute
};

class Globus {
 public:
  Globus(GlobusAddresses addresses, http::Fetcher& fetcher, const Clock& clock);

  /// May frames be asked for? Somebody has logged in and the collection serves HTTPS, or its address is
  /// configured.
  [[nodiscard]] bool can_fetch() const EXCLUDES(mutex_);
  [[nodiscard]] bool is_logged_in() const EXCLUDES(mutex_);
  /// Looks at the login's file. Blocks on the disk.
  void notice_login() EXCLUDES(mutex_, looking_);
  /// May a token be renewed, and is it time?
  [[nodiscard]] bool login_runs_out() const EXCLUDES(mutex_);
  /// Files may be asked for, but not with the token, until it is renewed?
  [[nodiscard]] bool has_run_out() const EXCLUDES(mutex_);
  /// Then that token is renewed, or the error says why not. Errc::denied: it needs a new login.
  [[nodiscard]] Result<void> renew_if_run_out(std::stop_token stop) EXCLUDES(mutex_, looking_, renewing_);
  /// Asks Globus for new ones; what is wrong is logged.
  void renew_login(std::stop_token stop) EXCLUDES(mutex_, looking_, renewing_);
  /// Whose rights are in play: a scope of credentials.
  [[nodiscard]] std::string scope() const EXCLUDES(mutex_);
  /// The request for a file of the collection, with the token where there is one; `path` begins with '/'.
  /// Errc::denied: nobody has logged in, or what he got has run out.
  [[nodiscard]] Result<http::Request> file(std::string_view path) const EXCLUDES(mutex_);
  /// UUID of the collection, as the login has it.
  [[nodiscard]] Result<std::string> collection() const EXCLUDES(mutex_);
  /// What the Transfer service answers to its user. `what`: behind "/v0.10/". A `body` is JSON, and is
  /// posted.
  [[nodiscard]] Result<std::string> ask(std::string_view what, std::string body, std::stop_token stop);
  /// Errc::denied without a login, and for a folder that is not for its user.
  [[nodiscard]] Result<std::vector<globus::FolderEntry>> list(std::string_view path, std::stop_token stop);

 private:
  [[nodiscard]] std::optional<globus::Login> login() const EXCLUDES(mutex_);
  using TokenOf = globus::Token globus::Login::*;
  /// Tokens that soon run out are exchanged for new ones, and these written to the file. An error only where
  /// the one that is needed has run out: one that is still good is gone on with.
  [[nodiscard]] Result<globus::Login> fresh_login(TokenOf needed, std::stop_token stop)
      EXCLUDES(mutex_, looking_, renewing_);
  /// In the file, or, where that cannot be written, until the mount ends.
  void keep(const globus::Login& renewed) EXCLUDES(mutex_, looking_);
  [[nodiscard]] Result<void> renew(const globus::Token& token, globus::Login& login, std::stop_token stop);

  const GlobusAddresses addresses_;
  http::Fetcher& fetcher_;
  const Clock& clock_;
  Mutex renewing_;  ///< one at a time: Globus may give each refresh token's answer only once
  Mutex looking_;   ///< at the file, so that nobody puts back what another has seen to be old
  struct Refusal {
    SteadyTime when;
    Error error;
  };
  std::map<std::string, Refusal> refused_ GUARDED_BY(renewing_);  ///< the last of each refresh token
  mutable Mutex mutex_;
  std::optional<globus::Login> known_ GUARDED_BY(mutex_);
  std::optional<std::int64_t> written_ GUARDED_BY(mutex_);  ///< the file's time when it was read
};

}  // namespace astrofs::dkist
