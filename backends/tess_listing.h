// Which sectors TESS has and which frames a chip has, from the first of three sources that can say:
// S3 listings (exact sizes and validators), the bulk download scripts (names only), the archive's directory
// pages (names only). A source is asked only after the one before it could not serve or knows nothing; a
// source's half answer is never used. Part of TessArchive. Any thread.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "backends/archive.h"
#include "backends/http/fetcher.h"
#include "backends/source_order.h"
#include "backends/stsci_hosts.h"
#include "backends/tess_frames.h"
#include "base/error.h"

namespace astrofs::tess {

using Sources = StsciHosts;

/// "s0004": how the archive writes a sector.
[[nodiscard]] std::string padded_sector(unsigned sector);

class TessListing {
 public:
  /// `fetcher` outlives this.
  TessListing(Sources sources, Kinds kinds, http::Fetcher& fetcher)
      : sources_(std::move(sources)), kinds_(kinds), fetcher_(fetcher) {}

  /// Numbers of the sectors that have FFIs.
  [[nodiscard]] Result<std::vector<unsigned>> sectors(std::stop_token stop) const;
  /// False only when every source says that there is no such sector.
  [[nodiscard]] Result<bool> has_sector(unsigned sector, std::stop_token stop) const;
  /// Files of a chip, doubled exposures once. Locator, and from S3 size, time and validator.
  [[nodiscard]] Result<std::vector<Entry>> chip(const Chip& chip, std::stop_token stop) const;

 private:
  Result<std::vector<std::string>> s3_directories(const std::string& prefix, std::stop_token stop) const;
  Result<std::vector<Entry>> chip_from_s3(const Chip& chip, std::stop_token stop) const;
  Result<std::vector<Entry>> chip_from_scripts(const Chip& chip, std::stop_token stop) const;
  Result<std::vector<Entry>> chip_from_pages(const Chip& chip, std::stop_token stop) const;
  std::vector<Result<std::vector<Entry>>> pages(const std::vector<std::string>& paths,
                                                std::stop_token stop) const;
  Result<std::vector<std::string>> numbered_directories(const std::string& path, std::size_t digits,
                                                        std::stop_token stop) const;
  Result<void> confirm_absent(const std::string& path, std::stop_token stop) const;

  const Sources sources_;
  const Kinds kinds_;
  http::Fetcher& fetcher_;
  const SourceOrder order_{"TESS"};
};

}  // namespace astrofs::tess
