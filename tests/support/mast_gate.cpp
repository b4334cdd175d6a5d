#include "tests/support/mast_gate.h"

#include <nlohmann/json.hpp>

namespace astrofs::sim {
namespace {

/// "" where there is none.
std::string_view token_of(const HttpRequest& request) {
  constexpr std::string_view kScheme = "token ";
  constexpr std::string_view kCookie = "mast_token=";
  std::string_view value = request.header("authorization");
  if (value.starts_with(kScheme)) return value.substr(kScheme.size());
  value = request.header("cookie");
  const std::size_t at = value.find(kCookie);
  if (at == std::string_view::npos) return {};
  value.remove_prefix(at + kCookie.size());
  return value.substr(0, value.find(';'));
}

}  // namespace

bool MastGate::admits(const HttpRequest& request) const {
  const MutexLock lock(mutex_);
  return tokens_.contains(token_of(request));
}

void MastGate::add_token(const std::string& token) {
  const MutexLock lock(mutex_);
  tokens_.insert(token);
}

void MastGate::revoke() {
  const MutexLock lock(mutex_);
  tokens_.clear();
}

Reply MastGate::reply(const HttpRequest& request) const {
  nlohmann::ordered_json answer{
      {"eppn", ""},      {"ezid", "anonymous"}, {"attrib", nlohmann::ordered_json::object()},
      {"anon", true},    {"scopes", nullptr},   {"session", nullptr},
      {"token", nullptr}};
  if (admits(request)) {
    answer["eppn"] = "alice@stsci.edu";
    answer["ezid"] = "alice";
    answer["attrib"] = {{"display_name", "A. User"}};
    answer["anon"] = false;
    answer["scopes"] = {"mast:user:info", "mast:exclusive_access"};
    answer["token"] = token_of(request);
  }
  return text_reply(200, answer.dump(), "application/json");
}

}  // namespace astrofs::sim
