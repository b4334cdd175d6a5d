// The login to an archive that gives its files to users it knows: `astrofs login NAME`. Used by the control
// program, without a mount.
#pragma once

#include <functional>
#include <string>

#include "backends/registry.h"
#include "base/error.h"

namespace astrofs {

/// How the user is asked.
struct AskUser {
  /// Shows the address, which he opens on any machine, and returns the code that he is shown there.
  std::function<Result<std::string>(const std::string& address)> code;
  /// Says where a token is to be had, and returns what is pasted, unseen; of a service whose users have
  /// passwords, "user:password".
  std::function<Result<std::string>(const TokenService& service)> token;
};

/// Leaves the login in its file, where every mount of this user finds it, and returns what is to be said of
/// it: whose it is, or why nobody could say. Errc::denied: the code or the token is not right. `ca_file`: PEM
/// of who vouches for servers; "": the system's.
[[nodiscard]] Result<std::string> log_in(const LoginWay& way, const AskUser& ask,
                                         const std::string& ca_file = {});

}  // namespace astrofs
