// What S3 and MAST know of one target of TESS, asked side by side: S3 has exact sizes, MAST the tables. Of
// the two, one may be silent, and then it is said what is missing. Where neither names a file and MAST's
// portal is silent, its TAP service is asked. Part of TessArchive. Blocks; any thread but the client's.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "backends/archive.h"
#include "backends/format/mast_json.h"
#include "backends/http/fetcher.h"
#include "backends/s3_pages.h"
#include "backends/tess_listing.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace astrofs::tess {

/// Of files that MAST names and of which nobody says where they lie: "product/NAME".
inline constexpr std::string_view kProduct = "product/";

/// What the keys of products begin with on S3.
inline constexpr std::string_view kBucketRoot = "tess/public/";
struct TargetFiles {
  std::vector<Entry> files;            ///< locators below missions/tess/, or "product/NAME"
  std::string observations, products;  ///< MAST's tables as CSV; "": MAST has no such target, or was silent
  std::optional<Error> silent;         ///< why a source that is configured could not be heard
};

class TargetSources {
 public:
  /// `fetcher` and `clock` outlive this.
  TargetSources(Sources sources, http::Fetcher& fetcher, const Clock& clock)
      : sources_(std::move(sources)), fetcher_(fetcher), clock_(clock) {}

  [[nodiscard]] bool usable() const { return !sources_.s3.empty() || !sources_.mast.empty(); }
  /// nullopt: there is no such target, as all sources say. At most three requests one after the other.
  [[nodiscard]] Result<std::optional<TargetFiles>> ask(std::uint64_t tic, std::stop_token stop)
      EXCLUDES(mutex_);

 private:
  [[nodiscard]] std::vector<unsigned> recent_sectors() const EXCLUDES(mutex_);
  /// Files that TAP names; none where it is silent too.
  void add_from_tap(std::uint64_t tic, TargetFiles& found, std::stop_token stop) const;
  Result<std::vector<unsigned>> sectors_in(const Result<S3Level>& level) EXCLUDES(mutex_);

  const Sources sources_;
  http::Fetcher& fetcher_;
  const Clock& clock_;
  mutable Mutex mutex_;
  std::vector<unsigned> sectors_ GUARDED_BY(mutex_);  ///< that have targets on S3
  SteadyTime asked_ GUARDED_BY(mutex_){};
};

}  // namespace astrofs::tess
