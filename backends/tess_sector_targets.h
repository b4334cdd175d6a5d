// The 2-minute targets of a sector: the part "<sector>/targets" of type "tess". Which there are, the bulk
// script of light curves says; what one of them has, S3 with sizes, else the scripts, those of validations
// over several sectors that end with this one too. Locators of directories are "4/targets" and
// "4/targets/25132999", of files as in tess_targets.h. Part of TessArchive; blocks; any thread but the
// client's.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string_view>
#include <vector>

#include "backends/archive.h"
#include "backends/http/fetcher.h"
#include "backends/source_order.h"
#include "backends/tess_listing.h"
#include "backends/tess_target_script.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/mutex.h"

namespace astrofs::tess {

inline constexpr std::string_view kSectorTargets = "targets";

class SectorTargets {
 public:
  /// `fetcher` and `clock` outlive this.
  SectorTargets(Sources sources, http::Fetcher& fetcher, const Clock& clock)
      : sources_(std::move(sources)), fetcher_(fetcher), clock_(clock) {}

  /// False: no source is configured that can say which targets a sector has.
  [[nodiscard]] bool usable() const { return !sources_.archive.empty(); }
  /// A directory for each target; none where the sector has no script of light curves.
  [[nodiscard]] Result<std::vector<Entry>> targets(unsigned sector, std::stop_token stop) const;
  /// not_found: the sector has no such target.
  [[nodiscard]] Result<std::vector<Entry>> products(unsigned sector, std::uint64_t tic,
                                                    std::stop_token stop) const;

 private:
  Result<std::vector<Entry>> from_s3(unsigned sector, std::uint64_t tic, std::stop_token stop) const;
  Result<std::vector<Entry>> from_scripts(unsigned sector, std::uint64_t tic, std::stop_token stop) const;
  Result<std::vector<SectorRun>> runs(std::stop_token stop) const EXCLUDES(mutex_);

  const Sources sources_;
  http::Fetcher& fetcher_;
  const Clock& clock_;
  mutable Mutex mutex_;
  mutable std::vector<SectorRun> runs_ GUARDED_BY(mutex_);  ///< that have scripts, as was said at `asked_`
  mutable std::optional<SteadyTime> asked_ GUARDED_BY(mutex_);
  const SourceOrder order_{"TESS targets"};
};

}  // namespace astrofs::tess
