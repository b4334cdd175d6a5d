// The archives whose users have a token: one row for each, with where a token is looked for, what it looks
// like, how it is sent, and how to ask whose it is. The only place that knows, but for services of the
// Virtual Observatory, which the configuration describes (vo_login.h); pasted_token.h keeps and sends them.
// Pure; any thread.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "backends/http/client.h"
#include "base/error.h"

namespace astrofs {

struct TokenService {
  std::string_view name;        ///< "mast": `astrofs login mast`; also the name of the login's file
  std::string_view title;       ///< "MAST"
  std::string_view page;        ///< where its users get one
  std::string_view variable;    ///< "MAST_API_TOKEN", of the daemon's environment
  std::string_view credential;  ///< "astrofs.mast", a file in $CREDENTIALS_DIRECTORY
  std::string_view scheme;      ///< "token": Authorization: token <t>
  bool has_password{false};     ///< it is "user:password", and sent in base64
  std::string_view base;        ///< of its hosts, where no table of the configuration has another
  /// Could it be a token, or was something else pasted?
  bool (*fits)(std::string_view token);
  /// Asks whose token it is; sent to `base`, with the token.
  http::Request (*question)(const std::string& base);
  /// The answer to that: the user's name. Errc::denied: the service does not take the token; any other error:
  /// nobody could say.
  Result<std::string> (*user)(const Result<http::Response>& answer);
};

[[nodiscard]] std::span<const TokenService> token_services();
/// nullptr: there is no such service. Those that there are live for ever.
[[nodiscard]] std::shared_ptr<const TokenService> token_service(std::string_view name);

}  // namespace astrofs
