// The login service in front of the made-up data centre: codes with PKCE, access tokens that run out, refresh
// tokens that can be withdrawn. Owned by the DkistCentre; any thread.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/mutex.h"
#include "tests/support/sim_reply.h"

namespace astrofs::sim {

/// What a token opens: listings and tasks, or the bytes of the collection.
enum class DkistScope : unsigned char { transfer, https };

/// Valid from the start, for tests that are not about logging in.
inline constexpr const char* kSimTransferToken = "sim-transfer-token";
inline constexpr const char* kSimHttpsToken = "sim-https-token";
inline constexpr const char* kSimTransferRefresh = "sim-transfer-refresh";
inline constexpr const char* kSimHttpsRefresh = "sim-https-refresh";

class DkistAuth {
 public:
  DkistAuth();

  /// /auth/v2/oauth2/authorize, /auth/v2/oauth2/token, /auth/v2/web/auth-code.
  [[nodiscard]] Reply reply(const HttpRequest& request, seconds token_time) EXCLUDES(mutex_);
  /// Whether the request's Bearer token is one for this, and has not run out.
  [[nodiscard]] bool admits(const HttpRequest& request, DkistScope scope) const EXCLUDES(mutex_);
  /// Every access token has run out.
  void expire() EXCLUDES(mutex_);
  /// And no refresh token gives a new one: the user must log in again.
  void revoke() EXCLUDES(mutex_);

 private:
  using Form = std::map<std::string, std::string>;
  struct Code {
    std::string client, redirect, challenge, scopes;
    bool offline{false};
  };
  struct Access {
    DkistScope scope{};
    SteadyTime until;
  };
  struct Refresh {
    DkistScope scope{};
    std::string client;  ///< "": anybody's
  };
  [[nodiscard]] Reply authorize(Form form) EXCLUDES(mutex_);
  [[nodiscard]] Reply exchange(Form form, seconds token_time) EXCLUDES(mutex_);
  [[nodiscard]] Reply renew(Form form, seconds token_time) EXCLUDES(mutex_);
  [[nodiscard]] std::string new_access(DkistScope scope, seconds token_time) REQUIRES(mutex_);

  mutable Mutex mutex_;
  int last_ GUARDED_BY(mutex_){0};
  std::map<std::string, Code> codes_ GUARDED_BY(mutex_);
  std::map<std::string, Access, std::less<>> accesses_ GUARDED_BY(mutex_);
  std::map<std::string, Refresh> refreshes_ GUARDED_BY(mutex_);
};

}  // namespace astrofs::sim
