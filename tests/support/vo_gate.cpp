#include "tests/support/vo_gate.h"

#include <fmt/format.h>

namespace astrofs::sim {
namespace {

/// Of "alice:open sesame".
constexpr std::string_view kBasic = "YWxpY2U6b3BlbiBzZXNhbWU=";

}  // namespace

Reply VoGate::page() {
  return text_reply(200,
                    "<html><body><form action='/in' method='post'>User <input name='user'> Password "
                    "<input type='password' name='password'></form></body></html>",
                    "text/html");
}

std::optional<Reply> VoGate::refusal(const HttpRequest& request, const std::string& host) const {
  // What a service says of itself is for everybody.
  if (scheme.empty() || request.path.ends_with("/capabilities")) return std::nullopt;
  const std::string wanted = fmt::format("{} {}", scheme, scheme == "Basic" ? kBasic : kVoToken);
  if (!knows_nobody && request.header("authorization") == wanted) return std::nullopt;
  if (shows_page) {
    Reply moved = text_reply(302, "", "text/plain");
    moved.set_header("Location", host + "/vo/login?next=/vo");
    return moved;
  }
  Reply refused = error_reply(401, request.path);
  refused.set_header("WWW-Authenticate",
                     scheme == "Basic" ? "Basic realm=\"vo\"" : fmt::format("{}", scheme));
  return refused;
}

std::string VoGate::methods() const {
  if (scheme.empty()) return {};
  return fmt::format(
      "<securityMethod standardID='ivo://ivoa.net/sso#{}'/><securityMethod "
      "standardID='ivo://ivoa.net/sso#cookie'/>",
      scheme == "Basic" ? "BasicAA" : "OAuth");
}

}  // namespace astrofs::sim
