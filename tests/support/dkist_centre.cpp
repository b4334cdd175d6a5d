#include "tests/support/dkist_centre.h"

#include <nlohmann/json.hpp>

#include "tests/support/dkist_download.h"

namespace astrofs::sim {

DkistCentre::DkistCentre(const DkistOptions& options)
    : shelf_(options),
      settings_{.https = options.https,
                .need_token = options.need_token,
                .ranges = options.ranges,
                .globus_folder = options.globus_folder,
                .task_time = options.task_time} {}

bool DkistCentre::knows(std::string_view path) {
  return path.starts_with("/datasets/") || path.starts_with("/download/");
}

DkistSettings DkistCentre::settings() const {
  const MutexLock lock(mutex_);
  return settings_;
}

void DkistCentre::set(const std::function<void(DkistSettings&)>& how) {
  const MutexLock lock(mutex_);
  how(settings_);
}

Reply DkistCentre::reply(const HttpRequest& request, const std::vector<Fault>& faults) {
  if (request.path.starts_with("/datasets/")) return dkist_datasets_reply(request, shelf_);
  return dkist_download_reply(request, shelf_, settings(), faults);
}

}  // namespace astrofs::sim
