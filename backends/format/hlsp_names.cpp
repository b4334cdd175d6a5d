#include "backends/format/hlsp_names.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/format/numbers.h"

namespace astrofs::hlsp {
namespace {

constexpr std::array<std::string_view, kPipelines.size()> kDirectories{"tglc", "qlp", "tess-spoc", "tica"};
constexpr std::size_t kSectorDigits = 4;
constexpr std::size_t kTargetDigits = 16;
constexpr std::size_t kCadenceDigits = 8;

bool is_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// Takes a name apart from its front; after the first thing that does not fit nothing does.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}
  void literal(std::string_view expected) {
    ok_ = ok_ && rest_.starts_with(expected);
    if (ok_) rest_.remove_prefix(expected.size());
  }
  std::string_view word_before(std::string_view end) {
    const auto at = rest_.find(end);
    ok_ = ok_ && at != std::string_view::npos;
    if (!ok_) return {};
    const std::string_view word = rest_.substr(0, at);
    rest_.remove_prefix(at);
    return word;
  }
  /// Exactly so many digits.
  std::uint64_t digits(std::size_t count) { return number(take(count)); }
  /// As many as there are, without a leading zero.
  std::uint64_t number_before(std::string_view end) {
    const std::string_view word = word_before(end);
    ok_ = ok_ && !word.starts_with('0');
    return number(word);
  }
  unsigned one_to_four() {
    const std::string_view word = take(1);
    ok_ = ok_ && word[0] >= '1' && word[0] <= '4';
    return ok_ ? static_cast<unsigned>(word[0] - '0') : 0;
  }
  [[nodiscard]] bool matched() const { return ok_ && rest_.empty(); }

 private:
  std::string_view take(std::size_t count) {
    ok_ = ok_ && rest_.size() >= count;
    if (!ok_) return {};
    const std::string_view word = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return word;
  }
  std::uint64_t number(std::string_view word) {
    const auto value = is_digits(word) ? number_in<std::uint64_t>(word) : std::nullopt;
    ok_ = ok_ && value.has_value();
    return value.value_or(0);
  }

  std::string_view rest_;
  bool ok_{true};
};

std::string cut_in_fours(std::string digits) {
  for (const std::size_t at : {std::size_t{12}, std::size_t{8}, std::size_t{4}}) digits.insert(at, "/");
  return digits;
}

std::optional<Curve> parse_tglc(std::string_view name) {
  Reader in(name);
  Curve curve{.pipeline = Pipeline::tglc};
  in.literal("hlsp_tglc_tess_ffi_gaiaid-");
  curve.id = in.number_before("-s");
  in.literal("-s");
  curve.sector = static_cast<unsigned>(in.digits(kSectorDigits));
  in.literal("-cam");
  curve.camera = in.one_to_four();
  in.literal("-ccd");
  curve.ccd = in.one_to_four();
  in.literal("_tess_v1_llc.fits");
  return in.matched() ? std::optional(curve) : std::nullopt;
}

std::optional<Curve> parse_qlp(std::string_view name) {
  Reader in(name);
  Curve curve{.pipeline = Pipeline::qlp};
  in.literal("hlsp_qlp_tess_ffi_s");
  curve.sector = static_cast<unsigned>(in.digits(kSectorDigits));
  in.literal("-");
  curve.id = in.digits(kTargetDigits);
  in.literal("_tess_v01_llc.fits");
  return in.matched() ? std::optional(curve) : std::nullopt;
}

std::optional<Curve> parse_spoc(std::string_view name) {
  Reader in(name);
  Curve curve{.pipeline = Pipeline::tess_spoc};
  in.literal("hlsp_tess-spoc_tess_phot_");
  curve.id = in.digits(kTargetDigits);
  in.literal("-s");
  curve.sector = static_cast<unsigned>(in.digits(kSectorDigits));
  in.literal("_tess_v1_lc.fits");
  return in.matched() ? std::optional(curve) : std::nullopt;
}

}  // namespace

std::string_view directory_of(Pipeline pipeline) {
  return kDirectories[static_cast<std::size_t>(pipeline)];
}

std::optional<Pipeline> pipeline_in(std::string_view directory) {
  for (const Pipeline pipeline : kPipelines) {
    if (directory_of(pipeline) == directory) return pipeline;
  }
  return std::nullopt;
}

std::string sector_directory(unsigned sector) {
  return fmt::format("s{:04}", sector);
}

std::optional<unsigned> sector_in(std::string_view directory) {
  if (!directory.starts_with('s') || directory.size() != kSectorDigits + 1 || !is_digits(directory.substr(1)))
    return std::nullopt;
  const auto sector = number_in<unsigned>(directory.substr(1));
  return sector && *sector > 0 ? sector : std::nullopt;
}

