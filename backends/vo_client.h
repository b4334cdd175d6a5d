// One service of the Virtual Observatory as its archive asks it: with the login of whoever mounted, where it
// has one, and with what the service says of logins where it refuses an answer. The login goes to the
// configured origin over https and nowhere else, with the first request and not after a refusal; where
// another origin is redirected to, libcurl takes it out. Part of types "obstap", "sia2" and "tap". Any thread
// but the client's.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "backends/http/fetcher.h"
#include "backends/pasted_token.h"
#include "backends/tap.h"
#include "backends/vo_login.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace astrofs {

/// Who asks: nobody by name, where there is no service.
struct VoAccess {
  std::shared_ptr<const TokenService> service;
  std::string file;  ///< of the login
};

class VoClient {
 public:
  /// `url`: of the service, without "/sync". Reads the environment, so before there is a second thread. Both
  /// others outlive it.
  VoClient(std::string url, VoProtocol protocol, VoAccess access, http::Fetcher& fetcher, const Clock& clock);

  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] http::Fetcher& fetcher() const { return fetcher_; }

  /// A query to its TAP. Errors are those of tap::ask(); denied says what may be done about it.
  [[nodiscard]] Result<tap::Answer> ask(tap::Query query, const std::stop_token& stop) EXCLUDES(mutex_);
  /// What services answer at complete addresses, asked side by side; so many rows of each.
  [[nodiscard]] std::vector<Result<tap::Answer>> get(const std::vector<std::string>& addresses,
                                                     std::uint64_t most_rows, const std::stop_token& stop)
      EXCLUDES(mutex_);
  /// Puts the login into a request of this service.
  void sign(http::Request& request) const;
  /// Of a file that one of its answers names.
  [[nodiscard]] http::Request file(std::string address) const;

  /// Asks the service how it knows its users, unless it was asked within the hour. advice() has it then.
  void learn_methods(const std::stop_token& stop) EXCLUDES(mutex_);
  /// What who is denied may do about it.
  [[nodiscard]] std::string advice() const EXCLUDES(mutex_);
  /// Archive::credential_scope(): others may be shown other rows and files.
  [[nodiscard]] std::string scope() const;
  /// True: the login has come, gone or changed. Blocks on the disk.
  bool notice_login() { return token_ && token_->notice(); }

 private:
  [[nodiscard]] Result<tap::Answer> explained(Result<tap::Answer> answer, const std::stop_token& stop)
      EXCLUDES(mutex_);

  const std::string url_;
  const VoProtocol protocol_;
  const std::shared_ptr<const TokenService> service_;
  http::Fetcher& fetcher_;
  const Clock& clock_;
  std::optional<PastedToken> token_;

  mutable Mutex mutex_;
  std::string methods_ GUARDED_BY(mutex_);  ///< what its capabilities say; "" = nothing is known
  std::optional<SteadyTime> learnt_ GUARDED_BY(mutex_);
};

}  // namespace astrofs
