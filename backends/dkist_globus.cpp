#include "backends/dkist_globus.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/gone_service.h"
#include "backends/login_file.h"
#include "backends/url.h"
#include "base/log.h"

namespace astrofs::dkist {
namespace {

using std::chrono::hours;

/// Access tokens live for two days, and a directory that is in use is listed every six hours: renewed at half
/// their life, they do not run out between two listings.
constexpr hours kRenewBefore{24};
/// A service that is silent is not to cost each listing its time-out.
constexpr std::chrono::minutes kRenewAgain{1};
/// Nor each of many readers who wait for a token that has run out, though they try again soon.
constexpr seconds kTryAgain{5};
/// A request is under way for a moment before its token is looked at.
constexpr seconds kUnderWay{60};

void authorize(http::Request& request, const globus::Token& token) {
  request.headers.push_back({"Authorization", "Bearer " + token.access});
}

tl::unexpected<Error> no_login() {
  return fail(Errc::denied, "frames need a Globus login: astrofs login dkist");
}

}  // namespace

Globus::Globus(GlobusAddresses addresses, http::Fetcher& fetcher, const Clock& clock)
    : addresses_(std::move(addresses)), fetcher_(fetcher), clock_(clock) {}

std::optional<globus::Login> Globus::login() const {
  const MutexLock lock(mutex_);
  return known_;
}

void Globus::notice_login() {
  const MutexLock one_at_a_time(looking_);
  const std::optional<std::int64_t> written = login_file::written(addresses_.login);
  {
    const MutexLock lock(mutex_);
    if (written == written_) return;
  }
  const Result<globus::Login> read =
      written ? login_file::read(addresses_.login) : fail(Errc::not_found, "nobody has logged in");
  const MutexLock lock(mutex_);
  known_ = read ? std::optional(*read) : std::nullopt;
  written_ = written;
}

std::string Globus::scope() const {
  const std::optional<globus::Login> known = login();
  return known ? "login " + known->account : "nobody";
}

bool Globus::is_logged_in() const {
  return login().has_value();
}

bool Globus::can_fetch() const {
  if (!addresses_.https.empty()) return true;
  const std::optional<globus::Login> known = login();
  return known && !known->https.empty();
}

Result<http::Request> Globus::file(std::string_view path) const {
  const std::optional<globus::Login> known = login();
  const std::string base = !addresses_.https.empty() ? addresses_.https
                           : known                   ? known->https
                                                     : std::string();
  if (base.empty()) {
    if (!known) return no_login();
    return fail(
        Errc::denied,
        "the collection of the frames does not serve HTTPS: they come through Globus Connect Personal, "
        "once the configuration has local_endpoint and local_folder");
  }
  http::Request request;
  request.url = base + url::encode_path(path);
  request.globus_collection = true;
  if (known && known->bytes.expires > clock_.wall()) authorize(request, known->bytes);
  return request;
}

Result<std::string> Globus::collection() const {
  const std::optional<globus::Login> known = login();
  if (!known) return no_login();
  return known->collection;
}

Result<std::string> Globus::ask(std::string_view what, std::string body, std::stop_token stop) {
  const Result<globus::Login> login = fresh_login(&globus::Login::transfer, stop);
  if (!login) return tl::unexpected<Error>(login.error());
  http::Request request;
  request.url = fmt::format("{}/v0.10/{}", addresses_.transfer, what);
  if (!body.empty()) {
    request.method = http::Method::post;
    request.headers.push_back({"Content-Type", "application/json"});
    request.body = std::move(body);
  }
  request.globus_collection = true;  // who answers 404 may be a gateway, as there
  authorize(request, login->transfer);
  Result<http::Response> answer = fetcher_.fetch({std::move(request)}, stop);
  if (!answer) return tl::unexpected<Error>(answer.error());
  return std::move(answer->body);
}

Result<std::vector<globus::FolderEntry>> Globus::list(std::string_view path, std::stop_token stop) {
  const Result<std::string> id = collection();
  if (!id) return tl::unexpected<Error>(id.error());
  // In one go: for each page the whole folder would be read again over there.
  const Result<std::string> answer =
      ask(fmt::format("operation/endpoint/{}/ls?path={}&limit=100000&show_hidden=0", *id,
                      url::encode_component(path)),
          {}, std::move(stop));
  if (!answer) return tl::unexpected<Error>(answer.error());
  return globus::parse_ls(*answer);
}

bool Globus::login_runs_out() const {
  const std::optional<globus::Login> known = login();
  if (!known) return false;
  const auto runs_out = [limit = clock_.wall() + kRenewBefore](const globus::Token& token) {
    return !token.refresh.empty() && token.expires <= limit;
  };
  return runs_out(known->transfer) || runs_out(known->bytes);
}

bool Globus::has_run_out() const {
  const std::optional<globus::Login> known = login();
  return can_fetch() && known && !known->bytes.refresh.empty() &&
         known->bytes.expires <= clock_.wall() + kUnderWay;
}

Result<void> Globus::renew_if_run_out(std::stop_token stop) {
  if (!has_run_out()) return {};
  return fresh_login(&globus::Login::bytes, std::move(stop)).map([](const globus::Login&) {});
}

void Globus::renew_login(std::stop_token stop) {
  (void)fresh_login(&globus::Login::transfer, std::move(stop));
}

Result<void> Globus::renew(const globus::Token& token, globus::Login& login, std::stop_token stop) {
  http::Request request;
  request.method = http::Method::post;
  request.url = addresses_.auth + "/v2/oauth2/token";
  request.headers.push_back({"Content-Type", "application/x-www-form-urlencoded"});
  request.body = globus::refresh_form(login, token);
  request.is_oauth = true;
  const Result<http::Response> answer = fetcher_.fetch({std::move(request)}, std::move(stop));
  if (!answer) return tl::unexpected<Error>(of_service(answer.error(), "Globus Auth"));
  return globus::take_tokens(answer->body, clock_.wall(), login).map_error([](Error error) {
    if (error.code == Errc::denied) error.message += "; log in anew: astrofs login dkist";
    return error;
  });
}

Result<globus::Login> Globus::fresh_login(TokenOf needed, std::stop_token stop) {
  const MutexLock one_at_a_time(renewing_);
  notice_login();
  std::optional<globus::Login> known = login();
  if (!known) return no_login();
  const TokenOf other = needed == &globus::Login::transfer ? &globus::Login::bytes : &globus::Login::transfer;
  bool renewed = false;
  std::optional<Error> failed;
  for (const TokenOf token : {needed, other}) {
    const globus::Token old = *known.*token;
    const SysSeconds now = clock_.wall();
    if (old.refresh.empty() || old.expires > now + kRenewBefore) continue;
    const bool is_good = old.expires > now;
    const auto refused = refused_.find(old.refresh);
    const bool is_known = refused != refused_.end() && clock_.steady() - refused->second.when <
                                                           (is_good ? seconds(kRenewAgain) : kTryAgain);
    const Result<void> taken =
        is_known ? tl::unexpected<Error>(refused->second.error) : renew(old, *known, stop);
    renewed = renewed || taken.has_value();
    if (taken) continue;
    const bool is_given_up = taken.error().code == Errc::interrupted;
    if (!is_known && !is_given_up) {
      refused_.insert_or_assign(old.refresh, Refusal{clock_.steady(), taken.error()});
      log::warning("a token for Globus{} is not renewed: {}", is_good ? ", which is still good," : "",
                   taken.error().message);
    }
    if (token == needed && (!is_good || is_given_up)) failed = taken.error();
    // A service that is silent is not asked for the other one as well.
    if (failed || taken.error().code != Errc::denied) break;
  }
  // Also before an error: Globus may give each only once.
  if (renewed) keep(*known);
  if (failed) return tl::unexpected<Error>(*failed);
  return *known;
}

void Globus::keep(const globus::Login& renewed) {
  const Result<void> kept = login_file::write(addresses_.login, renewed);
  if (kept) return notice_login();
  log::warning("the renewed login to Globus is kept in memory alone: {}", kept.error().message);
  const MutexLock lock(mutex_);
  known_ = renewed;
}

}  // namespace astrofs::dkist
