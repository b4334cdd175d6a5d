#include "fs/logins.h"

#include <chrono>

namespace astrofs {
namespace {

/// One that fails is tried again: soon enough for a laptop that wakes up, rarely enough for the service.
constexpr std::chrono::seconds kBetweenTries{60};

}  // namespace

void Logins::look() {
  for (const MountedArchive& each : archives_.all()) {
    each.archive->notice_login();
    if (offline_) continue;
    if (each.archive->takes_up_errands()) {
      (void)turns_.submit(
          &each, [archive = each.archive.get(), stop = stop_.get_token()] { archive->end_errands(stop); });
    }
    if (!each.archive->login_runs_out()) continue;
    const SteadyTime now = clock_.steady();
    const auto tried = tried_.find(&each);
    if (tried != tried_.end() && now - tried->second < kBetweenTries) continue;
    tried_.insert_or_assign(&each, now);
    (void)turns_.submit(
        &each, [archive = each.archive.get(), stop = stop_.get_token()] { archive->renew_login(stop); });
  }
}

}  // namespace astrofs
