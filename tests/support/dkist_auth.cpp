#include "tests/support/dkist_auth.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "base/hash.h"
#include "tests/support/dkist_settings.h"

namespace astrofs::sim {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kTransferServer = "transfer.api.globus.org";
constexpr std::string_view kTransferScope = "urn:globus:auth:scope:transfer.api.globus.org:all";
constexpr std::string_view kBearer = "Bearer ";

std::string https_scope() {
  return fmt::format("https://auth.globus.org/scopes/{}/https", kDkistCollection);
}

Reply json_reply(int status, const Json& json) {
  return text_reply(status, json.dump(), "application/json");
}

Reply refusal(const char* error) {
  return json_reply(400, {{"error", error}});
}

/// S256 of RFC 7636: base64 for URLs of the SHA-256, without padding.
std::string challenge_of(std::string_view verifier) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  StreamDigest sha256(DigestKind::sha256);
  sha256.add(as_bytes(verifier));
  const std::string hex = sha256.hex();
  std::string text;
  // Three hex digits are twelve bits and so two letters; the 64th digit leaves four bits, padded with zeros.
  for (std::size_t at = 0; at + 1 < hex.size(); at += 3) {
    std::string digits = hex.substr(at, 3);
    digits.resize(3, '0');
    const auto bits = static_cast<std::size_t>(std::stoul(digits, nullptr, 16));
    text += kLetters[bits >> 6U];
    text += kLetters[bits & 63U];
  }
  if (!hex.empty()) text += kLetters[std::stoul(hex.substr(hex.size() - 1), nullptr, 16) << 2U];
  return text;
}

Json token_json(DkistScope scope, const std::string& access, const std::string& refresh, seconds lives) {
  const bool transfer = scope == DkistScope::transfer;
  Json json{{"access_token", access},
            {"scope", transfer ? std::string(kTransferScope) : https_scope()},
            {"expires_in", lives.count()},
            {"token_type", "Bearer"},
            {"resource_server", transfer ? std::string(kTransferServer) : kDkistCollection}};
  if (!refresh.empty()) json["refresh_token"] = refresh;
  return json;
}

}  // namespace

DkistAuth::DkistAuth() {
  const SteadyTime late = std::chrono::steady_clock::now() + std::chrono::hours(48);
  accesses_[kSimTransferToken] = {DkistScope::transfer, late};
  accesses_[kSimHttpsToken] = {DkistScope::https, late};
  refreshes_[kSimTransferRefresh] = {DkistScope::transfer, ""};
  refreshes_[kSimHttpsRefresh] = {DkistScope::https, ""};
}

void DkistAuth::expire() {
  const MutexLock lock(mutex_);
  accesses_.clear();
}

void DkistAuth::revoke() {
  const MutexLock lock(mutex_);
  accesses_.clear();
  refreshes_.clear();
}

bool DkistAuth::admits(const HttpRequest& request, DkistScope scope) const {
  std::string_view token = request.header("authorization");
  if (!token.starts_with(kBearer)) return false;
  token.remove_prefix(kBearer.size());
  const MutexLock lock(mutex_);
  const auto found = accesses_.find(token);
  return found != accesses_.end() && found->second.scope == scope &&
         std::chrono::steady_clock::now() < found->second.until;
}

Reply DkistAuth::reply(const HttpRequest& request, seconds token_time) {
  if (request.path == "/auth/v2/oauth2/authorize") {
    Form form;
    for (auto& [name, value] : parse_form(request.query)) form[name] = std::move(value);
    return authorize(std::move(form));
  }
  if (request.path == "/auth/v2/web/auth-code") {
    return text_reply(
        200,
        fmt::format("<!DOCTYPE html><html><body><p>Your code:</p><code>{}</code></body></html>\n",
                    escape_markup(request.parameter("code").value_or(""))),
        "text/html");
  }
  if (request.path != "/auth/v2/oauth2/token") return text_reply(404, "not found", "text/plain");
  if (request.method != "POST") return error_reply(405, request.path);
  Form form;
  for (auto& [name, value] : parse_form(request.body)) form[name] = std::move(value);
  if (form["client_id"].empty()) return json_reply(401, {{"error", "invalid_client"}});
  if (form["grant_type"] == "authorization_code") return exchange(std::move(form), token_time);
  if (form["grant_type"] == "refresh_token") return renew(std::move(form), token_time);
  return refusal("unsupported_grant_type");
}

