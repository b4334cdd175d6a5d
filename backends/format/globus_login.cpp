#include "backends/format/globus_login.h"

#include <fmt/format.h>

#include <span>

#include <nlohmann/json.hpp>

#include "backends/url.h"
#include "base/base64.h"
#include "base/hash.h"

namespace astrofs::globus {
namespace {

using nlohmann::json;

constexpr std::string_view kTransferServer = "transfer.api.globus.org";
constexpr std::string_view kTransferScope = "urn:globus:auth:scope:transfer.api.globus.org:all";
/// Shows the code to paste: there need be no browser on the machine of the mount.
constexpr std::string_view kRedirect = "https://auth.globus.org/v2/web/auth-code";

std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<json> object_of(std::string_view text) {
  json value = json::parse(text, nullptr, false);
  if (!value.is_object()) return std::nullopt;
  return value;
}

json to_json(const Token& token) {
  return {{"access_token", token.access},
          {"refresh_token", token.refresh},
          {"expires_at_seconds", token.expires.time_since_epoch().count()}};
}

Token token_of(const json& object) {
  Token token{text_of(object, "access_token"), text_of(object, "refresh_token"), {}};
  if (const auto at = object.find("expires_at_seconds"); at != object.end() && at->is_number_integer())
    token.expires = SysSeconds(std::chrono::seconds(at->get<std::int64_t>()));
  return token;
}

std::string sha256(std::string_view text) {
  StreamDigest digest(DigestKind::sha256);
  digest.add(std::as_bytes(std::span(text)));
  const std::string hex = digest.hex();
  std::string bytes;
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2)
    bytes += static_cast<char>(std::stoi(hex.substr(at, 2), nullptr, 16));
  return bytes;
}

/// One entry of a token answer.
void take_token(const json& entry, SysSeconds now, Login& login) {
  const std::string server = text_of(entry, "resource_server");
  Token* const place = server == kTransferServer    ? &login.transfer
                       : server == login.collection ? &login.bytes
                                                    : nullptr;
  const std::string access = text_of(entry, "access_token");
  if (place == nullptr || access.empty()) return;
  place->access = access;
  // A renewal need not repeat it.
  if (const std::string refresh = text_of(entry, "refresh_token"); !refresh.empty()) place->refresh = refresh;
  const auto lasts = entry.find("expires_in");
  const bool said = lasts != entry.end() && lasts->is_number_unsigned();
  place->expires = now + std::chrono::seconds(said ? lasts->get<std::uint32_t>() : 0);
}

}  // namespace

Result<Login> parse_login(std::string_view text) {
  const auto object = object_of(text);
  if (!object || !object->contains("transfer") || !object->contains("bytes"))
    return fail(Errc::corrupt, "the login file is none");
  Login login;
  login.account = text_of(*object, "account");
  login.client_id = text_of(*object, "client_id");
  login.collection = text_of(*object, "collection");
  login.https = text_of(*object, "https");
  login.transfer = token_of((*object)["transfer"]);
  login.bytes = token_of((*object)["bytes"]);
  return login;
}

std::string format_login(const Login& login) {
  return json{{"account", login.account},
              {"client_id", login.client_id},
              {"collection", login.collection},
              {"https", login.https},
              {"transfer", to_json(login.transfer)},
              {"bytes", to_json(login.bytes)}}
             .dump(2) +
         "\n";
}

Result<void> take_tokens(std::string_view text, SysSeconds now, Login& login) {
  const auto answer = object_of(text);
  if (!answer) return fail(Errc::corrupt, "Globus does not answer with tokens");
  if (const std::string refusal = text_of(*answer, "error"); !refusal.empty())
    return fail(Errc::denied, "Globus refuses: " + refusal);
  if (text_of(*answer, "access_token").empty()) return fail(Errc::corrupt, "Globus answers without a token");
  take_token(*answer, now, login);
  if (const auto others = answer->find("other_tokens"); others != answer->end() && others->is_array()) {
    for (const json& entry : *others) {
      if (entry.is_object()) take_token(entry, now, login);
    }
  }
  return {};
}

std::string verifier_of(std::string_view random) {
  return base64url(random);
}

std::string authorize_url(std::string_view auth, const Login& login, std::string_view verifier) {
  const std::string scopes =
      fmt::format("{} https://auth.globus.org/scopes/{}/https", kTransferScope, login.collection);
  return fmt::format(
      "{}/v2/oauth2/authorize?client_id={}&redirect_uri={}&scope={}&state=_default&response_type=code&"
      "code_challenge={}&code_challenge_method=S256&access_type=offline",
      auth, url::encode_component(login.client_id), url::encode_component(kRedirect),
      url::encode_component(scopes), base64url(sha256(verifier)));
}

std::string code_form(const Login& login, std::string_view code, std::string_view verifier) {
  return fmt::format("client_id={}&grant_type=authorization_code&code={}&code_verifier={}&redirect_uri={}",
                     url::encode_component(login.client_id), url::encode_component(code),
                     url::encode_component(verifier), url::encode_component(kRedirect));
}

std::string refresh_form(const Login& login, const Token& token) {
  return fmt::format("client_id={}&refresh_token={}&grant_type=refresh_token",
                     url::encode_component(login.client_id), url::encode_component(token.refresh));
}

}  // namespace astrofs::globus
