// Asynchronous questions to a TAP service: a job is made, runs, is read, and is deleted in any case, for what
// a job has found counts against its owner's quota until then. A job is its owner's from beginning to end,
// whoever logs in meanwhile. It is noted before it exists and its address when that is known, so that
// end_those_left() ends what a crash has left behind. Owned by an
// archive; any thread. Blocks.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "backends/errands.h"
#include "backends/format/uws.h"
#include "backends/http/fetcher.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace astrofs::tap {

struct JobTerms {
  std::string query, language, format;
  std::string queue{};                ///< "" = the service's first
  std::uint64_t largest{1ULL << 30};  ///< bytes of the result
  /// MAXREC: beyond it the result says OVERFLOW.
  std::optional<std::uint64_t> most_rows{};
  std::string result{};  ///< its name among the job's results; "" = that of its format
};
struct JobResult {
  std::string body;
  std::optional<std::uint64_t> rows;  ///< as the service counts them
};

class Jobs {
 public:
  /// `base`: of the service, without "/async". `authorize` adds credentials to a request of its host, and
  /// `scope` tells whose they are: others are not shown a job. All outlive it.
  using Authorize = std::function<void(http::Request&)>;
  using Scope = std::function<std::string()>;
  Jobs(std::string base, Authorize authorize, Scope scope, http::Fetcher& fetcher)
      : base_(std::move(base)),
        authorize_(std::move(authorize)),
        scope_(std::move(scope)),
        fetcher_(fetcher) {}

  /// Before the first job: without it nothing survives a crash. What is noted by then is of runs before.
  void attach(Errands& errands) EXCLUDES(mutex_);

  /// Errc::denied, invalid (the service refuses the query), unavailable (the quota is used up, the job was
  /// ended by the service), timed_out.
  [[nodiscard]] Result<JobResult> run(const JobTerms& terms, const std::stop_token& stop);
  /// Deletes the jobs that could not be deleted, of runs before this one too. What cannot be deleted now
  /// stays noted, for the next time that this is called, since another login may, and the next job of its
  /// owner.
  void end_those_left(const std::stop_token& stop) EXCLUDES(mutex_);

 private:
  /// Who asks.
  struct Login {
    std::string scope;
    std::vector<http::Header> headers;
  };
  [[nodiscard]] Login login() const;
  /// `of_whom`: of this owner only.
  void end_those_left(const std::stop_token& stop, const std::optional<Login>& of_whom) EXCLUDES(mutex_);
  /// `none`: is it certain by then that there is no job of this name?
  [[nodiscard]] Result<std::string> create(const JobTerms& terms, const std::string& run_id,
                                           const Login& login, bool& none, const std::stop_token& stop);
  [[nodiscard]] Result<JobResult> follow(const std::string& job, const JobTerms& terms, const Login& login,
                                         const std::stop_token& stop);
  [[nodiscard]] Result<void> post(const std::string& url, std::string_view what, const Login& login,
                                  const std::stop_token& stop,
                                  std::optional<std::chrono::milliseconds> patience = {});
  [[nodiscard]] Result<uws::Job> wait_for(const std::string& job, const Login& login,
                                          const std::stop_token& stop);
  /// Those that whoever asks is shown.
  [[nodiscard]] Result<std::vector<uws::JobReference>> listed(const Login& login,
                                                              const std::stop_token& stop);
  /// Address of the job with that name, "" = it is not told; nullopt: there is none.
  [[nodiscard]] std::optional<std::string> named(const std::string& run_id,
                                                 const std::vector<uws::JobReference>& jobs) const;
  /// false: the service knows of no such job.
  [[nodiscard]] Result<bool> remove(const std::string& job, const Login& login, const std::stop_token& stop,
                                    std::optional<std::chrono::milliseconds> patience = {});
  /// Is there nothing left of the job with this note? `jobs`: those at the service.
  [[nodiscard]] bool is_ended(const std::string& run_id, const std::string& noted, const Login& login,
                              const Result<std::vector<uws::JobReference>>& jobs,
                              const std::stop_token& stop);
  [[nodiscard]] Result<http::Response> get(const std::string& url, const Login& login,
                                           const std::stop_token& stop);
  [[nodiscard]] bool is_ours(std::string_view job) const;
  /// Where the job with this id is: at `said` if that is our host, else where its kind lies there. "" = no
  /// id.
  [[nodiscard]] std::string address_of(const std::string& id, std::string said) const;

  const std::string base_;
  const Authorize authorize_;
  const Scope scope_;
  http::Fetcher& fetcher_;
  Errands* errands_{nullptr};
  Mutex mutex_;
  std::map<std::string, std::string> left_ GUARDED_BY(mutex_);  ///< not deleted yet: note by name
};

}  // namespace astrofs::tap