/// The real one asks a person first.
Reply DkistAuth::authorize(Form form) {
  const bool complete = !form["client_id"].empty() && !form["redirect_uri"].empty() &&
                        !form["scope"].empty() && form["response_type"] == "code" &&
                        !form["code_challenge"].empty() && form["code_challenge_method"] == "S256";
  if (!complete) return refusal("invalid_request");
  std::string code;
  {
    const MutexLock lock(mutex_);
    code = fmt::format("sim-code-{}", ++last_);
    codes_[code] = {.client = form["client_id"],
                    .redirect = form["redirect_uri"],
                    .challenge = form["code_challenge"],
                    .scopes = form["scope"],
                    .offline = form["access_type"] == "offline"};
  }
  Reply reply = text_reply(302, "", "text/html");
  const std::string& to = form["redirect_uri"];
  reply.set_header(
      "Location", fmt::format("{}{}code={}&state={}", to, to.find('?') == std::string::npos ? '?' : '&', code,
                              percent_encode(form["state"])));
  return reply;
}

Reply DkistAuth::exchange(Form form, seconds token_time) {
  const MutexLock lock(mutex_);
  const auto found = codes_.find(form["code"]);
  if (found == codes_.end()) return refusal("invalid_grant");
  const Code code = std::move(found->second);
  codes_.erase(found);  // a code works once, also for who has not got it right
  if (code.client != form["client_id"] || code.redirect != form["redirect_uri"] ||
      code.challenge != challenge_of(form["code_verifier"])) {
    return refusal("invalid_grant");
  }
  Json tokens = Json::array();
  for (const DkistScope scope : {DkistScope::transfer, DkistScope::https}) {
    const bool transfer = scope == DkistScope::transfer;
    if (code.scopes.find(transfer ? std::string(kTransferScope) : https_scope()) == std::string::npos)
      continue;
    std::string refresh;
    if (code.offline) {
      refresh = fmt::format("sim-{}-refresh-{}", transfer ? "transfer" : "https", ++last_);
      refreshes_[refresh] = {scope, code.client};
    }
    tokens.push_back(token_json(scope, new_access(scope, token_time), refresh, token_time));
  }
  if (tokens.empty()) return refusal("invalid_scope");
  Json answer = tokens[0];
  tokens.erase(0);
  answer["other_tokens"] = tokens;
  answer["state"] = "_default";
  return json_reply(200, answer);
}

/// Exactly one token comes back, whatever came at the login.
Reply DkistAuth::renew(Form form, seconds token_time) {
  const MutexLock lock(mutex_);
  const std::string& refresh = form["refresh_token"];
  const auto found = refreshes_.find(refresh);
  if (found == refreshes_.end() ||
      (!found->second.client.empty() && found->second.client != form["client_id"]))
    return refusal("invalid_grant");
  const DkistScope scope = found->second.scope;
  Json answer = token_json(scope, new_access(scope, token_time), refresh, token_time);
  answer["other_tokens"] = Json::array();
  return json_reply(200, answer);
}

std::string DkistAuth::new_access(DkistScope scope, seconds token_time) {
  std::string token = fmt::format("sim-{}-{}", scope == DkistScope::transfer ? "transfer" : "https", ++last_);
  accesses_[token] = {scope, std::chrono::steady_clock::now() + token_time};
  return token;
}

}  // namespace astrofs::sim
