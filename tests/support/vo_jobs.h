// Asynchronous jobs of the stand-in's TAP service, as the standard of UWS has them: made by a POST that leads
// to the job, looked at, read, deleted. Owned by a VoArchive; any thread.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>

#include "base/mutex.h"
#include "tests/support/sim_reply.h"

namespace astrofs::sim {

struct VoJobSettings {
  bool offered{true};
  bool waits_to_be_run{false};  ///< what a job is told while it is made is not heard
  bool relative{false};         ///< the way to a job is told without a host
  std::size_t looks{0};         ///< a job is done when it was looked at that often
};

class VoJobs {
 public:
  /// Of a job's parameters.
  using Answer = std::function<std::string(const HttpRequest& made_by)>;
  /// `path`: behind ".../async".
  [[nodiscard]] Reply reply(const HttpRequest& request, const std::string& path, const std::string& address,
                            const VoJobSettings& settings, const Answer& answer) EXCLUDES(mutex_);
  /// Jobs that are not deleted, and all there were.
  [[nodiscard]] std::size_t left() const EXCLUDES(mutex_);
  [[nodiscard]] std::size_t made() const EXCLUDES(mutex_);

 private:
  struct Job {
    HttpRequest made_by;
    std::string run_id;
    bool runs{false};
    std::size_t looks{0};
  };
  [[nodiscard]] Reply make(const HttpRequest& request, const std::string& address,
                           const VoJobSettings& settings) EXCLUDES(mutex_);

  mutable Mutex mutex_;
  std::map<std::string, Job> jobs_ GUARDED_BY(mutex_);
  std::size_t made_ GUARDED_BY(mutex_){0};
};

}  // namespace astrofs::sim
