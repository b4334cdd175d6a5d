// Names of the light-curve pipelines' products at MAST, and where they lie: all of it follows from sector and
// id, and for TGLC and TICA from camera and CCD as well. Pure; any thread.
//
// A path is what S3 has behind "mast/hlsp/", the archive behind "/hlsps/" and MAST behind "mast:HLSP/":
//   tglc/s0001/cam2-ccd1/0063/9919/6263/9391/hlsp_tglc_tess_ffi_gaiaid-6399196263939178880-s0001-...
//   qlp/s0023/0000/0000/0000/1234/hlsp_qlp_tess_ffi_s0023-0000000000001234_tess_v01_llc.fits
//   tess-spoc/s0023/target/0000/0000/0000/1234/hlsp_tess-spoc_tess_phot_0000000000001234-s0023_tess_v1_lc.fits
//   tica/s0089/cam1-ccd1/hlsp_tica_tess_ffi_s0089-o1-00001234-cam1-ccd1_tess_v01_img.fits
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace astrofs::hlsp {

enum class Pipeline : unsigned char { tglc, qlp, tess_spoc, tica };
inline constexpr std::array<Pipeline, 4> kPipelines{Pipeline::tglc, Pipeline::qlp, Pipeline::tess_spoc,
                                                    Pipeline::tica};

/// As the archive's directories are called: "tess-spoc".
[[nodiscard]] std::string_view directory_of(Pipeline pipeline);
[[nodiscard]] std::optional<Pipeline> pipeline_in(std::string_view directory);

/// "s0023".
[[nodiscard]] std::string sector_directory(unsigned sector);
/// 23 for "s0023"; nullopt for anything else, "s0000" too.
[[nodiscard]] std::optional<unsigned> sector_in(std::string_view directory);

/// "0000/0000/0000/1234": the sixteen digits of a TIC.
[[nodiscard]] std::string target_folders(std::uint64_t tic);
/// "0063/9919/6263/9391" for 6399196263939178880: the last five digits of a Gaia id name no folder.
[[nodiscard]] std::string gaia_folders(std::uint64_t gaia);

/// A light curve. `id` is a Gaia DR3 id for TGLC, else a TIC.
struct Curve {
  Pipeline pipeline{Pipeline::qlp};
  unsigned sector{0};
  std::uint64_t id{0};
  unsigned camera{0}, ccd{0};  ///< of TGLC only

  [[nodiscard]] std::string name() const;
  /// Of the directory that it is in.
  [[nodiscard]] std::string folder() const;
  [[nodiscard]] std::string path() const { return folder() + "/" + name(); }
  friend bool operator==(const Curve&, const Curve&) = default;
};
/// nullopt: no name of a light curve of TGLC, QLP or TESS-SPOC.
[[nodiscard]] std::optional<Curve> parse_curve(std::string_view name);

/// An image of TICA.
struct Image {
  unsigned sector{0};
  std::string orbit;  ///< "1", "2", later "1a", "1b", "2a", "2b"
  std::uint64_t cadence{0};
  unsigned camera{0}, ccd{0};

  [[nodiscard]] std::string name() const;
  [[nodiscard]] std::string path() const;
  friend bool operator==(const Image&, const Image&) = default;
};
[[nodiscard]] std::optional<Image> parse_image(std::string_view name);
inline constexpr std::array<std::string_view, 6> kOrbits{"1", "2", "1a", "1b", "2a", "2b"};

// What lies on the archive beside the products; all begin with "/hlsps/".

/// The bulk script of a sector's light curves; "" for TICA, which has one for each orbit and chip.
[[nodiscard]] std::string script_path(Pipeline pipeline, unsigned sector);
[[nodiscard]] std::string image_script_path(unsigned sector, std::string_view orbit, unsigned camera,
                                            unsigned ccd);
/// "" for TICA.
[[nodiscard]] std::string target_list_path(Pipeline pipeline, unsigned sector);

// Where a path is found.
[[nodiscard]] std::string s3_key(std::string_view path);
[[nodiscard]] std::string archive_path(std::string_view path);
[[nodiscard]] std::string mast_uri(std::string_view path);

}  // namespace astrofs::hlsp
