#include "tests/support/mast_target_file.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "tests/support/spoc_table.h"

namespace astrofs::sim {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr int kCadencesOfASector = 19'000;
/// Of every so many cadences one has no time and no flux.
constexpr std::uint64_t kGap = 37;

const std::vector<TableColumn>& light_curve_columns() {
  constexpr std::string_view kRate = "e-/s";
  constexpr std::string_view kReal = "E14.7";
  constexpr std::string_view kPlace = "F10.5";
  static const std::vector<TableColumn> columns{
      {.name = "TIME", .type = 'D', .unit = "BJD - 2457000, days", .display = "D14.7"},
      {.name = "TIMECORR", .unit = "d", .display = kReal},
      {.name = "CADENCENO", .type = 'J', .display = "I10"},
      {.name = "SAP_FLUX", .unit = kRate, .display = kReal},
      {.name = "SAP_FLUX_ERR", .unit = kRate, .display = kReal},
      {.name = "SAP_BKG", .unit = kRate, .display = kReal},
      {.name = "SAP_BKG_ERR", .unit = kRate, .display = kReal},
      {.name = "PDCSAP_FLUX", .unit = kRate, .display = kReal},
      {.name = "PDCSAP_FLUX_ERR", .unit = kRate, .display = kReal},
      {.name = "QUALITY", .type = 'J', .display = "B16.16"},
      {.name = "PSF_CENTR1", .type = 'D', .unit = "pixel", .display = kPlace},
      {.name = "PSF_CENTR1_ERR", .unit = "pixel", .display = kReal},
      {.name = "PSF_CENTR2", .type = 'D', .unit = "pixel", .display = kPlace},
      {.name = "PSF_CENTR2_ERR", .unit = "pixel", .display = kReal},
      {.name = "MOM_CENTR1", .type = 'D', .unit = "pixel", .display = kPlace},
      {.name = "MOM_CENTR1_ERR", .unit = "pixel", .display = kReal},
      {.name = "MOM_CENTR2", .type = 'D', .unit = "pixel", .display = kPlace},
      {.name = "MOM_CENTR2_ERR", .unit = "pixel", .display = kReal},
      {.name = "POS_CORR1", .unit = "pixels", .display = kReal},
      {.name = "POS_CORR2", .unit = "pixels", .display = kReal},
  };
  return columns;
}

/// `stamp`: "(11,11)", which outlives the columns.
std::vector<TableColumn> pixel_columns(std::uint32_t pixels, std::string_view stamp) {
  constexpr std::string_view kRate = "e-/s";
  return {
      {.name = "TIME", .type = 'D', .unit = "BJD - 2457000, days", .display = "D14.7"},
      {.name = "TIMECORR", .unit = "d", .display = "E14.7"},
      {.name = "CADENCENO", .type = 'J', .display = "I10"},
      {.name = "RAW_CNTS",
       .type = 'J',
       .count = pixels,
       .unit = "count",
       .display = "I8",
       .dimensions = stamp,
       .null = "-1"},
      {.name = "FLUX", .count = pixels, .unit = kRate, .display = "E14.7", .dimensions = stamp},
      {.name = "FLUX_ERR", .count = pixels, .unit = kRate, .display = "E14.7", .dimensions = stamp},
      {.name = "FLUX_BKG", .count = pixels, .unit = kRate, .display = "E14.7", .dimensions = stamp},
      {.name = "FLUX_BKG_ERR", .count = pixels, .unit = kRate, .display = "E14.7", .dimensions = stamp},
      {.name = "QUALITY", .type = 'J', .display = "B16.16"},
      {.name = "POS_CORR1", .unit = "pixels", .display = "E14.7"},
      {.name = "POS_CORR2", .unit = "pixels", .display = "E14.7"},
  };
}

const std::vector<TableColumn>& validation_columns() {
  static const std::vector<TableColumn> columns{
      {.name = "TIME", .type = 'D'},
      {.name = "TIMECORR"},
      {.name = "CADENCENO", .type = 'J'},
      {.name = "PHASE"},
      {.name = "LC_INIT"},
      {.name = "LC_INIT_ERR"},
      {.name = "LC_WHITE"},
      {.name = "LC_DETREND"},
      {.name = "MODEL_INIT"},
      {.name = "MODEL_WHITE"},
  };
  return columns;
}

/// What a row of these tables holds: times and cadences, a curve with a dip, zeros for flags.
CellValue values_of(const Target& target, const TargetProduct& product,
                    const std::vector<TableColumn>& columns) {
  const double level = 1000 * std::pow(10.0, (10 - target.magnitude) / 2.5);
  const double step = (product.fast ? 20 : 120) / 86'400.0;
  return [&columns, &product, level, step](std::size_t column, std::uint64_t row, std::uint32_t element) {
    const std::string_view name = columns[column].name;
    const bool gap = row % kGap == kGap - 1;
    if (name == "TIME")
      return gap ? kNan : sector_start(product.folder_sector) + step * static_cast<double>(row);
    if (name == "CADENCENO")
      return static_cast<double>(kCadencesOfASector * product.folder_sector) + static_cast<double>(row);
    if (name == "QUALITY") return gap ? 128.0 : 0.0;
    if (name == "TIMECORR") return 0.0052449;
    if (gap && columns[column].type != 'J') return kNan;
    const double wave =
        std::sin(static_cast<double>(row) / 9 + static_cast<double>(element) + static_cast<double>(column));
    const double dip = row % 50 < 3 ? 0.99 : 1.0;
    return level * dip + wave;
  };
}

CardList target_cards(const Target& target, const TargetProduct& product) {
  CardList cards;
  cards.add_text("OBJECT", fmt::format("TIC {}", target.tic), "string version of target id");
  cards.add("TICID", std::to_string(target.tic), "unique tess target identifier");
  cards.add("SECTOR", std::to_string(product.folder_sector), "Observing sector");
  cards.add("CAMERA", std::to_string(target.camera), "Camera number");
  cards.add("CCD", std::to_string(target.ccd), "CCD chip number");
  cards.add_text("RADESYS", "ICRS", "reference frame of celestial coordinates");
  cards.add("RA_OBJ", fmt::format("{:.13f}", target.ra), "[deg] right ascension");
  cards.add("DEC_OBJ", fmt::format("{:.13f}", target.dec), "[deg] declination");
  cards.add("TESSMAG", fmt::format("{:.8f}", target.magnitude), "[mag] TESS magnitude");
  return cards;
}

std::string primary_hdu(const Target& target, const TargetProduct& product, unsigned extensions) {
  CardList cards;
  cards.add("SIMPLE", "T", "conforms to FITS standards");
  cards.add("BITPIX", "8", "array data type");
  cards.add("NAXIS", "0", "number of array dimensions");
  cards.add("EXTEND", "T", "file contains extensions");
  cards.add("NEXTEND", std::to_string(extensions), "number of standard extensions");
  cards.add_text("EXTNAME", "PRIMARY");
  cards.add("SIMDATA", "F", "file is based on simulated data");
  cards.add_text("ORIGIN", "NASA/Ames");
  cards.add_text("TELESCOP", "TESS");
  cards.add_text("INSTRUME", "TESS Photometer");
  cards.append(target_cards(target, product));
  cards.add("MH", "", "[log10([M/H])] metallicity");  // undefined, as real ones are
  return cards.finish(0, 0);
}

CardList named(std::string_view name, const CardList& others = {}) {
  CardList cards;
  cards.add("INHERIT", "T", "inherit the primary header");
  cards.add_text("EXTNAME", name, "name of extension");
  cards.append(others);
  return cards;
}

std::string aperture_hdu(const Target& target) {
  const std::uint32_t side = target.width;
  return integer_image_hdu(side, target.height, named("APERTURE"), [side](std::uint32_t pixel) {
    const bool inside = pixel / side > 2 && pixel / side < 8 && pixel % side > 2 && pixel % side < 8;
    return inside ? 67 : 65;
  });
}

}  // namespace

