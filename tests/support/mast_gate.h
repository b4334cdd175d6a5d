// Who may see what of MAST, as the stand-in archive plays it: the users' tokens, and "whoami". Owned by an
// ArchiveSim; any thread.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "tests/support/sim_http.h"
#include "tests/support/sim_reply.h"

namespace astrofs::sim {

/// Valid from the start.
inline constexpr std::string_view kMastToken = "5afe0000c0de4bad8f00d5eed0fac111";

class MastGate {
 public:
  [[nodiscard]] static bool knows(std::string_view path) { return path == "/whoami"; }
  [[nodiscard]] Reply reply(const HttpRequest& request) const EXCLUDES(mutex_);

  /// The request comes from a user: "Authorization: token ..." or the cookie "mast_token".
  [[nodiscard]] bool admits(const HttpRequest& request) const EXCLUDES(mutex_);
  void add_token(const std::string& token) EXCLUDES(mutex_);
  /// Nobody is admitted any more.
  void revoke() EXCLUDES(mutex_);

 private:
  mutable Mutex mutex_;
  std::set<std::string, std::less<>> tokens_ GUARDED_BY(mutex_){std::string(kMastToken)};
};

}  // namespace astrofs::sim
