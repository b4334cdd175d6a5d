#include "backends/tap_jobs.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

#include "backends/format/numbers.h"
#include "backends/format/votable.h"
#include "backends/http/url.h"
#include "backends/tap.h"
#include "backends/url.h"
#include "base/log.h"
#include "base/one_line.h"
#include "base/pause.h"

namespace astrofs::tap {
namespace {

using std::chrono::milliseconds;

/// From one look at a job to the next: services that let nobody wait are asked less and less often.
constexpr milliseconds kFirstPause{250};
constexpr milliseconds kLongestPause{30'000};
/// The longest queues give an hour.
constexpr milliseconds kLongestJob{3'900'000};
/// A large answer may take its time as long as it comes at all.
constexpr milliseconds kLongestAnswer{1'800'000};
/// Where all who have no token may have one job at a time: for the turn of one's own.
constexpr milliseconds kLongestQueue{120'000};
/// Of looks at a job in a row that fail.
constexpr int kMostFailures = 5;

/// For the deletion of a job while the mount ends: its next mount deletes it otherwise.
constexpr milliseconds kLastPatience{3'000};

constexpr std::string_view kRunPrefix = "astrofs-";
constexpr std::string_view kTooManyJobs = "Too many active jobs";

std::string new_run_id() {
  std::random_device random;
  return fmt::format("{}{:08x}{:08x}", kRunPrefix, random(), random());
}

/// What is noted of a job: where it is, "" = not known yet, and whose it is.
std::string note_of(const std::string& job, const std::string& scope) {
  return job + '\n' + scope;
}

std::pair<std::string_view, std::string_view> read_note(std::string_view noted) {
  const std::size_t end = std::min(noted.find('\n'), noted.size());
  return {noted.substr(0, end), noted.substr(std::min(end + 1, noted.size()))};
}

/// Nobody reads a table that an answer to a job does not have.
class NoRows final : public VoTableHandler {
 public:
  Result<void> table(const VoTable&) override { return {}; }
  Result<void> row(VoRow) override { return {}; }
};

bool says(std::string_view text, std::string_view words) {
  return text.find(words) != std::string_view::npos;
}

/// What a service says in place of an answer. Jobs of others, or of before, are in the way: that passes.
Error refusal(const http::Response& response) {
  NoRows none;
  const auto outcome = read_answer(response, none);
  Error error = outcome ? Error{Errc::corrupt, "an answer that is none"} : outcome.error();
  if (says(error.message, "Quota") || says(error.message, kTooManyJobs)) error.code = Errc::unavailable;
  return error;
}

Error failure_of(const uws::Job& job) {
  if (job.phase == uws::Phase::error)
    return {says(job.error, "timeout") ? Errc::timed_out : Errc::unavailable,
            "the service's job failed: " + one_line(job.error.empty() ? "it does not say why" : job.error)};
  return {Errc::unavailable, "the service's job was ended before it was done"};
}

}  // namespace

bool Jobs::is_ours(std::string_view job) const {
  const auto parts = http::split_url(job);
  return parts && http::origin_of(std::string(job)) == http::origin_of(base_) && says(job, "/async/") &&
         job.find_first_of("?#") == std::string_view::npos;
}

std::string Jobs::address_of(const std::string& id, std::string said) const {
  if (is_ours(said)) return said;
  // A service behind another server may write the name or the scheme that it itself is called by.
  const auto is_letter = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  };
  return !id.empty() && std::ranges::all_of(id, is_letter) ? base_ + "/async/" + id : std::string();
}

Jobs::Login Jobs::login() const {
  Login login;
  http::Request place;
  do {
    login.scope = scope_();
    place = {};
    place.url = base_ + "/async";
    authorize_(place);
  } while (login.scope != scope_());  // it changed in between
  login.headers = std::move(place.headers);
  return login;
}

Result<http::Response> Jobs::get(const std::string& url, const Login& login, const std::stop_token& stop) {
  http::Request request;
  request.url = url;
  request.headers = login.headers;
  request.body_decides = true;
  return fetcher_.fetch({std::move(request)}, stop);
}

Result<std::vector<uws::JobReference>> Jobs::listed(const Login& login, const std::stop_token& stop) {
  const Result<http::Response> answer = get(base_ + "/async", login, stop);
  if (!answer) return tl::unexpected<Error>(answer.error());
  auto jobs = uws::parse_jobs(answer->body);
  if (!jobs && answer->head.status >= 400) return tl::unexpected<Error>(refusal(*answer));
  return jobs;
}

std::optional<std::string> Jobs::named(const std::string& run_id,
                                       const std::vector<uws::JobReference>& jobs) const {
  const auto found = std::ranges::find(jobs, run_id, &uws::JobReference::run_id);
  if (found == jobs.end()) return std::nullopt;
  return address_of(found->id, found->address);
}

Result<std::string> Jobs::create(const JobTerms& terms, const std::string& run_id, const Login& login,
                                 bool& none, const std::stop_token& stop) {
  http::Request request;
  request.method = http::Method::post;
  request.url = base_ + "/async";
  request.headers = login.headers;
  request.headers.push_back({"Content-Type", "application/x-www-form-urlencoded"});
  request.body = fmt::format("REQUEST=doQuery&LANG={}&QUERY={}&RESPONSEFORMAT={}&RUNID={}&PHASE=RUN",
                             url::encode_component(terms.language), url::encode_component(terms.query),
                             url::encode_component(terms.format), run_id);
  if (terms.most_rows) request.body += fmt::format("&MAXREC={}", *terms.most_rows);
  if (!terms.queue.empty()) request.body += "&QUEUE=" + url::encode_component(terms.queue);
  request.body_decides = true;
  request.only_once = true;
  const Result<http::Response> answer = fetcher_.fetch({std::move(request)}, stop);
  none = !answer && answer.error().code == Errc::denied;
  // An answer that was lost on its way may be that of a job that was made.
  if (!answer && !none) {
    const auto jobs = listed(login, stop);
    const auto job = jobs ? named(run_id, *jobs) : std::nullopt;
    if (job && !job->empty()) return *job;
    // A service that is slow to answer may be making it yet.
    none = jobs && !job && answer.error().code != Errc::timed_out;
  }
  if (!answer && answer.error().code == Errc::not_found)
    return fail(Errc::unavailable, "the service takes no jobs: " + answer.error().message);
  if (!answer) return tl::unexpected<Error>(answer.error());
  // Redirected to the job's own document.
  const auto made = uws::parse_job(answer->body);
  if (!made) {
    Error refused = refusal(*answer);
    none = refused.code == Errc::denied || refused.code == Errc::invalid ||
           says(refused.message, "service says");
    return tl::unexpected<Error>(std::move(refused));
  }
  std::string job = address_of(made->id, answer->head.url);
  if (job.empty()) return fail(Errc::corrupt, "the service does not say where its job is");
  return job;
}

Result<uws::Job> Jobs::wait_for(const std::string& job, const Login& login, const std::stop_token& stop) {
  int failures = 0;
  milliseconds waited{0};
  bool is_run = false;
  for (milliseconds next = kFirstPause; waited < kLongestJob;
       waited += next, next = std::min(next * 3 / 2, kLongestPause)) {
    const Result<http::Response> answer = get(job, login, stop);
    const Result<uws::Job> state = !answer ? Result<uws::Job>(tl::unexpected<Error>(answer.error()))
                                   : answer->head.status >= 400
                                       ? Result<uws::Job>(tl::unexpected<Error>(refusal(*answer)))
                                       : uws::parse_job(answer->body);
    if (state && uws::is_over(state->phase)) return state;
    // Not every service lets a job run that is told so while it is made.
    if (state && state->phase == uws::Phase::pending && !std::exchange(is_run, true)) {
      if (auto run = post(job + "/phase", "PHASE=RUN", login, stop); !run)
        log::info("the job {} does not run yet: {}", job, run.error().message);
    }
    failures = state ? 0 : failures + 1;
    const bool final =
        !state && (state.error().code == Errc::denied || state.error().code == Errc::not_found);
    if (final || failures >= kMostFailures) return state;
    if (!pause(next, stop)) return fail(Errc::interrupted, "the mount is ending");
  }
  return fail(Errc::timed_out, "the service's job takes too long");
}

Result<JobResult> Jobs::follow(const std::string& job, const JobTerms& terms, const Login& login,
                               const std::stop_token& stop) {
  const Result<uws::Job> state = wait_for(job, login, stop);
  if (!state) return tl::unexpected<Error>(state.error());
  if (state->phase != uws::Phase::completed) return tl::unexpected<Error>(failure_of(*state));
  // The list of results is not to be trusted: Daiquiri fills it before there are any.
  http::Request request;
  request.url = job + "/results/" + (terms.result.empty() ? terms.format : terms.result);
  request.large = http::LargeBody{terms.largest, kLongestAnswer};
  request.headers = login.headers;
  request.body_decides = terms.format == kBinaryVotable;
  Result<http::Response> answer = fetcher_.fetch({std::move(request)}, stop);
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (answer->head.status >= 400) return tl::unexpected<Error>(refusal(*answer));
  JobResult result{std::move(answer->body), std::nullopt};
  if (const auto rows = state->parameters.find("nrows"); rows != state->parameters.end())
    result.rows = number_in<std::uint64_t>(rows->second);
  return result;
}

Result<void> Jobs::post(const std::string& url, std::string_view what, const Login& login,
                        const std::stop_token& stop, std::optional<milliseconds> patience) {
  http::Request request;
  request.patience = patience;
  request.method = http::Method::post;
  request.url = url;
  request.headers = login.headers;
  request.headers.push_back({"Content-Type", "application/x-www-form-urlencoded"});
  request.body = what;
  request.body_decides = true;
  const Result<http::Response> answer = fetcher_.fetch({std::move(request)}, stop);
  if (!answer) return tl::unexpected<Error>(answer.error());
  const int status = answer->head.status;
  if (status == 404 || status == 410) return fail(Errc::not_found, "the service has no such job");
  return status < 400 ? Result<void>{} : tl::unexpected<Error>(refusal(*answer));
}

Result<bool> Jobs::remove(const std::string& job, const Login& login, const std::stop_token& stop,
                          std::optional<milliseconds> patience) {
  const auto removed = post(job, "ACTION=DELETE", login, stop, patience);
  if (removed) return true;
  if (removed.error().code == Errc::not_found) return false;
  // It leads on to the list of jobs, which not every service shows to everybody: the job itself tells.
  if (removed.error().code == Errc::denied) {
    const Result<http::Response> left = get(job, login, stop);
    if (left ? left->head.status == 404 : left.error().code == Errc::not_found) return true;
  }
  return tl::unexpected<Error>(removed.error());
}

Result<JobResult> Jobs::run(const JobTerms& terms, const std::stop_token& stop) {
  const std::string run_id = new_run_id();
  // To the end: whoever comes meanwhile is not shown this job.
  const Login login = this->login();
  if (errands_ != nullptr) {
    // A job that could not be ended after a crash is not begun.
    if (auto noted = errands_->note(run_id, note_of("", login.scope)); !noted)
      return tl::unexpected<Error>(noted.error());
  }
  bool none = false;
  Result<std::string> job = create(terms, run_id, login, none, stop);
  for (milliseconds waited{0}, next = kFirstPause;
       !job && says(job.error().message, kTooManyJobs) && waited < kLongestQueue && pause(next, stop);
       waited += next, next = std::min(next * 3 / 2, kLongestPause))
    job = create(terms, run_id, login, none, stop);
  if (!job) {
    if (errands_ != nullptr && none) errands_->done(run_id);
    return tl::unexpected<Error>(job.error());
  }
  const std::string note = note_of(*job, login.scope);
  if (errands_ != nullptr) {
    if (auto noted = errands_->note(run_id, note); !noted)
      log::warning("the job {} would outlive a crash: {}", *job, noted.error().message);
  }
  Result<JobResult> result = follow(*job, terms, login, stop);
  // A job that is gone says nothing about what it was to find.
  if (!result && result.error().code == Errc::not_found)
    result = fail(Errc::unavailable, "the service has lost its job: " + result.error().message);
  // Also one that nobody wants any more: it is asked for as long as the network is there. The end of the
  // mount waits a moment for it; what is left then is noted.
  const auto patience = stop.stop_requested() ? std::optional(kLastPatience) : std::nullopt;
  const Result<bool> removed = remove(*job, login, {}, patience);
  if (!removed) log::warning("the job {} is not deleted yet: {}", *job, removed.error().message);
  if (errands_ == nullptr) return result;
  if (removed) {
    errands_->done(run_id);
    end_those_left(stop, login);  // the service listens
  } else {
    const MutexLock lock(mutex_);
    left_[run_id] = note;
  }
  return result;
}

void Jobs::attach(Errands& errands) {
  errands_ = &errands;
  const MutexLock lock(mutex_);
  left_ = errands.open();
  std::erase_if(left_, [](const auto& note) { return !note.first.starts_with(kRunPrefix); });
}

bool Jobs::is_ended(const std::string& run_id, const std::string& noted, const Login& login,
                    const Result<std::vector<uws::JobReference>>& jobs, const std::stop_token& stop) {
  const auto [address, scope] = read_note(noted);
  // Who is somebody else does not see the job: to him it is not there.
  const bool would_see = scope.empty() || scope == login.scope;
  std::string job(address);
  if (job.empty()) {
    if (!jobs) return false;
    const auto found = named(run_id, *jobs);
    if (!found) return would_see;
    job = *found;
  }
  if (!is_ours(job)) return false;
  const Result<bool> removed = remove(job, login, stop);
  const bool is_gone = removed && (*removed || would_see);
  log::info("a job that was left, {}, is {}", job, is_gone ? "deleted" : "not deleted yet");
  return is_gone;
}

void Jobs::end_those_left(const std::stop_token& stop) {
  end_those_left(stop, std::nullopt);
}

void Jobs::end_those_left(const std::stop_token& stop, const std::optional<Login>& of_whom) {
  const Login login = of_whom ? *of_whom : this->login();
  std::map<std::string, std::string> left;
  {
    const MutexLock lock(mutex_);
    std::erase_if(left_, [&](const auto& note) {
      const bool is_asked = !of_whom || read_note(note.second).second == login.scope;
      if (is_asked) left.insert(note);
      return is_asked;
    });
  }
  // One question for all whose addresses are not known: while a service was down there may be many.
  const bool want_names =
      std::ranges::any_of(left, [](const auto& note) { return read_note(note.second).first.empty(); });
  const auto jobs = want_names ? listed(login, stop) : std::vector<uws::JobReference>{};
  std::erase_if(left, [&](const auto& note) {
    if (!is_ended(note.first, note.second, login, jobs, stop)) return false;
    errands_->done(note.first);
    return true;
  });
  const MutexLock lock(mutex_);
  left_.merge(left);
}

}  // namespace astrofs::tap
