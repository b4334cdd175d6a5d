// Type "tess": the full-frame images of TESS by sector, camera and CCD, and the models of its pixel response.
//
//   <sector>/<camera>/<ccd>/NAME         sector unpadded, as its users write it
//   prf/<set>/cam<c>_ccd<d>/NAME
//   <sector>/targets/<TIC>/NAME          its 2-minute targets: tess_sector_targets.h
//   tic/<TIC>/NAME                       a target's products of all sectors: tess_targets.h
//
// A directory's locator is its path as above. A file's locator is its path in the archive:
// "ffi/s0004/2018/292/1-1/NAME", "prf/start_s0001/cam1_ccd1/NAME"; that and the name are all that its URLs on
// S3, the archive and MAST are made of. Owned by the mount. Any thread: immutable but for one atomic in
// TessListing and what Targets remembers.
#pragma once

#include <string>

#include "backends/archive.h"
#include "backends/http/fetcher.h"
#include "backends/tess_listing.h"
#include "backends/tess_sector_targets.h"
#include "backends/tess_targets.h"
#include "base/clock.h"

namespace astrofs {

class TessArchive final : public Archive {
 public:
  /// `fetcher` and `clock` outlive the archive. Sets the budgets of the three hosts.
  TessArchive(tess::Sources sources, tess::Kinds kinds, http::Fetcher& fetcher, const Clock& clock);

  [[nodiscard]] Result<std::variant<Listing, NotModified>> list(std::string_view dir, std::string_view token,
                                                                std::stop_token stop) override;
  [[nodiscard]] bool finds(std::string_view dir) const override {
    return dir.empty() || dir == tess::kTargets;
  }
  /// A sector by its number, before a listing of the root shows it; any target that was observed.
  [[nodiscard]] Result<std::optional<Entry>> find(std::string_view dir, std::string_view name,
                                                  std::stop_token stop) override;
  /// Names of an FFI whose stamp is up to three seconds away: reprocessing moved stamps by 0 to 2 s.
  [[nodiscard]] std::vector<std::string> other_names(std::string_view name) const override;
  [[nodiscard]] Result<std::vector<http::Request>> locate(std::string_view locator) override;
  /// MAST's tables of a target.
  [[nodiscard]] bool makes(std::string_view locator) const override {
    return tess::Targets::is_table(locator);
  }
  [[nodiscard]] Result<std::string> make(std::string_view locator, std::stop_token stop) override;
  [[nodiscard]] std::string validator_origin() const override;
  [[nodiscard]] std::optional<Digest> digest(std::string_view validator) const override;
  [[nodiscard]] Result<FrameShape> shape(std::string_view locator) const override;
  [[nodiscard]] std::string family(std::string_view locator) const override;
  [[nodiscard]] std::string twin(std::string_view locator) const override;
  [[nodiscard]] Result<FrameShape> shape_like(std::string_view locator,
                                              const TableModel& model) const override;

 private:
  Result<std::vector<Entry>> list_root(std::stop_token stop) const;
  /// Entries of "4/targets" and "4/targets/25132999".
  Result<std::vector<Entry>> list_sector_targets(std::string_view dir, std::stop_token stop) const;
  [[nodiscard]] std::chrono::seconds good_for_chip(const std::vector<Entry>& frames) const;

  const tess::Sources sources_;
  const Clock& clock_;
  tess::TessListing listing_;
  tess::Targets targets_;
  const tess::SectorTargets sector_targets_;
};

}  // namespace astrofs
