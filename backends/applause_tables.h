// Tables of the sources on a plate, of asynchronous jobs: as CSV, and the same rows as FITS. Both are made of
// one job's answer, which is kept for a moment, for whoever looks at one of them mostly reads both. Part of
// type "applause". Blocks; any thread.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "backends/applause_plates.h"
#include "backends/format/fits_table.h"
#include "backends/tap_jobs.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace astrofs::applause {

/// "source" and "source_calib".
[[nodiscard]] bool is_source_table(std::string_view table);

class SourceTables {
 public:
  /// All outlive it.
  SourceTables(const Plates& plates, tap::Jobs& jobs, const Clock& clock)
      : plates_(plates), jobs_(jobs), clock_(clock) {}

  /// A line of names and one for each row; NULL is an empty cell. Errc::corrupt: not all rows came.
  [[nodiscard]] Result<std::string> csv(std::string_view table, PlateId plate, const std::stop_token& stop)
      EXCLUDES(mutex_);
  [[nodiscard]] Result<std::string> fits(std::string_view table, PlateId plate, const std::stop_token& stop)
      EXCLUDES(mutex_);

 private:
  using Text = std::shared_ptr<const std::string>;
  [[nodiscard]] Result<Text> rows(std::string_view table, PlateId plate, const std::stop_token& stop)
      EXCLUDES(mutex_);
  [[nodiscard]] Result<std::string> fetch(std::string_view table, PlateId plate, const std::stop_token& stop);
  [[nodiscard]] Result<std::vector<FitsColumn>> columns(const std::string& table, PlateId plate,
                                                        const std::stop_token& stop) EXCLUDES(mutex_);
  void keep(const std::string& key, Text text) REQUIRES(mutex_);

  struct Kept {
    Text text;
    SteadyTime since{};
  };
  const Plates& plates_;
  tap::Jobs& jobs_;
  const Clock& clock_;
  Mutex mutex_;
  std::condition_variable turn_;
  bool busy_ GUARDED_BY(mutex_){false};  ///< a job is under way: who has no token may have one at a time
  std::map<std::string, Kept> kept_ GUARDED_BY(mutex_);
  std::map<std::string, std::vector<FitsColumn>> columns_ GUARDED_BY(mutex_);
};

}  // namespace astrofs::applause
