// Tasks of the Transfer service: /transfer/v0.10/submission_id, /transfer, /task/ID. Owned by the
// DkistCentre; any thread.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "tests/support/dkist_task.h"
#include "tests/support/sim_reply.h"

namespace astrofs::sim {

class DkistTasks {
 public:
  DkistTasks(DkistShelf& shelf, DkistTask::Settings settings)
      : shelf_(shelf), settings_(std::move(settings)) {}

  [[nodiscard]] static bool knows(std::string_view path);
  [[nodiscard]] Reply reply(const HttpRequest& request) EXCLUDES(mutex_);
  [[nodiscard]] std::size_t count() const EXCLUDES(mutex_);
  /// E-mails that their user got.
  [[nodiscard]] std::size_t mails() const EXCLUDES(mutex_);

 private:
  [[nodiscard]] Reply submit(const HttpRequest& request) EXCLUDES(mutex_);
  [[nodiscard]] Reply look(const HttpRequest& request) EXCLUDES(mutex_);
  /// A version-4 UUID in form only: the next number.
  [[nodiscard]] std::string new_id() REQUIRES(mutex_);

  DkistShelf& shelf_;
  const DkistTask::Settings settings_;
  mutable Mutex mutex_;
  int last_ GUARDED_BY(mutex_){0};
  std::map<std::string, std::string> submissions_ GUARDED_BY(mutex_);  ///< submission -> task
  std::map<std::string, std::shared_ptr<DkistTask>> tasks_ GUARDED_BY(mutex_);
};

}  // namespace astrofs::sim
