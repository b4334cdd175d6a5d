#include "fs/login.h"

#include <openssl/rand.h>

#include <array>

#include "backends/dkist_search.h"
#include "backends/format/dkist_inventory.h"
#include "backends/format/globus_login.h"
#include "backends/http/curl_client.h"
#include "backends/http/fetcher.h"
#include "backends/login_file.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/metrics.h"
#include "base/version.h"

namespace astrofs {
namespace {

/// Of a verifier, as RFC 7636 recommends.
constexpr std::size_t kRandomBytes = 32;

Result<std::string> random_bytes() {
  std::string bytes(kRandomBytes, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(bytes.size())) != 1)
    return fail(Errc::internal, "this machine has no random numbers");
  return bytes;
}

Result<void> exchange(http::Fetcher& fetcher, const LoginAddresses& addresses, const std::string& form,
                      SysSeconds now, globus::Login& login) {
  http::Request request;
  request.method = http::Method::post;
  request.url = addresses.auth + "/v2/oauth2/token";
  request.headers.push_back({"Content-Type", "application/x-www-form-urlencoded"});
  request.body = form;
  const Result<http::Response> answer = fetcher.fetch({std::move(request)});
  if (!answer) return fail(Errc::denied, "Globus does not take the code: " + answer.error().message);
  if (auto taken = globus::take_tokens(answer->body, now, login); !taken) return taken;
  if (login.transfer.access.empty() || login.bytes.access.empty())
    return fail(Errc::denied, "Globus gave no token for the collection: was the access to it allowed?");
  return {};
}

}  // namespace

Result<void> log_in(const LoginAddresses& addresses, const AskCode& ask) {
  if (addresses.client_id.empty()) {
    return fail(Errc::invalid,
                "the archive's table needs client_id, the UUID of an application registered at "
                "https://app.globus.org/settings/developers (native, redirect "
                "https://auth.globus.org/v2/web/auth-code)");
  }
  const SystemClock clock;
  Metrics metrics;
  http::CurlOptions options;
  options.user_agent = std::string("astrofs/") + kVersion;
  http::CurlClient client(options);
  http::Fetcher fetcher(client, clock, metrics, {});

  globus::Login login;
  login.client_id = addresses.client_id;
  const Result<std::string> collection = dkist::Search(addresses.datasets, {}, fetcher).collection({});
  if (!collection) return tl::unexpected<Error>(collection.error());
  login.collection = *collection;
  const Result<std::string> random = random_bytes();
  if (!random) return tl::unexpected<Error>(random.error());
  const std::string verifier = globus::verifier_of(*random);
  const Result<std::string> account = random_bytes();
  if (!account) return tl::unexpected<Error>(account.error());
  login.account = to_hex(sha256_prefix({*account}));
  const Result<std::string> code = ask(globus::authorize_url(addresses.auth, login, verifier));
  if (!code) return tl::unexpected<Error>(code.error());
  const std::string form = globus::code_form(login, *code, verifier);
  if (auto done = exchange(fetcher, addresses, form, clock.wall(), login); !done) return done;

  http::Request question;
  question.url = addresses.transfer + "/v0.10/endpoint/" + login.collection;
  question.headers.push_back({"Authorization", "Bearer " + login.transfer.access});
  const Result<http::Response> answer = fetcher.fetch({std::move(question)});
  if (!answer) return tl::unexpected<Error>(answer.error());
  const auto https = dkist::parse_https_server(answer->body);
  if (!https) return tl::unexpected<Error>(https.error());
  login.https = https->value_or("");
  return login_file::write(addresses.file, login);
}

}  // namespace astrofs
