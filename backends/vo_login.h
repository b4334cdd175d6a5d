// The logins of services of the Virtual Observatory: there are hundreds, so that a table of the configuration
// says how one is told who asks, and pasted_token.h keeps and sends what its user has. Pure; any thread.
//
//   auth = "basic"     a user and a password    Authorization: Basic <base64 of user:password>
//   auth = "bearer"    a token                  Authorization: Bearer <token>
//   auth = "token"     a token                  Authorization: Token <token>
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "backends/token_services.h"

namespace astrofs {

enum class VoProtocol : unsigned char { tap, sia2 };

/// Of the archive of that name: its login is looked for in the file NAME.login, the credential astrofs.NAME
/// and the variable ASTROFS_LOGIN_NAME. `url`: of the service. nullptr: there is no such `auth`.
[[nodiscard]] std::shared_ptr<const TokenService> vo_token_service(const std::string& archive,
                                                                   std::string_view auth,
                                                                   const std::string& url,
                                                                   VoProtocol protocol);

}  // namespace astrofs
