// APPLAUSE as the stand-in archive plays it: TAP of Daiquiri under /tap, files under /files, and a login
// page. Owned by an ArchiveSim; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/daiquiri_jobs.h"
#include "tests/support/plate_shelf.h"
#include "tests/support/sim_faults.h"
#include "tests/support/sim_reply.h"

namespace astrofs::sim {

/// The only token that is valid.
inline constexpr const char* kPlateToken = "0123456789abcdef0123456789abcdef01234567";

class Daiquiri {
 public:
  explicit Daiquiri(const PlateOptions& options) : shelf_(options), jobs_(shelf_) {}

  [[nodiscard]] static bool knows(std::string_view path);
  [[nodiscard]] Reply reply(const HttpRequest& request, const std::vector<Fault>& faults) EXCLUDES(mutex_);
  /// /_sim/applause: POST changes the settings, GET tells of jobs and tokens.
  [[nodiscard]] Reply control(const HttpRequest& request) EXCLUDES(mutex_);
  [[nodiscard]] DaiquiriSettings settings() const EXCLUDES(mutex_);
  void set(const DaiquiriSettings& settings) EXCLUDES(mutex_);
  [[nodiscard]] DaiquiriJobs& jobs() { return jobs_; }
  [[nodiscard]] const PlateShelf& shelf() const { return shelf_; }

 private:
  [[nodiscard]] Reply file(const HttpRequest& request, const std::vector<Fault>& faults) EXCLUDES(mutex_);
  [[nodiscard]] Reply sync(const HttpRequest& request) const;
  [[nodiscard]] Reply create(const HttpRequest& request, const std::string& owner) EXCLUDES(mutex_);
  [[nodiscard]] Reply job(const HttpRequest& request, const std::string& owner) EXCLUDES(mutex_);
  [[nodiscard]] Reply result(const HttpRequest& request, const JobDocument& job, std::string_view format)
      EXCLUDES(mutex_);

  const PlateShelf shelf_;
  DaiquiriJobs jobs_;
  mutable Mutex mutex_;
  DaiquiriSettings settings_ GUARDED_BY(mutex_);
  std::size_t with_token_ GUARDED_BY(mutex_){0};
  std::size_t without_token_ GUARDED_BY(mutex_){0};
};

}  // namespace astrofs::sim
