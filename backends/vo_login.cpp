#include "backends/vo_login.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "backends/http/url.h"
#include "backends/tap.h"

namespace astrofs {
namespace {

// Tokens of OpenID have some kilobytes, and servers refuse headers of more than eight.
constexpr std::size_t kLongest = 6 << 10;

bool is_token(std::string_view text) {
  // What RFC 7235 lets a credential be made of (token68).
  const auto is_letter = [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("-._~+/=").find(static_cast<char>(c)) != std::string::npos;
  };
  return !text.empty() && text.size() <= kLongest && std::ranges::all_of(text, is_letter);
}

bool is_user_and_password(std::string_view text) {
  const auto colon = text.find(':');
  const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7F; };
  return colon != std::string_view::npos && colon > 0 && text.size() <= kLongest &&
         std::ranges::none_of(text, is_control);
}

/// Every TAP service has this table, and a query is what a login is for: capabilities are for everybody.
http::Request ask_tap(const std::string& base) {
  tap::Query query;
  query.adql = "SELECT TOP 1 table_name FROM TAP_SCHEMA.tables";
  return tap::sync_request(base, query);
}

/// The columns, and no image.
http::Request ask_sia2(const std::string& base) {
  return tap::get_request(base + "?MAXREC=0");
}

Result<std::string> user_of(const Result<http::Response>& answer) {
  const auto read = tap::read_answer(answer);
  if (!read && read.error().code == Errc::denied)
    return fail(Errc::denied, "the service does not take this login");
  if (!read) return tl::unexpected<Error>(read.error());
  std::string user(answer->head.header("x-vo-authenticated"));
  // Some answer everybody, and a password that is wrong like one that is right.
  if (user.empty()) return fail(Errc::unsupported, "its answer does not say who has asked");
  return user;
}

struct Scheme {
  std::string_view auth, word;
};
constexpr std::array<Scheme, 3> kSchemes{{{"basic", "Basic"}, {"bearer", "Bearer"}, {"token", "Token"}}};

/// The texts that a TokenService points into.
struct Owned {
  std::string name, page, variable, credential, base;
  TokenService service{};
};

}  // namespace

std::shared_ptr<const TokenService> vo_token_service(const std::string& archive, std::string_view auth,
                                                     const std::string& url, VoProtocol protocol) {
  const auto* const scheme = std::ranges::find(kSchemes, auth, &Scheme::auth);
  if (scheme == kSchemes.end()) return nullptr;
  auto owned = std::make_shared<Owned>();
  owned->name = archive;
  owned->page = http::origin_of(url);
  owned->variable = "ASTROFS_LOGIN_";
  for (const char c : archive) {
    const auto letter = static_cast<unsigned char>(c);
    owned->variable += std::isalnum(letter) != 0 ? static_cast<char>(std::toupper(letter)) : '_';
  }
  owned->credential = "astrofs." + archive;
  owned->base = url;
  TokenService& service = owned->service;
  service.name = service.title = owned->name;
  service.page = owned->page;
  service.variable = owned->variable;
  service.credential = owned->credential;
  service.scheme = scheme->word;
  service.has_password = scheme->auth == "basic";
  service.base = owned->base;
  service.fits = service.has_password ? is_user_and_password : is_token;
  service.question = protocol == VoProtocol::tap ? ask_tap : ask_sia2;
  service.user = user_of;
  return {owned, &service};
}

}  // namespace astrofs
