// Who may ask the stand-in of a Virtual Observatory archive, where it is set to know its users. Pure; any
// thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tests/support/sim_http.h"
#include "tests/support/sim_reply.h"

namespace astrofs::sim {

/// Its one user.
inline constexpr std::string_view kVoUser = "alice";
inline constexpr std::string_view kVoPassword = "open sesame";
inline constexpr std::string_view kVoToken = "vo.5afe-0000~c0de";

struct VoGate {
  std::string scheme{};      ///< "Basic", "Bearer", "Token"; "" = everybody may ask
  bool shows_page{false};    ///< who may not is sent to a page that wants a password
  bool knows_nobody{false};  ///< not its user either

  [[nodiscard]] static bool is_page(std::string_view path) { return path == "/vo/login"; }
  [[nodiscard]] static Reply page();
  /// nullopt: the request is its user's, or of nobody's interest.
  [[nodiscard]] std::optional<Reply> refusal(const HttpRequest& request, const std::string& host) const;
  /// The elements of an interface's security methods.
  [[nodiscard]] std::string methods() const;
};

}  // namespace astrofs::sim
