// What a login to Globus is made of: the file that holds it, the token service's answers, the address its
// user opens. Text in, values out; pure. Nothing here is ever logged.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"

namespace astrofs::globus {

struct Token {
  std::string access;
  std::string refresh;  ///< "" = it cannot be renewed
  SysSeconds expires{};
};

struct Login {
  std::string account;  ///< at random: what only this login may fetch is kept for it alone
  std::string client_id;
  std::string collection;  ///< UUID
  std::string https;       ///< where the collection serves bytes; "" = it does not
  Token transfer;          ///< for listings and tasks
  Token bytes;             ///< for HTTPS of the collection
};

/// The file, JSON; Errc::corrupt says nothing of its content.
[[nodiscard]] Result<Login> parse_login(std::string_view json);
[[nodiscard]] std::string format_login(const Login& login);

/// Puts the tokens of an answer of the token service into their places, by resource server. A renewal brings
/// one, a login both. Errc::denied: the answer is a refusal.
[[nodiscard]] Result<void> take_tokens(std::string_view json, SysSeconds now, Login& login);

/// PKCE: the secret that proves that who brings the code asked for it. `random`: 32 bytes.
[[nodiscard]] std::string verifier_of(std::string_view random);
/// Where the user gets his code. `auth`: base of the service.
[[nodiscard]] std::string authorize_url(std::string_view auth, const Login& login, std::string_view verifier);
/// Bodies of the two requests to "<auth>/v2/oauth2/token".
[[nodiscard]] std::string code_form(const Login& login, std::string_view code, std::string_view verifier);
[[nodiscard]] std::string refresh_form(const Login& login, const Token& token);

}  // namespace astrofs::globus
