// What is in a directory of the light-curve pipelines, from the first of three sources that can say: S3
// (exact sizes and validators), the bulk download scripts (names only), the archive's directory pages (names
// only). Part of HlspArchive. Blocks; any thread but the client's.
#pragma once

#include <map>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "backends/archive.h"
#include "backends/format/hlsp_names.h"
#include "backends/http/fetcher.h"
#include "backends/script_folders.h"
#include "backends/source_order.h"
#include "backends/stsci_hosts.h"
#include "base/clock.h"
#include "base/error.h"

namespace astrofs::hlsp {

/// A directory of a sector, or a pipeline's own.
struct Folder {
  Pipeline pipeline{Pipeline::qlp};
  unsigned sector{0};  ///< 0: the pipeline's own directory
  std::string below;   ///< of the sector's directory: "" or "cam1-ccd1/0063"
  /// "tglc/s0001/cam1-ccd1/0063"
  [[nodiscard]] std::string path() const;
};

class HlspListing {
 public:
  /// `fetcher` and `clock` outlive this.
  HlspListing(StsciHosts sources, http::Fetcher& fetcher, const Clock& clock);

  /// Numbers of the sectors that a pipeline has, in order.
  [[nodiscard]] Result<std::vector<unsigned>> sectors(Pipeline pipeline, std::stop_token stop) const;
  /// Locators are paths.
  [[nodiscard]] Result<std::vector<Entry>> entries(const Folder& folder, std::stop_token stop);
  /// Files of a target, all its sectors asked at once; none: empty. Those of TGLC are named after stars of
  /// Gaia: which star a target is MAST says.
  [[nodiscard]] Result<std::vector<Entry>> target(Pipeline pipeline, std::uint64_t tic,
                                                  std::stop_token stop) const;

 private:
  using Answers = std::vector<Result<std::vector<Entry>>>;
  /// One answer for each directory; not_found where there is none.
  [[nodiscard]] Answers from_s3(const std::vector<std::string>& paths, std::stop_token stop) const;
  [[nodiscard]] Answers from_pages(const std::vector<std::string>& paths, std::stop_token stop) const;
  [[nodiscard]] Result<std::vector<Entry>> from_script(const Folder& folder, std::stop_token stop);
  [[nodiscard]] Result<std::vector<Entry>> stars(std::uint64_t tic, std::stop_token stop) const;
  [[nodiscard]] Result<std::vector<Entry>> from_image_scripts(const Folder& folder,
                                                              std::stop_token stop) const;
  [[nodiscard]] const SourceOrder& order(Pipeline pipeline) const;

  const StsciHosts sources_;
  http::Fetcher& fetcher_;
  ScriptTrees scripts_;
  std::map<Pipeline, SourceOrder> orders_;  ///< S3 may have one pipeline and not the other
};

}  // namespace astrofs::hlsp
