// Type "hlsp": what the pipelines TGLC, QLP, TESS-SPOC and TICA made of TESS' full-frame images.
//
//   {tglc,qlp,tess-spoc,tica}/s<SSSS>/...           directories and names as the archive has them
//   {tglc,qlp,tess-spoc}/s<SSSS>/target_list.csv    the archive's file
//   {tglc,qlp,tess-spoc}/by-target/<TIC>/NAME       a target's files of all sectors; found by its number and
//                                                   listed from then on
//   {tglc,qlp,tess-spoc}/by-target/<TIC>/NAME.hdf5  each curve in the form that hlsp_standard.h describes
//   {tglc,qlp,tess-spoc}/s<SSSS>/standard/...       and those of a pixel together
//
// A locator is the path. A file's is what S3 has behind "mast/hlsp/", the archive behind "/hlsps/" and MAST
// behind "mast:HLSP/"; "qlp/s0023/target_list.csv" lies elsewhere. Owned by the mount; any thread.
#pragma once

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "backends/archive.h"
#include "backends/hlsp_listing.h"
#include "backends/hlsp_standard.h"
#include "backends/http/fetcher.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace astrofs {

class HlspArchive final : public Archive {
 public:
  /// `fetcher` and `clock` outlive the archive. Sets the budgets of the three hosts.
  HlspArchive(StsciHosts sources, http::Fetcher& fetcher, const Clock& clock);

  void attach(const OwnFiles& files) override;
  [[nodiscard]] Result<std::variant<Listing, NotModified>> list(std::string_view dir, std::string_view token,
                                                                std::stop_token stop) override;
  [[nodiscard]] bool finds(std::string_view dir) const override;
  /// In "by-target" a target by its TIC.
  [[nodiscard]] Result<std::optional<Entry>> find(std::string_view dir, std::string_view name,
                                                  std::stop_token stop) override;
  [[nodiscard]] Result<std::vector<http::Request>> locate(std::string_view locator) override;
  [[nodiscard]] bool builds(std::string_view locator) const override;
  [[nodiscard]] bool builds_offline(std::string_view locator) const override;
  [[nodiscard]] bool lists_offline(std::string_view dir) const override;
  [[nodiscard]] Result<Recipe> recipe(std::string_view locator, std::stop_token stop) override;
  [[nodiscard]] std::string validator_origin() const override;
  [[nodiscard]] std::optional<Digest> digest(std::string_view validator) const override;
  [[nodiscard]] Result<FrameShape> shape(std::string_view locator) const override;
  [[nodiscard]] std::string family(std::string_view locator) const override;
  [[nodiscard]] std::string twin(std::string_view locator) const override;
  [[nodiscard]] Result<FrameShape> shape_like(std::string_view locator,
                                              const TableModel& model) const override;

 private:
  using Entries = std::vector<Entry>;
  [[nodiscard]] bool has_targets(hlsp::Pipeline pipeline) const;
  Result<Entries> list_sectors(hlsp::Pipeline pipeline, std::stop_token stop) const;
  Result<Entries> list_folder(const hlsp::Folder& folder, std::stop_token stop);
  Result<Entries> target(std::string_view dir, std::stop_token stop) EXCLUDES(mutex_);

  const StsciHosts sources_;
  const Clock& clock_;
  hlsp::HlspListing listing_;
  hlsp::StandardFiles standard_;

  struct Recent {
    std::string dir;
    SteadyTime asked;
    Entries entries;
  };
  Mutex mutex_;
  /// A target is found, and then listed: what the one learnt the other need not ask again.
  std::deque<Recent> recent_ GUARDED_BY(mutex_);
};

}  // namespace astrofs
