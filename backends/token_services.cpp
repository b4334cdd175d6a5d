#include "backends/token_services.h"

#include <algorithm>
#include <array>

#include "backends/format/mast_user.h"
#include "backends/format/uws.h"

namespace astrofs {
namespace {

// No archive says how long its tokens are. Shorter ones are typing errors; longer ones are something else
// than a token, and headers of some kilobytes are refused by servers.
constexpr std::size_t kShortest = 8;
constexpr std::size_t kLongest = 1024;

/// What RFC 7235 lets a credential be made of (token68).
bool is_token(std::string_view text) {
  const auto is_letter = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("-._~+/=").find(c) != std::string_view::npos;
  };
  return text.size() >= kShortest && text.size() <= kLongest &&
         std::all_of(text.begin(), text.end(), is_letter);
}

http::Request ask_mast(const std::string& base) {
  http::Request request;
  request.url = base + "/whoami";
  request.headers.push_back({"Accept", "application/json"});
  return request;
}

Result<std::string> user_of_mast(const Result<http::Response>& answer) {
  if (!answer) return tl::unexpected<Error>(answer.error());
  Result<mast::User> user = mast::parse_user(answer->body);
  if (!user) return tl::unexpected<Error>(user.error());
  if (user->anonymous) return fail(Errc::denied, "MAST does not know this token, or it has run out");
  return std::move(user->name);
}

/// 40 hexadecimal digits.
bool is_hexadecimal(std::string_view text) {
  constexpr std::size_t kDigits = 40;
  return text.size() == kDigits && text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

/// The list of its owner's jobs: nothing tells his name, but another token is refused.
http::Request ask_applause(const std::string& base) {
  http::Request request;
  request.url = base + "/tap/async?LAST=1";
  return request;
}

Result<std::string> user_of_applause(const Result<http::Response>& answer) {
  if (!answer && answer.error().code == Errc::denied)
    return fail(Errc::denied, "APPLAUSE does not know this token");
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (const auto jobs = uws::parse_jobs(answer->body); !jobs) return tl::unexpected<Error>(jobs.error());
  return std::string();
}

constexpr std::array<TokenService, 2> kServices{{
    {.name = "applause",
     .title = "APPLAUSE",
     .page = "https://www.plate-archive.org/accounts/token/",
     .variable = "APPLAUSE_TOKEN",
     .credential = "astrofs.applause",
     .scheme = "Token",
     .base = "https://www.plate-archive.org",
     .fits = is_hexadecimal,
     .question = ask_applause,
     .user = user_of_applause},
    {.name = "mast",
     .title = "MAST",
     .page = "https://auth.mast.stsci.edu/token?suggested_name=astrofs&suggested_scope=mast:exclusive_access",
     .variable = "MAST_API_TOKEN",
     .credential = "astrofs.mast",
     .scheme = "token",
     .base = "https://mast.stsci.edu",
     .fits = is_token,
     .question = ask_mast,
     .user = user_of_mast},
}};

}  // namespace

std::span<const TokenService> token_services() {
  return kServices;
}

std::shared_ptr<const TokenService> token_service(std::string_view name) {
  const auto* const found = std::find_if(kServices.begin(), kServices.end(),
                                         [name](const TokenService& each) { return each.name == name; });
  if (found == kServices.end()) return nullptr;
  return {std::shared_ptr<void>(), &*found};
}

}  // namespace astrofs
