// What S3 and MissionMAST know of one data set of HST, asked side by side: S3 has the public files with exact
// sizes, MAST names all of them and says which are exclusive. Of the two, one may be silent, and then it is
// said what is missing. Part of HstArchive. Blocks; any thread but the client's.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "backends/archive.h"
#include "backends/http/fetcher.h"
#include "backends/stsci_hosts.h"

namespace astrofs::hst {

/// Locators. Public files that lie on S3: "public/u9o4/u9o40504m/NAME", their keys without this:
inline constexpr std::string_view kBucketRoot = "hst/";
/// Public ones of which nobody says where they lie: "product/NAME".
inline constexpr std::string_view kProduct = "product/";
/// Those for which a token is needed: "exclusive/NAME".
inline constexpr std::string_view kExclusive = "exclusive/";

struct Files {
  std::vector<Entry> entries;
  std::optional<Error> silent;  ///< why a source that is configured could not be heard
};

class FileSources {
 public:
  /// `fetcher` outlives this.
  FileSources(StsciHosts hosts, http::Fetcher& fetcher) : hosts_(std::move(hosts)), fetcher_(fetcher) {}

  /// nullopt: there is no such data set, as all sources say. At most three requests one after the other.
  [[nodiscard]] Result<std::optional<Files>> ask(std::string_view data_set, std::stop_token stop) const;
  /// Data sets of a proposal, in small letters; empty: there is none. At most two requests one after the
  /// other.
  [[nodiscard]] Result<std::vector<std::string>> proposal(std::uint32_t number, std::stop_token stop) const;

 private:
  /// What kept it from being asked for all of them, if anything did.
  std::optional<Error> place(std::vector<Entry>& unplaced, std::stop_token stop) const;

  const StsciHosts hosts_;
  http::Fetcher& fetcher_;
};

}  // namespace astrofs::hst