std::string target_folders(std::uint64_t tic) {
  return cut_in_fours(fmt::format("{:016}", tic));
}

std::string gaia_folders(std::uint64_t gaia) {
  constexpr std::uint64_t kUnnamed = 100'000;
  return cut_in_fours(fmt::format("{:016}", gaia / kUnnamed));
}

std::string Curve::name() const {
  switch (pipeline) {
    case Pipeline::tglc:
      return fmt::format("hlsp_tglc_tess_ffi_gaiaid-{}-s{:04}-cam{}-ccd{}_tess_v1_llc.fits", id, sector,
                         camera, ccd);
    case Pipeline::qlp:
      return fmt::format("hlsp_qlp_tess_ffi_s{:04}-{:016}_tess_v01_llc.fits", sector, id);
    case Pipeline::tess_spoc:
      return fmt::format("hlsp_tess-spoc_tess_phot_{:016}-s{:04}_tess_v1_lc.fits", id, sector);
    case Pipeline::tica:
      break;  // has images, no curves
  }
  return {};
}

std::string Curve::folder() const {
  const std::string top = fmt::format("{}/{}", directory_of(pipeline), sector_directory(sector));
  if (pipeline == Pipeline::tglc) return fmt::format("{}/cam{}-ccd{}/{}", top, camera, ccd, gaia_folders(id));
  return top + (pipeline == Pipeline::tess_spoc ? "/target/" : "/") + target_folders(id);
}

std::optional<Curve> parse_curve(std::string_view name) {
  auto curve = parse_tglc(name);
  if (!curve) curve = parse_qlp(name);
  if (!curve) curve = parse_spoc(name);
  return curve;
}

std::string Image::name() const {
  return fmt::format("hlsp_tica_tess_ffi_s{:04}-o{}-{:08}-cam{}-ccd{}_tess_v01_img.fits", sector, orbit,
                     cadence, camera, ccd);
}

std::string Image::path() const {
  return fmt::format("tica/{}/cam{}-ccd{}/{}", sector_directory(sector), camera, ccd, name());
}

std::optional<Image> parse_image(std::string_view name) {
  Reader in(name);
  Image image;
  in.literal("hlsp_tica_tess_ffi_s");
  image.sector = static_cast<unsigned>(in.digits(kSectorDigits));
  in.literal("-o");
  image.orbit = in.word_before("-");
  in.literal("-");
  image.cadence = in.digits(kCadenceDigits);
  in.literal("-cam");
  image.camera = in.one_to_four();
  in.literal("-ccd");
  image.ccd = in.one_to_four();
  in.literal("_tess_v01_img.fits");
  const bool known = std::find(kOrbits.begin(), kOrbits.end(), image.orbit) != kOrbits.end();
  return in.matched() && known ? std::optional(std::move(image)) : std::nullopt;
}

std::string script_path(Pipeline pipeline, unsigned sector) {
  const std::string padded = sector_directory(sector);
  switch (pipeline) {
    case Pipeline::tglc:
      return fmt::format("/hlsps/tglc/download_scripts/hlsp_tglc_tess_ffi_{}_tess_v1_llc.sh", padded);
    case Pipeline::qlp:
      return fmt::format("/hlsps/qlp/download_scripts/hlsp_qlp_tess_ffi_{}_tess_v01_llc-fits.sh", padded);
    case Pipeline::tess_spoc:
      return fmt::format("/hlsps/tess-spoc/download_scripts/hlsp_tess-spoc_tess_phot_{}_tess_v1_dl-lc.sh",
                         padded);
    case Pipeline::tica:
      break;
  }
  return {};
}

std::string image_script_path(unsigned sector, std::string_view orbit, unsigned camera, unsigned ccd) {
  return fmt::format("/hlsps/tica/bundles/{0}/hlsp_tica_tess_ffi_{0}-o{1}-cam{2}-ccd{3}_tess_v01_ffis.sh",
                     sector_directory(sector), orbit, camera, ccd);
}

std::string target_list_path(Pipeline pipeline, unsigned sector) {
  if (pipeline == Pipeline::tica) return {};
  return fmt::format("/hlsps/{}/target_lists/{}.csv", directory_of(pipeline), sector_directory(sector));
}

std::string s3_key(std::string_view path) {
  return "mast/hlsp/" + std::string(path);
}

std::string archive_path(std::string_view path) {
  return "/hlsps/" + std::string(path);
}

std::string mast_uri(std::string_view path) {
  return "mast:HLSP/" + std::string(path);
}

}  // namespace astrofs::hlsp