std::string target_file(const Target& target, const TargetProduct& product, int rows) {
  const auto table = [&](const std::vector<TableColumn>& columns, std::string_view name, int count) {
    return table_hdu(columns, static_cast<std::uint64_t>(count), named(name, target_cards(target, product)),
                     values_of(target, product, columns));
  };
  switch (product.form) {
    case ProductForm::light_curve:
      return primary_hdu(target, product, 2) + table(light_curve_columns(), "LIGHTCURVE", rows) +
             aperture_hdu(target);
    case ProductForm::pixels: {
      static const std::vector<TableColumn> kCosmicRays{{.name = "CADENCENO", .type = 'J'},
                                                        {.name = "RAWX", .type = 'J'},
                                                        {.name = "RAWY", .type = 'J'},
                                                        {.name = "COSMIC_RAY"}};
      const std::string stamp = fmt::format("({},{})", target.width, target.height);
      const auto columns = pixel_columns(target.width * target.height, stamp);
      return primary_hdu(target, product, 3) + table(columns, "PIXELS", rows) + aperture_hdu(target) +
             table(kCosmicRays, "TARGET COSMIC RAY", 0);
    }
    case ProductForm::time_series:
      return primary_hdu(target, product, 1) + table(validation_columns(), "TCE_1", rows);
    case ProductForm::xml:
      return fmt::format(
          "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<dv:dvTargetResults ticId=\"{}\" "
          "file=\"{}\"/>\n",
          target.tic, product.name);
    case ProductForm::pdf:
      break;
  }
  return fmt::format("%PDF-1.4\n% {}\n%%EOF\n", product.name);
}

}  // namespace astrofs::sim
