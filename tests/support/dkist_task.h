// One Transfer task of the made-up data centre: a thread that copies files of the collection into the user's
// folder, as Globus Connect Personal does: under their last names from the first byte on, so that whoever
// looks meanwhile finds half a file. Owned by DkistTasks; any thread.
#pragma once

#include <condition_variable>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "tests/support/dkist_settings.h"
#include "tests/support/dkist_shelf.h"

namespace astrofs::sim {

struct TaskItem {
  std::string source;       ///< path on the collection
  std::string destination;  ///< path on this machine; "": one that the user's folder does not have
};

struct TaskOrder {
  std::string id, label, source_endpoint, destination_endpoint;
  std::vector<TaskItem> items;
  int sync_level{-1};  ///< -1: copy always; 0 unless it exists, 1 and 2 its size, 3 its content differs
  bool skip_source_errors{false};  ///< else one missing file keeps the task from ever ending
  bool mail_on_success{true}, mail_on_failure{true};
};

class DkistTask {
 public:
  using Settings = std::function<DkistSettings()>;
  DkistTask(TaskOrder order, DkistShelf& shelf, Settings settings);
  ~DkistTask();
  DkistTask(const DkistTask&) = delete;
  DkistTask& operator=(const DkistTask&) = delete;

  void cancel() EXCLUDES(mutex_);
  /// JSON documents of the service.
  [[nodiscard]] std::string document() const EXCLUDES(mutex_);
  [[nodiscard]] std::string events() const EXCLUDES(mutex_);
  [[nodiscard]] std::string skipped_errors() const EXCLUDES(mutex_);
  /// Whether its user got an e-mail about it.
  [[nodiscard]] bool mailed() const EXCLUDES(mutex_);

 private:
  enum class State : unsigned char { active, succeeded, failed };
  struct Trouble {
    std::string code, path;
  };
  void run();
  void copy(const TaskItem& item, std::chrono::nanoseconds time);
  /// False: the task is to end. Time does not pass while the user's computer is not connected.
  bool pass(std::chrono::nanoseconds time) EXCLUDES(mutex_);
  void finish(State state) EXCLUDES(mutex_);

  const TaskOrder order_;
  DkistShelf& shelf_;
  const Settings settings_;
  mutable Mutex mutex_;
  std::condition_variable told_;
  bool ending_ GUARDED_BY(mutex_){false};
  State state_ GUARDED_BY(mutex_){State::active};
  std::size_t transferred_ GUARDED_BY(mutex_){0}, skipped_ GUARDED_BY(mutex_){0};
  std::uint64_t bytes_ GUARDED_BY(mutex_){0};
  std::vector<Trouble> troubles_ GUARDED_BY(mutex_);
  std::jthread thread_;  ///< last: it uses all of the above
};

}  // namespace astrofs::sim
