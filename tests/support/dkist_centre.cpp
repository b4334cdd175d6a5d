#include "tests/support/dkist_centre.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "tests/support/dkist_collection.h"
#include "tests/support/dkist_download.h"
#include "tests/support/dkist_transfer.h"

namespace astrofs::sim {
namespace {

/// Without a slash at its end.
std::string absolute(const std::string& folder) {
  if (folder.empty()) return folder;
  std::string path = std::filesystem::absolute(folder).lexically_normal().string();
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

}  // namespace

DkistCentre::DkistCentre(const DkistOptions& options)
    : shelf_(options),
      settings_{.https = options.https,
                .need_token = options.need_token,
                .ranges = options.ranges,
                .globus_folder = absolute(options.globus_folder),
                .task_time = options.task_time},
      tasks_(shelf_, [this] { return settings(); }) {}

bool DkistCentre::knows(std::string_view path) {
  constexpr std::array<std::string_view, 5> kPrefixes{"/datasets/", "/download/", "/auth/",
                                                      "/transfer/v0.10/", "/https/"};
  return std::ranges::any_of(kPrefixes, [path](std::string_view prefix) { return path.starts_with(prefix); });
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
  const std::string_view path = request.path;
  const DkistSettings now = settings();
  if (path.starts_with("/datasets/")) return dkist_datasets_reply(request, shelf_);
  if (path.starts_with("/download/")) return dkist_download_reply(request, shelf_, now, faults);
  if (path.starts_with("/auth/")) return auth_.reply(request, now.token_time);
  if (path.starts_with("/https/")) return dkist_collection_reply(request, shelf_, auth_, now, faults);
  if (!auth_.admits(request, DkistScope::transfer))
    return transfer_error(401, "AuthenticationFailed", "Token is not active", path);
  if (DkistTasks::knows(path)) return tasks_.reply(request);
  return dkist_endpoint_reply(request, shelf_, now);
}

}  // namespace astrofs::sim
