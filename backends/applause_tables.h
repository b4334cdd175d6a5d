// Tables of the sources on a plate, of asynchronous jobs: as CSV, and the same rows as FITS. Both are made of
// one job's answer, which is kept for a moment, for whoever looks at one of them mostly reads both. Part of
// type "applause". Blocks; any thread.
#pragma once

#include <map>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "backends/applause_plates.h"
#include "backends/format/fits_table.h"
#include "backends/kept_texts.h"
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
      : plates_(plates), jobs_(jobs), kept_(clock, {kMostKept, kJobs}) {}

  /// A line of names and one for each row; NULL is an empty cell. Errc::corrupt: not all rows came.
  [[nodiscard]] Result<std::string> csv(std::string_view table, PlateId plate, const std::stop_token& stop)
      EXCLUDES(mutex_);
  [[nodiscard]] Result<std::string> fits(std::string_view table, PlateId plate, const std::stop_token& stop)
      EXCLUDES(mutex_);
  /// Who asks now may be told other rows.
  void forget_all() { kept_.forget_all(); }
  /// Gives back the memory of what nobody reads any more.
  void forget_old() { kept_.forget_old(); }

 private:
  /// Of all that is kept: what a dense plate has, twice.
  static constexpr std::size_t kMostKept = 512ULL << 20;
  /// Who has no token may have one at a time.
  static constexpr unsigned kJobs = 1;

  [[nodiscard]] Result<KeptTexts::Text> rows(std::string_view table, PlateId plate,
                                             const std::stop_token& stop);
  [[nodiscard]] Result<std::string> fetch(std::string_view table, PlateId plate, const std::stop_token& stop);
  [[nodiscard]] Result<std::vector<FitsColumn>> columns(const std::string& table, PlateId plate,
                                                        const std::stop_token& stop) EXCLUDES(mutex_);

  const Plates& plates_;
  tap::Jobs& jobs_;
  KeptTexts kept_;
  Mutex mutex_;
  std::map<std::string, std::vector<FitsColumn>> columns_ GUARDED_BY(mutex_);
};

}  // namespace astrofs::applause
