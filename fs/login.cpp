#include "fs/login.h"

#include <fmt/format.h>
#include <openssl/rand.h>

#include <array>

#include "backends/dkist_search.h"
#include "backends/format/dkist_inventory.h"
#include "backends/format/globus_login.h"
#include "backends/http/curl_client.h"
#include "backends/http/fetcher.h"
#include "backends/login_file.h"
#include "backends/pasted_token.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/metrics.h"

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

/// What asks the network, for the time of a login.
class Network {
 public:
  explicit Network(const std::string& ca_file)
      : client_({.ca_file = ca_file}), fetcher_(client_, clock_, metrics_, {}) {}
  [[nodiscard]] http::Fetcher& fetcher() { return fetcher_; }
  [[nodiscard]] const Clock& clock() const { return clock_; }

 private:
  const SystemClock clock_;
  Metrics metrics_;
  http::CurlClient client_;
  http::Fetcher fetcher_;
};

Result<void> exchange(http::Fetcher& fetcher, const CodeLogin& addresses, const std::string& form,
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

Result<std::string> log_in_by_code(const CodeLogin& addresses, const std::string& file, const AskUser& ask,
                                   const std::string& ca_file) {
  if (addresses.client_id.empty()) {
    return fail(Errc::invalid,
                "the archive's table needs client_id, the UUID of an application registered at "
                "https://app.globus.org/settings/developers (native, redirect "
                "https://auth.globus.org/v2/web/auth-code)");
  }
  Network network(ca_file);
  http::Fetcher& fetcher = network.fetcher();

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
  const Result<std::string> code = ask.code(globus::authorize_url(addresses.auth, login, verifier));
  if (!code) return tl::unexpected<Error>(code.error());
  const std::string form = globus::code_form(login, *code, verifier);
  if (auto done = exchange(fetcher, addresses, form, network.clock().wall(), login); !done)
    return tl::unexpected<Error>(done.error());

  http::Request question;
  question.url = addresses.transfer + "/v0.10/endpoint/" + login.collection;
  question.headers.push_back({"Authorization", "Bearer " + login.transfer.access});
  const Result<http::Response> answer = fetcher.fetch({std::move(question)});
  if (!answer) return tl::unexpected<Error>(answer.error());
  const auto https = dkist::parse_https_server(answer->body);
  if (!https) return tl::unexpected<Error>(https.error());
  login.https = https->value_or("");
  if (auto kept = login_file::write(file, login); !kept) return tl::unexpected<Error>(kept.error());
  if (!login.https.empty()) return std::string("Logged in");
  return std::string(
      "Logged in. The collection does not serve HTTPS: its files come through Globus Connect Personal alone, "
      "if the configuration has local_endpoint and local_folder");
}

Result<std::string> log_in_by_token(const TokenLogin& login, const std::string& file, const AskUser& ask,
                                    const std::string& ca_file) {
  const TokenService& service = *login.service;
  const Result<std::string> token =
      ask.token(service).and_then([&](const std::string& pasted) { return token_in(pasted, service); });
  if (!token) return token;
  http::Request question = service.question(login.base);
  if (auto sent = send_token(question, service, *token); !sent) return tl::unexpected<Error>(sent.error());
  Network network(ca_file);
  const Result<std::string> user = service.user(network.fetcher().fetch({std::move(question)}));
  if (!user && user.error().code == Errc::denied) return user;
  if (auto kept = login_file::write_text(file, *token + "\n"); !kept)
    return tl::unexpected<Error>(kept.error());
  // A token is no worse for a service that is silent today.
  if (!user)
    return fmt::format("{} could not be asked whose {} it is ({}); it is kept", service.title,
                       service.has_password ? "password" : "token", user.error().message);
  return user->empty() ? "Logged in" : fmt::format("Logged in as {}", *user);
}

}  // namespace

Result<std::string> log_in(const LoginWay& way, const AskUser& ask, const std::string& ca_file) {
  if (const auto* const token = std::get_if<TokenLogin>(&way.by))
    return log_in_by_token(*token, way.file, ask, ca_file);
  return log_in_by_code(std::get<CodeLogin>(way.by), way.file, ask, ca_file);
}

}  // namespace astrofs
