#include "backends/vo_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "backends/archive.h"
#include "backends/format/vosi.h"
#include "backends/http/url.h"
#include "base/one_line.h"

namespace astrofs {
namespace {

/// Who is denied waits for it: a service that is silent about itself must not cost him his time.
constexpr std::chrono::seconds kPatience{5};
/// Services change once in years; one that did not answer may a little later.
constexpr std::chrono::hours kKnown{1};
/// Of a stranger's text in a message.
constexpr std::size_t kLongestName = 80;
constexpr std::size_t kMostNames = 8;

bool is_of(std::string_view standard_id, VoProtocol protocol) {
  const std::string_view wanted =
      protocol == VoProtocol::tap ? "ivo://ivoa.net/std/tap" : "ivo://ivoa.net/std/sia";
  return standard_id.size() >= wanted.size() &&
         std::ranges::equal(standard_id.substr(0, wanted.size()), wanted,
                            [](unsigned char a, unsigned char b) { return std::tolower(a) == b; });
}

/// By which `auth` that way to log in is meant; "" = it is not spoken here.
std::string_view auth_of(std::string_view method) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kSpoken{
      {{"BasicAA", "basic"}, {"OAuth", "bearer"}, {"token", "bearer"}}};
  const auto* const found =
      std::ranges::find(kSpoken, method, &std::pair<std::string_view, std::string_view>::first);
  return found == kSpoken.end() ? std::string_view() : found->second;
}

/// "BasicAA (auth = \"basic\"), cookie": each once.
std::string names_of(const std::vector<vosi::Interface>& interfaces, VoProtocol protocol,
                     std::string_view url) {
  std::vector<std::string> names;
  for (const vosi::Interface& each : interfaces) {
    if (!is_of(each.standard_id, protocol)) continue;
    for (const std::string& method : each.methods) {
      const std::string_view word = vosi::method_name(method);
      if (word.empty()) continue;
      std::string name = one_line(word.substr(0, kLongestName));
      if (const auto auth = auth_of(word); !auth.empty()) name += fmt::format(" (auth = \"{}\")", auth);
      // Some have a second address for who logs in.
      if (!each.url.empty() && !each.url.starts_with(url))
        name += " at " + one_line(std::string_view(each.url).substr(0, kLongestName));
      if (names.size() < kMostNames && std::ranges::find(names, name) == names.end())
        names.push_back(std::move(name));
    }
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

VoClient::VoClient(std::string url, VoProtocol protocol, VoAccess access, http::Fetcher& fetcher,
                   const Clock& clock)
    : url_(std::move(url)),
      protocol_(protocol),
      service_(std::move(access.service)),
      fetcher_(fetcher),
      clock_(clock) {
  if (service_) token_.emplace(*service_, std::move(access.file), url_);
}

/// Where it may not go, and while there is none, the question is nobody's.
void VoClient::sign(http::Request& request) const {
  if (token_ && token_->is_there()) (void)token_->authorize(request);
}

Result<tap::Answer> VoClient::ask(tap::Query query, const std::stop_token& stop) {
  http::Request place;
  place.url = url_;
  sign(place);
  query.headers = std::move(place.headers);
  return explained(tap::ask(fetcher_, url_, query, stop), stop);
}

std::vector<Result<tap::Answer>> VoClient::get(const std::vector<std::string>& addresses,
                                               std::uint64_t most_rows, const std::stop_token& stop) {
  std::vector<std::vector<http::Request>> requests;
  for (const std::string& address : addresses) {
    http::Request request = tap::get_request(address);
    request.from_stranger = tap::is_strangers(url_, address);
    sign(request);
    requests.push_back({std::move(request)});
  }
  std::vector<Result<tap::Answer>> answers;
  for (const auto& response : fetcher_.fetch_all(std::move(requests), stop))
    answers.push_back(explained(tap::read_answer(response, most_rows), stop));
  return answers;
}

http::Request VoClient::file(std::string address) const {
  http::Request request;
  request.from_stranger = tap::is_strangers(url_, address);
  request.url = std::move(address);
  request.no_head = true;
  sign(request);
  return request;
}

Result<tap::Answer> VoClient::explained(Result<tap::Answer> answer, const std::stop_token& stop) {
  if (answer || answer.error().code != Errc::denied) return answer;
  learn_methods(stop);
  return fail(Errc::denied, answer.error().message + "; " + advice());
}

void VoClient::learn_methods(const std::stop_token& stop) {
  {
    const MutexLock lock(mutex_);
    if (learnt_ && clock_.steady() - *learnt_ < kKnown) return;
    learnt_ = clock_.steady();
  }
  http::Request question;
  question.url = url_ + "/capabilities";
  question.patience = kPatience;
  std::vector<http::Request> places{question};
  // The query resource of SIA stands beside its description.
  const auto parts = http::split_url(url_);
  if (protocol_ == VoProtocol::sia2 && parts && parts->path.size() > 1) {
    question.url = url_.substr(0, url_.rfind('/')) + "/capabilities";
    places.push_back(question);
  }
  const auto answer = fetcher_.fetch(std::move(places), stop);
  if (!answer) return;
  const auto interfaces = vosi::parse_capabilities(answer->body);
  if (!interfaces) return;
  std::string names = names_of(*interfaces, protocol_, url_);
  const MutexLock lock(mutex_);
  methods_ = names.empty() ? "its capabilities name no way to log in" : "its capabilities name " + names;
}

std::string VoClient::advice() const {
  std::string said;
  if (!service_)
    said = "no login is configured";
  else if (token_->is_there())
    said = fmt::format("the login may be wrong, or have run out: astrofs login {}", service_->name);
  else
    said = fmt::format("nobody is logged in: astrofs login {}", service_->name);
  const MutexLock lock(mutex_);
  return methods_.empty() ? said : said + "; " + methods_;
}

std::string VoClient::scope() const {
  return token_ ? token_->scope() : std::string(kPublic);
}

}  // namespace astrofs
