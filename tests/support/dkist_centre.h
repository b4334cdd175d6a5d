// The DKIST data centre and the Globus services in front of it, as the stand-in archive plays them: search,
// downloads, login, Transfer, collection HTTPS. Owned by an ArchiveSim; any thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "tests/support/dkist_auth.h"
#include "tests/support/dkist_dataset.h"
#include "tests/support/dkist_settings.h"
#include "tests/support/dkist_shelf.h"
#include "tests/support/dkist_tasks.h"
#include "tests/support/sim_faults.h"
#include "tests/support/sim_reply.h"

namespace astrofs::sim {

class DkistCentre {
 public:
  explicit DkistCentre(const DkistOptions& options);

  /// Whether it answers this path.
  [[nodiscard]] static bool knows(std::string_view path);
  [[nodiscard]] Reply reply(const HttpRequest& request, const std::vector<Fault>& faults) EXCLUDES(mutex_);
  /// /_sim/dkist: GET tells how things are, POST changes them (README).
  [[nodiscard]] Reply control(const HttpRequest& request) EXCLUDES(mutex_);

  [[nodiscard]] DkistShelf& shelf() { return shelf_; }
  [[nodiscard]] DkistAuth& auth() { return auth_; }
  [[nodiscard]] const DkistTasks& tasks() const { return tasks_; }
  /// nullptr: no such dataset.
  [[nodiscard]] DatasetPtr dataset(std::string_view id) const { return shelf_.find(id); }
  bool change(std::string_view id, const std::function<void(DkistDataset&)>& how) {
    return shelf_.change(id, how);
  }
  [[nodiscard]] DkistSettings settings() const EXCLUDES(mutex_);
  void set(const std::function<void(DkistSettings&)>& how) EXCLUDES(mutex_);

 private:
  DkistShelf shelf_;
  DkistAuth auth_;
  mutable Mutex mutex_;
  DkistSettings settings_ GUARDED_BY(mutex_);
  DkistTasks tasks_;  ///< last: their threads use all of the above
};

}  // namespace astrofs::sim
