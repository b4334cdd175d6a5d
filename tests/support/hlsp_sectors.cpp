#include "tests/support/hlsp_sectors.h"

#include <fmt/format.h>

#include "tests/support/hlsp_curve.h"
#include "tests/support/hlsp_rules.h"

namespace astrofs::sim {
namespace {

constexpr std::string_view kOnS3 = "mast/hlsp/";
constexpr std::uint64_t kChips = 16;
constexpr int kTicaSide = 32;

/// So far apart are ids of a sector's targets: as the TICs of 311,543 real ones.
constexpr std::uint64_t kTicStep = 1511;
// Gaia's ids of 17 to 19 digits.
constexpr std::uint64_t kFirstGaia = 52'359'538'285'081'728ULL;
constexpr std::uint64_t kLastGaia = 6'800'000'000'000'000'000ULL;

std::string cut_in_fours(std::uint64_t id) {
  std::string digits = fmt::format("{:016}", id);
  for (const std::size_t at : {std::size_t{12}, std::size_t{8}, std::size_t{4}}) digits.insert(at, "/");
  return digits;
}

/// The line for a file: `words` stand behind "curl", the path is the archive's below the pipeline.
std::string script_line(std::string_view words, std::string_view key) {
  const std::string_view below = key.substr(kOnS3.size());
  return fmt::format("curl {} '{}' 'https://mast.stsci.edu/api/v0.1/Download/file/?uri=mast:HLSP/{}'\n",
                     words, below.substr(below.find('/') + 1), below);
}

constexpr std::string_view kUsualWords = "-f --create-dirs --output";
constexpr std::string_view kSpocWords = "-C - -f --create-dirs --output";

std::string target_row(std::string_view first, std::string_view ids, std::uint64_t star) {
  // Of one width, so that the size of the table is known before it is made.
  return fmt::format("{}{},{:013.9f},{:+013.9f}\n", first, ids, curve_ra(star), curve_dec(star));
}

std::uint64_t order_of(std::uint64_t index, std::uint64_t count, bool shuffled) {
  // A step that has no divisor in common with any count below it visits each once.
  constexpr std::uint64_t kStep = 2'147'483'647;
  return shuffled ? index * (kStep % count == 0 ? 1 : kStep % count) % count : index;
}

CurveSpec spec_of(HlspPipeline pipeline, int sector, std::uint64_t tic, const HlspOptions& options) {
  return {.pipeline = pipeline,
          .sector = sector,
          .tic = tic,
          .camera = static_cast<int>(tic / 4 % 4 + 1),
          .ccd = static_cast<int>(tic % 4 + 1),
          .rows = options.rows};
}

void put_qlp(ContentTree& tree, int sector, const HlspOptions& options) {
  const auto tic = [=](std::uint64_t index) { return hlsp_tic(sector, index, options); };
  const auto key = [=](std::uint64_t index, std::string_view ending) {
    return fmt::format("{0}qlp/s{1:04}/{2}/hlsp_qlp_tess_ffi_s{1:04}-{3:016}_tess_v01_llc.{4}", kOnS3, sector,
                       cut_in_fours(tic(index)), tic(index), ending);
  };
  const auto spec = [=](std::uint64_t index) {
    return spec_of(HlspPipeline::qlp, sector, tic(index), options);
  };
  const std::uint64_t fits = curve_file(spec(0)).size();
  const std::uint64_t text = curve_text(spec(0)).size();
  put_files(tree, FileRule{.count = 2 * options.targets,
                           .key = [=](std::uint64_t n) { return key(n / 2, n % 2 == 0 ? "fits" : "txt"); },
                           .bytes =
                               [=](std::uint64_t n) {
                                 return n % 2 == 0 ? curve_file(spec(n / 2)) : curve_text(spec(n / 2));
                               },
                           .size = [=](std::uint64_t n) { return n % 2 == 0 ? fits : text; }});
  put_script(
      tree,
      fmt::format("/{}qlp/download_scripts/hlsp_qlp_tess_ffi_s{:04}_tess_v01_llc-fits.sh", kOnS3, sector),
      options.targets, [=](std::uint64_t n) {
        return script_line(kUsualWords, key(order_of(n, options.targets, options.shuffled), "fits"));
      });
}

void put_spoc(ContentTree& tree, int sector, const HlspOptions& options) {
  const auto tic = [=](std::uint64_t index) { return hlsp_tic(sector, index, options); };
  const auto key = [=](std::uint64_t index) {
    return fmt::format(
        "{0}tess-spoc/s{1:04}/target/{2}/hlsp_tess-spoc_tess_phot_{3:016}-s{1:04}_tess_v1_lc.fits", kOnS3,
        sector, cut_in_fours(tic(index)), tic(index));
  };
  const auto spec = [=](std::uint64_t index) {
    return spec_of(HlspPipeline::tess_spoc, sector, tic(index), options);
  };
  const std::uint64_t size = curve_file(spec(0)).size();
  put_files(tree, FileRule{.count = options.targets,
                           .key = key,
                           .bytes = [=](std::uint64_t n) { return curve_file(spec(n)); },
                           .size = [=](std::uint64_t) { return size; }});
  put_script(tree,
             fmt::format("/{}tess-spoc/download_scripts/hlsp_tess-spoc_tess_phot_s{:04}_tess_v1_dl-lc.sh",
                         kOnS3, sector),
             options.targets, [=](std::uint64_t n) {
               return script_line(kSpocWords, key(order_of(n, options.targets, options.shuffled)));
             });
}

/// #TIC_ID of all targets, for QLP and TESS-SPOC.
void put_target_list(ContentTree& tree, std::string_view pipeline, int sector, const HlspOptions& options) {
  const auto row = [=](std::uint64_t n) {
    const std::uint64_t tic = hlsp_tic(sector, n, options);
    return target_row("", fmt::format("{:10}", tic), tic);
  };
  constexpr std::string_view kHead = "#TIC_ID,RA,DEC\n";
  put_table(tree, fmt::format("/{}{}/target_lists/s{:04}.csv", kOnS3, pipeline, sector),
            kHead.size() + row(0).size() * options.targets, [=] {
              std::string text(kHead);
              for (std::uint64_t n = 0; n < options.targets; ++n) text += row(n);
              return text;
            });
}

void put_tglc(ContentTree& tree, int sector, const HlspOptions& options) {
  const auto gaia = [=](std::uint64_t n) {
    return hlsp_gaia(static_cast<int>(n / options.stars), n % options.stars, options);
  };
  const auto star_tic = [=](std::uint64_t n) {
    return hlsp_star_tic(static_cast<int>(n / options.stars), n % options.stars, options);
  };
  const auto chip = [=](std::uint64_t n) {
    return fmt::format("cam{}-ccd{}", n / options.stars / 4 + 1, n / options.stars % 4 + 1);
  };
  const auto key = [=](std::uint64_t n) {
    return fmt::format("{0}tglc/s{1:04}/{2}/{3}/hlsp_tglc_tess_ffi_gaiaid-{4}-s{1:04}-{2}_tess_v1_llc.fits",
                       kOnS3, sector, chip(n), cut_in_fours(gaia(n) / 100'000), gaia(n));
  };
  const auto spec = [=](std::uint64_t n) {
    CurveSpec made = spec_of(HlspPipeline::tglc, sector, star_tic(n), options);
    made.gaia = gaia(n);
    made.camera = static_cast<int>(n / options.stars / 4 + 1);
    made.ccd = static_cast<int>(n / options.stars % 4 + 1);
    return made;
  };
  const std::uint64_t count = kChips * options.stars;
  const std::uint64_t size = curve_file(spec(0)).size();
  put_files(tree, FileRule{.count = count,
                           .key = key,
                           .bytes = [=](std::uint64_t n) { return curve_file(spec(n)); },
                           .size = [=](std::uint64_t) { return size; }});
  put_script(tree,
             fmt::format("/{}tglc/download_scripts/hlsp_tglc_tess_ffi_s{:04}_tess_v1_llc.sh", kOnS3, sector),
             count, [=](std::uint64_t n) { return script_line(kUsualWords, key(n)); });
  const auto row = [=](std::uint64_t n) {
    return target_row("", fmt::format("{:19},{:10}", gaia(n), star_tic(n)), gaia(n));
  };
  constexpr std::string_view kHead = "#GAIADR3_ID,TIC_ID,RA,DEC\n";
  put_table(tree, fmt::format("/{}tglc/target_lists/s{:04}.csv", kOnS3, sector),
            kHead.size() + row(0).size() * count, [=] {
              std::string text(kHead);
              for (std::uint64_t n = 0; n < count; ++n) text += row(n);
              return text;
            });
}

/// Not on S3.
void put_tica(ContentTree& tree, int sector, const HlspOptions& options) {
  const std::uint64_t size = tica_file(sector, 1, 1, 1, kTicaSide).size();
  for (std::uint64_t chip = 0; chip < kChips; ++chip) {
    const int camera = static_cast<int>(chip / 4 + 1);
    const int ccd = static_cast<int>(chip % 4 + 1);
    for (const int orbit : {1, 2}) {
      const auto cadence = [=](std::uint64_t n) {
        return static_cast<std::uint64_t>(sector) * 13'000 + static_cast<std::uint64_t>(orbit) * 6'000 + n;
      };
      const auto name = [=](std::uint64_t n) {
        return fmt::format("hlsp_tica_tess_ffi_s{:04}-o{}-{:08}-cam{}-ccd{}_tess_v01_img.fits", sector, orbit,
                           cadence(n), camera, ccd);
      };
      const std::string folder = fmt::format("s{:04}/cam{}-ccd{}/", sector, camera, ccd);
      put_files(
          tree,
          FileRule{
              .count = options.images,
              .key = [=](std::uint64_t n) { return "hlsps/tica/" + folder + name(n); },
              .bytes = [=](std::uint64_t n) { return tica_file(sector, camera, ccd, cadence(n), kTicaSide); },
              .size = [=](std::uint64_t) { return size; }});
      put_script(
          tree,
          fmt::format(
              "/hlsps/tica/bundles/s{0:04}/hlsp_tica_tess_ffi_s{0:04}-o{1}-cam{2}-ccd{3}_tess_v01_ffis.sh",
              sector, orbit, camera, ccd),
          options.images, [=](std::uint64_t n) {
            return fmt::format(
                "curl -f --create-dirs --output '{0}{1}' "
                "'https://mast.stsci.edu/api/v0.1/Download/file/?uri=mast:HLSP/tica/{0}{1}'\n",
                folder, name(n));
          });
    }
  }
}

}  // namespace

std::uint64_t hlsp_tic(int sector, std::uint64_t number, const HlspOptions& options) {
  // One sector after the other begins a quarter of its targets further on, and the fourth with the first
  // again.
  const std::uint64_t at = number + static_cast<std::uint64_t>((sector - 1) % 3) * (options.targets / 4);
  return 1234 + at * kTicStep + at * at % (kTicStep - 1);
}

std::uint64_t hlsp_gaia(int chip, std::uint64_t number, const HlspOptions& options) {
  const std::uint64_t step = (kLastGaia - kFirstGaia) / options.stars;
  return kFirstGaia + number * step + static_cast<std::uint64_t>(chip) * (step / 20);
}

std::uint64_t hlsp_star_tic(int chip, std::uint64_t number, const HlspOptions& options) {
  return 25'000'000 + static_cast<std::uint64_t>(chip) * options.stars + number;
}

void put_hlsp(ContentTree& tree, const HlspOptions& options) {
  for (const std::string_view pipeline : {"tglc", "qlp", "tess-spoc"})
    tree.alias(fmt::format("/hlsps/{}", pipeline), fmt::format("/{}{}", kOnS3, pipeline));
  tree.set_style("/mast/hlsp", ListingStyle::none);
  for (const int sector : options.sectors) {
    if (options.targets > 0) {
      put_qlp(tree, sector, options);
      put_spoc(tree, sector, options);
      put_target_list(tree, "qlp", sector, options);
      put_target_list(tree, "tess-spoc", sector, options);
    }
    if (options.stars > 0) put_tglc(tree, sector, options);
    if (options.images > 0) put_tica(tree, sector, options);
  }
}

}  // namespace astrofs::sim
