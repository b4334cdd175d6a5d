// Asynchronous jobs of the stand-in of Daiquiri: created, run, listed, read, archived. Any thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "tests/support/daiquiri_documents.h"

namespace astrofs::sim {

/// How the service behaves at the moment; changed while it runs.
struct DaiquiriSettings {
  milliseconds job_time{50};
  std::size_t quota{100'000'000};  ///< bytes of results that a user's jobs may keep
  bool need_token{false};          ///< for jobs
  std::string job_error{};         ///< jobs end with this
  std::size_t dropped{0};  ///< rows of each job's result that hold a line break, so that they are left out
  std::string private_path{};   ///< files with this in their path are for users
  std::string lost_path{};      ///< and these are gone
  std::string emptied_table{};  ///< "applause_dr4.preview": synchronous answers have no row of it
  std::string refused_table{};  ///< synchronous questions for it are refused
};

class DaiquiriJobs {
 public:
  explicit DaiquiriJobs(const PlateShelf& shelf) : shelf_(shelf) {}

  struct Order {
    std::string owner, query, run_id;
    std::size_t most_rows{0};  ///< 0: no bound
    bool run{false};
  };
  /// Its id; Errc::invalid with the service's words when it is refused.
  [[nodiscard]] Result<std::string> create(const Order& order, const DaiquiriSettings& settings)
      EXCLUDES(mutex_);
  /// nullopt: not this owner's. `url` is left to the caller.
  [[nodiscard]] std::optional<JobDocument> document(const std::string& id, const std::string& owner,
                                                    const DaiquiriSettings& settings) EXCLUDES(mutex_);
  void run(const std::string& id) EXCLUDES(mutex_);
  void abort(const std::string& id) EXCLUDES(mutex_);
  /// The table is dropped, the quota free.
  void archive(const std::string& id) EXCLUDES(mutex_);
  /// What a completed job has found, as asynchronous answers write it; `files` is where paths lead.
  [[nodiscard]] std::optional<QueryAnswer> result(const std::string& id, const std::string& files,
                                                  const DaiquiriSettings& settings) EXCLUDES(mutex_);
  /// Of this owner, without those that are archived.
  [[nodiscard]] std::vector<JobDocument> all(const std::string& owner, const DaiquiriSettings& settings)
      EXCLUDES(mutex_);
  [[nodiscard]] std::size_t created() const EXCLUDES(mutex_);
  [[nodiscard]] std::size_t unarchived() const EXCLUDES(mutex_);

 private:
  struct Job {
    std::string owner, query, run_id, phase{"PENDING"};
    SteadyTime began{};
    std::size_t most_rows{0}, rows{0}, size{0};
  };
  [[nodiscard]] JobDocument describe(const std::string& id, Job& job, const DaiquiriSettings& settings) const
      REQUIRES(mutex_);

  const PlateShelf& shelf_;
  mutable Mutex mutex_;
  std::map<std::string, Job> jobs_ GUARDED_BY(mutex_);
};

}  // namespace astrofs::sim
