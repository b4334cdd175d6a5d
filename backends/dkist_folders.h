// What is in one dataset's directory, and in its extra/: the ASDF file's own account of its frames, the data
// centre's documents, the collection's sizes. For type "dkist" alone. Blocks; any thread but the client's.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "backends/archive.h"
#include "backends/dkist_globus.h"
#include "backends/format/dkist_inventory.h"
#include "backends/http/fetcher.h"

namespace astrofs::dkist {

// Datasets come by the day, and are calibrated anew some times in their life.
inline constexpr std::chrono::hours kGoodFor{6};
/// Of a directory: "extra/" and its dataset's folder; of a file: "extra/" and its path on the collection.
inline constexpr std::string_view kExtra = "extra/";
/// Before the locator of a file or directory that is its investigators' alone.
inline constexpr std::string_view kPrivate = "private/";
/// Of directories: "select/ID" is the dataset's ".select", "select/ID/EXPR" what is in it.
inline constexpr std::string_view kSelect = "select/";

/// A locator without it.
[[nodiscard]] std::string_view without_rights(std::string_view locator);
/// "/bucket/proposal/ID/NAME" of the locator of a frame or an extra; nullopt: it is not from the collection.
[[nodiscard]] std::optional<std::string> path_on_collection(std::string_view locator);

class Folders {
 public:
  /// `download`: base URL of ASDF files, reports and movies. All outlive this.
  Folders(std::string download, http::Fetcher& fetcher, Globus& globus);

  /// `token`: that of the listing known so far.
  [[nodiscard]] Result<std::variant<Listing, NotModified>> list(const Dataset& dataset,
                                                                std::string_view token, std::stop_token stop);
  /// Darks, gains and the like, named by nothing but the collection. `dir`: the directory's locator.
  [[nodiscard]] Result<std::variant<Listing, NotModified>> list_extra(std::string_view dir,
                                                                      std::string_view token,
                                                                      std::stop_token stop);
  /// `kind`: "asdf", "movie" or "quality".
  [[nodiscard]] http::Request download(std::string_view kind, std::string_view id) const;

 private:
  /// Its size and what tells one version from another; nullopt: the dataset has none. not_found: it should
  /// have one.
  Result<std::optional<Entry>> ask_asdf(const Dataset& dataset, std::stop_token stop);
  /// What the collection has there; nullopt: it shows this user nothing. An error: it cannot be heard.
  Result<std::optional<std::vector<globus::FolderEntry>>> on_collection(const std::string& path,
                                                                        bool was_heard, std::stop_token stop);
  Result<std::vector<Entry>> frames(const Dataset& dataset, std::uint64_t asdf_size,
                                    const std::vector<globus::FolderEntry>& folder, std::stop_token stop);
  Result<std::vector<Entry>> entries(const Dataset& dataset, std::optional<Entry> asdf,
                                     const std::vector<globus::FolderEntry>& folder, std::stop_token stop);

  const std::string download_;
  http::Fetcher& fetcher_;
  Globus& globus_;
};

}  // namespace astrofs::dkist
