// Light curves in the standard form of machine learning, as HDF5: what is in the directory "standard" of a
// sector, and of which curves each file is built. Part of HlspArchive.
//
//   standard/<PIPELINE>/healpix=<N>/001-of-001.hdf5         curves of the targets in a pixel
//   standard/<PIPELINE>/healpix=<N>-tiny/001-of-001.hdf5    those among the first hundred of the sector's
//   script
//
// Which targets a pixel has the sector's target list says, which is read through the mount. Blocks; any
// thread but the client's.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "backends/archive.h"
#include "backends/format/hlsp_names.h"
#include "backends/format/target_list.h"
#include "backends/http/fetcher.h"
#include "backends/recipe.h"
#include "backends/stsci_hosts.h"
#include "base/error.h"

namespace astrofs::hlsp {

inline constexpr std::string_view kStandard = "standard";

/// "TGLC", "QLP", "SPOC": as the builder of the reference calls them; "" for TICA, which has no curves.
[[nodiscard]] std::string_view standard_name(Pipeline pipeline);

/// A place in "standard".
struct StandardPlace {
  Pipeline pipeline{Pipeline::qlp};
  unsigned sector{0};
  std::optional<std::uint32_t> pixel;  ///< none: the directory of all pixels, or above it
  bool tiny{false};
  enum class Level : std::uint8_t { top, pixels, pixel, file } level{Level::top};
};
/// `below` of the sector's directory: "standard", "standard/QLP/healpix=12-tiny".
[[nodiscard]] std::optional<StandardPlace> standard_place(Pipeline pipeline, unsigned sector,
                                                          std::string_view below);

/// Of a curve on its own: `path` is where the mount shows it. TGLC's are named after stars: `tic` says of
/// which target it is.
[[nodiscard]] Recipe single_recipe(const Curve& curve, std::uint64_t tic, std::string path);

class StandardFiles {
 public:
  /// `fetcher` outlives this.
  StandardFiles(StsciHosts sources, http::Fetcher& fetcher)
      : sources_(std::move(sources)), fetcher_(fetcher) {}
  /// Before anything is asked. Without it there is no "standard".
  void attach(const OwnFiles& files) { files_ = &files; }

  [[nodiscard]] bool usable(Pipeline pipeline) const;
  /// What is in a directory; locators are paths.
  [[nodiscard]] Result<std::vector<Entry>> entries(const StandardPlace& place, std::stop_token stop) const;
  /// Of a file. Parts are in the order of the ids of the curves.
  [[nodiscard]] Result<Recipe> recipe(const StandardPlace& place, std::stop_token stop) const;

 private:
  using Tiny = std::map<std::uint64_t, Curve>;  ///< by id

  [[nodiscard]] Result<std::vector<Entry>> pixels(const StandardPlace& place, std::stop_token stop) const;
  [[nodiscard]] Result<void> for_targets(Pipeline pipeline, unsigned sector, const TargetList::Visit& visit,
                                         const std::stop_token& stop) const;
  [[nodiscard]] Result<Tiny> tiny(Pipeline pipeline, unsigned sector, const std::stop_token& stop) const;

  const StsciHosts sources_;
  http::Fetcher& fetcher_;
  const OwnFiles* files_{nullptr};
};

}  // namespace astrofs::hlsp
