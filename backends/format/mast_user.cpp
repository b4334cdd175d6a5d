#include "backends/format/mast_user.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/one_line.h"

namespace astrofs::mast {
namespace {

using nlohmann::json;

constexpr std::size_t kLargestAnswer = 64 << 10;  // some hundred bytes
constexpr std::size_t kLongestName = 100;

std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// Strings and flat objects: nothing in it is deeper than three levels.
bool is_shallow(int depth, json::parse_event_t, json&) {
  constexpr int kDeepest = 8;
  return depth <= kDeepest;
}

}  // namespace

Result<User> parse_user(std::string_view text) {
  const auto nothing = [] { return fail(Errc::corrupt, "MAST did not say whose token it is"); };
  if (text.size() > kLargestAnswer) return nothing();
  const json answer = json::parse(text, is_shallow, false);
  if (!answer.is_object()) return nothing();
  const auto anonymous = answer.find("anon");
  if (anonymous == answer.end() || !anonymous->is_boolean()) return nothing();
  User user;
  user.anonymous = anonymous->get<bool>();
  for (const char* const key : {"eppn", "ezid"}) {
    if (user.name.empty()) user.name = text_of(answer, key);
  }
  user.name.resize(std::min(user.name.size(), kLongestName));
  user.name = one_line(user.name);
  return user;
}

}  // namespace astrofs::mast
