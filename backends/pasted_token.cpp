#include "backends/pasted_token.h"

#include <fmt/format.h>

#include <cstdlib>
#include <utility>

#include "backends/http/net_address.h"
#include "backends/http/url.h"
#include "backends/login_file.h"
#include "base/base64.h"
#include "base/hash.h"
#include "base/log.h"

namespace astrofs {
namespace {

std::string text_of(const char* variable) {
  const char* const value = std::getenv(variable);
  return value == nullptr ? std::string() : std::string(value);
}

std::string_view what_of(const TokenService& service) {
  return service.has_password ? "password" : "token";
}

}  // namespace

bool is_private_way(std::string_view url) {
  const auto parts = http::split_url(url);
  if (!parts) return false;
  if (parts->scheme == "https" || parts->host == "localhost" || parts->host == "[::1]") return true;
  // is_local_address() takes a name for such a place, too: only digits are an address here.
  const bool is_number = parts->host.find_first_not_of("0123456789.") == std::string::npos;
  return is_number && parts->host.starts_with("127.") && http::is_local_address(parts->host);
}

Result<std::string> token_in(std::string_view pasted, const TokenService& service) {
  // A password may end in a blank; its line does not.
  const std::string_view blanks = service.has_password ? "\r\n" : " \t\r\n";
  const std::size_t begin = pasted.find_first_not_of(blanks);
  if (begin == std::string_view::npos)
    return fail(Errc::invalid, fmt::format("no {} was given", what_of(service)));
  pasted = pasted.substr(begin, pasted.find_last_not_of(blanks) + 1 - begin);
  if (!service.fits(pasted))
    return fail(Errc::invalid,
                fmt::format("that is no {} of {}; see {}", service.has_password ? "user:password" : "token",
                            service.title, service.page));
  return std::string(pasted);
}

Result<void> send_token(http::Request& request, const TokenService& service, const std::string& token) {
  if (!is_private_way(request.url))
    return fail(Errc::denied, fmt::format("the {} of {} is not sent to {} without https", what_of(service),
                                          service.title, request.origin()));
  request.headers.push_back(
      {"Authorization", fmt::format("{} {}", service.scheme, service.has_password ? base64(token) : token)});
  return {};
}

PastedToken::PastedToken(const TokenService& service, std::string file, const std::string& base)
    : service_(service), origin_(http::origin_of(base)) {
  login_.path = std::move(file);
  login_.is_login = true;
  if (std::string directory = text_of("CREDENTIALS_DIRECTORY"); directory.starts_with('/'))
    credential_.path = directory + "/" + std::string(service.credential);
  if (const std::string pasted = text_of(std::string(service.variable).c_str()); !pasted.empty()) {
    Result<std::string> token = token_in(pasted, service);
    if (token)
      from_environment_ = std::move(*token);
    else
      log::warning("{}: {}", service.variable, token.error().message);
  }
  token_ = from_environment_;
}

void PastedToken::look_at(Place& place) {
  const std::optional<std::int64_t> written =
      place.path.empty() ? std::nullopt : login_file::written(place.path);
  if (written == place.written) return;
  place.written = written;
  place.token.reset();
  if (!written) return;
  const Result<std::string> token =
      (place.is_login ? login_file::read_text(place.path) : login_file::read_credential(place.path))
          .and_then([this](const std::string& text) { return token_in(text, service_); });
  if (token)
    place.token = *token;
  else
    log::warning("{} holds no login: {}", place.path, token.error().message);
}

bool PastedToken::notice() {
  const MutexLock one_at_a_time(looking_);
  look_at(login_);
  look_at(credential_);
  const MutexLock lock(mutex_);
  const auto& now = login_.token ? login_.token : credential_.token ? credential_.token : from_environment_;
  const bool has_changed = token_ != now;
  token_ = now;
  return has_changed;
}

bool PastedToken::is_there() const {
  const MutexLock lock(mutex_);
  return token_.has_value();
}

std::string PastedToken::scope() const {
  const MutexLock lock(mutex_);
  // A digest, so that the same token is the same user wherever it came from.
  return token_ ? "token " + to_hex(sha256_prefix({"astrofs", service_.name, *token_})) : "nobody";
}

Result<void> PastedToken::authorize(http::Request& request) const {
  const MutexLock lock(mutex_);
  if (!token_) return fail(Errc::denied, fmt::format("no login: astrofs login {}", service_.name));
  if (request.origin() != origin_)
    return fail(Errc::denied, fmt::format("{} is no host of {}", request.origin(), service_.title));
  return send_token(request, service_, *token_);
}

}  // namespace astrofs
