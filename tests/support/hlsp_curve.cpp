#include "tests/support/hlsp_curve.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/support/fits_cards.h"
#include "tests/support/hlsp_table.h"

namespace astrofs::sim {
namespace {

constexpr int kFirstOfDetrended = 56;  ///< the sector from which on QLP's columns have other names
constexpr double kDaysOfSector = 27.4;
constexpr int kGap = 97;      ///< every so many cadences one without a measurement
constexpr int kFlagged = 31;  ///< and one with a quality flag

/// Mixes a number into one that looks like chance and is always the same.
std::uint64_t mixed(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15ULL;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

/// In [0, 1).
double chance(std::uint64_t id, std::uint64_t which) {
  return static_cast<double>(mixed(id * 1'000'003 + which) >> 11) * 0x1p-53;
}

double cadence_days(int sector) {
  constexpr double kSecondsOfDay = 86'400;
  return (sector <= 26 ? 1800 : sector <= 55 ? 600 : 200) / kSecondsOfDay;
}

/// What all columns are made of.
struct Star {
  explicit Star(const CurveSpec& given) : spec(given), id(given.gaia != 0 ? given.gaia : given.tic) {}

  [[nodiscard]] double time(int row) const {
    return 1325.3 + (spec.sector - 1) * kDaysOfSector + row * cadence_days(spec.sector);
  }
  [[nodiscard]] int cadence(int row) const { return 4697 + spec.sector * 13'000 + row; }
  [[nodiscard]] bool is_gap(int row) const { return row % kGap == static_cast<int>(id % kGap); }
  [[nodiscard]] int quality(int row) const {
    return row % kFlagged == static_cast<int>(id % kFlagged) ? 128 : 0;
  }
  /// About 1, with a period and noise of its own; NaN in a gap.
  [[nodiscard]] double flux(int row, std::uint64_t which) const {
    if (is_gap(row)) return std::numeric_limits<double>::quiet_NaN();
    const double period = 0.5 + 10 * chance(id, 1);
    const double noise = chance(id + which, static_cast<std::uint64_t>(row) + 100) - 0.5;
    return 1 + 0.01 * std::sin(time(row) / period) + 0.002 * noise;
  }
  [[nodiscard]] double error(std::uint64_t which) const { return 1e-4 * (1 + chance(id, which)); }

  const CurveSpec spec;
  const std::uint64_t id;
};

using Column = FitsColumn;
using Columns = std::vector<Column>;

Column flux_column(const Star& star, std::string name, char form, std::uint64_t which, double scale = 1,
                   std::string unit = {}) {
  return {std::move(name), form, std::move(unit),
          [star, which, scale](int row) { return scale * star.flux(row, which); }};
}

Column error_column(const Star& star, std::string name, std::uint64_t which, double scale = 1,
                    std::string unit = {}) {
  return {std::move(name), 'E', std::move(unit), [star, which, scale](int row) {
            return star.is_gap(row) ? std::numeric_limits<double>::quiet_NaN() : scale * star.error(which);
          }};
}

Column time_column(const Star& star, std::string name, std::string unit = {}) {
  return {std::move(name), 'D', std::move(unit), [star](int row) { return star.time(row); }};
}

Column cadence_column(const Star& star, std::string name) {
  return {std::move(name), 'J', {}, [star](int row) { return double(star.cadence(row)); }};
}

Column quality_column(const Star& star, std::string name, char form) {
  return {std::move(name), form, {}, [star](int row) { return double(star.quality(row)); }};
}

Columns tglc_columns(const Star& star) {
  const double electrons = 5000 * (1 + chance(star.id, 2));
  return {time_column(star, "time"),
          flux_column(star, "psf_flux", 'E', 1, electrons),
          flux_column(star, "aperture_flux", 'E', 2, 0.8 * electrons),
          flux_column(star, "cal_psf_flux", 'E', 3),
          flux_column(star, "cal_aper_flux", 'E', 4),
          flux_column(star, "background", 'E', 5, 200),
          cadence_column(star, "cadence_num"),
          quality_column(star, "TESS_flags", 'I'),
          {"TGLC_flags", 'I', {}, [star](int row) { return star.is_gap(row) ? 1.0 : 0.0; }}};
}

Columns qlp_columns(const Star& star) {
  const bool detrended = star.spec.sector >= kFirstOfDetrended;
  const std::string flux = detrended ? "DET_FLUX" : "KSPSAP_FLUX";
  Columns columns{time_column(star, "TIME", "BJD - 2457000, days"),
                  cadence_column(star, "CADENCENO"),
                  flux_column(star, "SAP_FLUX", 'E', 1),
                  flux_column(star, flux, 'E', 2),
                  error_column(star, flux + "_ERR", 3),
                  quality_column(star, "QUALITY", 'J'),
                  {"ORBITID", 'J', {}, [star](int) { return 2.0 * star.spec.sector + 7; }},
                  flux_column(star, "SAP_X", 'E', 4, 1000),
                  flux_column(star, "SAP_Y", 'E', 5, 1000),
                  flux_column(star, "SAP_BKG", 'E', 6, 50),
                  error_column(star, "SAP_BKG_ERR", 7, 50),
                  flux_column(star, flux + "_SML", 'E', 8),
                  flux_column(star, flux + "_LAG", 'E', 9)};
  if (detrended) columns.push_back(flux_column(star, "SYS_RM_FLUX", 'E', 10));
  return columns;
}

Columns spoc_columns(const Star& star) {
  const double electrons = 3000 * (1 + chance(star.id, 2));
  Columns columns{time_column(star, "TIME", "BJD - 2457000, days"),
                  {"TIMECORR", 'E', "d", [](int row) { return 0.001 + row * 1e-7; }},
                  cadence_column(star, "CADENCENO")};
  std::uint64_t which = 1;
  for (const std::string name : {"SAP_FLUX", "SAP_BKG", "PDCSAP_FLUX"}) {
    columns.push_back(flux_column(star, name, 'E', which++, electrons, "e-/s"));
    columns.push_back(error_column(star, name + "_ERR", which++, electrons, "e-/s"));
  }
  columns.push_back(quality_column(star, "QUALITY", 'J'));
  for (const std::string name : {"PSF_CENTR1", "PSF_CENTR2", "MOM_CENTR1", "MOM_CENTR2"}) {
    columns.push_back(flux_column(star, name, 'D', which++, 1000, "pixel"));
    columns.push_back(error_column(star, name + "_ERR", which++, 1, "pixel"));
  }
  for (const std::string name : {"POS_CORR1", "POS_CORR2"})
    columns.push_back(flux_column(star, name, 'E', which++, 0.01, "pixel"));
  return columns;
}

std::string decimals(double value) {
  return fmt::format("{:.12f}", value);
}

CardList primary_cards() {
  CardList cards;
  cards.add("SIMPLE", "T", "conforms to FITS standard");
  cards.add("BITPIX", "8", "array data type");
  cards.add("NAXIS", "0", "number of array dimensions");
  cards.add("EXTEND", "T");
  return cards;
}

std::string tglc_file(const Star& star) {
  const CurveSpec& spec = star.spec;
  CardList cards = primary_cards();
  cards.add("NEXTEND", "1", "number of standard extensions");
  cards.add_text("EXTNAME", "PRIMARY", "name of extension");
  cards.add_text("ORIGIN", "UCSB/TGLC", "institution responsible for creating this file");
  cards.add_text("TELESCOP", "TESS", "telescope");
  cards.add_text("INSTRUME", "TESS Photometer", "detector type");
  cards.add_text("OBJECT", fmt::format("Gaia DR3 {}", spec.gaia), "string version of Gaia DR3 ID");
  cards.add("GAIADR3", std::to_string(spec.gaia), "integer version of Gaia DR3 ID");
  cards.add_text("TICID", std::to_string(spec.tic), "TESS Input Catalog ID");
  cards.add("SECTOR", std::to_string(spec.sector), "observation sector");
  cards.add("CAMERA", std::to_string(spec.camera), "camera No.");
  cards.add("CCD", std::to_string(spec.ccd), "CCD No.");
  cards.add_text("RADESYS", "ICRS", "reference frame of celestial coordinates");
  cards.add("RA_OBJ", decimals(curve_ra(star.id)), "[deg] right ascension, J2000");
  cards.add("DEC_OBJ", decimals(curve_dec(star.id)), "[deg] declination, J2000");
  cards.add("TESSMAG", decimals(8 + 8 * chance(star.id, 5)), "TESS magnitude, fitted by Gaia DR3 bands");
  cards.add_text("CALIB", "TGLC", "pipeline used for image calibration");
  const Columns columns = tglc_columns(star);
  CardList table = table_cards(columns, spec.rows, "LIGHTCURVE");
  table.add_text("INHERIT", "T", "inherit the primary header");
  table.add("RA_OBJ", decimals(curve_ra(star.id)), "[deg] right ascension, J2000");
  table.add("DEC_OBJ", decimals(curve_dec(star.id)), "[deg] declination, J2000");
  table.add("PSF_ERR", decimals(100 * (1 + chance(star.id, 6))), "[e-/s] PSF flux error");
  table.add("APER_ERR", decimals(80 * (1 + chance(star.id, 7))), "[e-/s] aperture flux error");
  table.add("CPSF_ERR", decimals(star.error(8)), "[e-/s] calibrated PSF flux error");
  table.add("CAPE_ERR", decimals(star.error(9)), "[e-/s] calibrated aperture flux error");
  table.add("LOC_BG", decimals(1000 * chance(star.id, 10)), "locally modified background");
  // This pipeline writes no sums.
  return cards.plain() + table.plain() + table_data(columns, spec.rows);
}

/// The cards of a star of the TESS Input Catalog.
void add_star(CardList& cards, const Star& star) {
  cards.add_text("OBJECT", fmt::format("TIC {}", star.spec.tic), "string version of target id");
  cards.add("TICID", std::to_string(star.spec.tic), "unique tess target identifier");
  cards.add("SECTOR", std::to_string(star.spec.sector), "Observing sector");
  cards.add("CAMERA", std::to_string(star.spec.camera), "Camera number");
  cards.add("CCD", std::to_string(star.spec.ccd), "CCD chip number");
  cards.add("RA_OBJ", decimals(curve_ra(star.id)), "[deg] right ascension");
  cards.add("DEC_OBJ", decimals(curve_dec(star.id)), "[deg] declination");
  cards.add("TESSMAG", decimals(8 + 8 * chance(star.id, 5)), "[mag] TESS magnitude");
  cards.add("TEFF", decimals(3000 + 5000 * chance(star.id, 6)), "[K] Effective temperature");
  cards.add("LOGG", decimals(2 + 3 * chance(star.id, 7)), "[cm/s2] log10 surface gravity");
  // Of most stars it is not known: a card without a value.
  cards.add("MH", "", "[log10([M/H])] metallicity");
  cards.add("RADIUS", decimals(0.2 + 2 * chance(star.id, 8)), "[solar radii] stellar radius");
}

std::string qlp_file(const Star& star) {
  CardList cards = primary_cards();
  cards.add_text("ORIGIN", "MIT/QLP", "institution responsible for creating this file");
  add_star(cards, star);
  const Columns columns = qlp_columns(star);
  return cards.plain() + table_cards(columns, star.spec.rows, "LIGHTCURVE").plain() +
         table_data(columns, star.spec.rows);
}

std::string spoc_file(const Star& star) {
  constexpr int kSide = 11;
  CardList cards = primary_cards();
  cards.add_text("EXTNAME", "PRIMARY", "name of extension");
  cards.add_text("ORIGIN", "NASA/Ames", "institution responsible for creating this file");
  cards.add_text("TELESCOP", "TESS", "telescope");
  add_star(cards, star);
  cards.add_text("TICVER", "8.0", "TICVER");
  const Columns columns = spoc_columns(star);
  const std::string table = table_data(columns, star.spec.rows);
  std::string aperture;
  for (int pixel = 0; pixel < kSide * kSide; ++pixel) append_big_endian(aperture, std::uint32_t{65});
  aperture.resize(static_cast<std::size_t>(padded(aperture.size())), '\0');
  CardList image;
  image.add_text("XTENSION", "IMAGE", "image extension");
  image.add("BITPIX", "32", "array data type");
  image.add("NAXIS", "2", "number of array dimensions");
  image.add("NAXIS1", std::to_string(kSide), "length of dimension 1");
  image.add("NAXIS2", std::to_string(kSide), "length of dimension 2");
  image.add("PCOUNT", "0", "number of group parameters");
  image.add("GCOUNT", "1", "number of groups");
  image.add_text("EXTNAME", "APERTURE", "name of extension");
  return cards.finish(0, 0) + table_cards(columns, star.spec.rows, "LIGHTCURVE").finish(0, word_sum(table)) +
         table + image.finish(0, word_sum(aperture)) + aperture;
}

}  // namespace

double curve_ra(std::uint64_t id) {
  return 360 * chance(id, 11);
}

double curve_dec(std::uint64_t id) {
  return 180 * chance(id, 12) - 90;
}

std::string curve_file(const CurveSpec& spec) {
  const Star star(spec);
  switch (spec.pipeline) {
    case HlspPipeline::tglc:
      return tglc_file(star);
    case HlspPipeline::qlp:
      return qlp_file(star);
    case HlspPipeline::tess_spoc:
      break;
  }
  return spoc_file(star);
}

std::string curve_text(const CurveSpec& spec) {
  const Star star(spec);
  std::string text = "# BJD, detrended flux, quality\n";
  for (int row = 0; row < spec.rows; ++row)
    text += fmt::format("{:14.6f},{:12.8f},{:4}\n", star.time(row), star.is_gap(row) ? 0 : star.flux(row, 2),
                        star.quality(row));
  return text;
}

std::string tica_file(int sector, int camera, int ccd, std::uint64_t cadence, int side) {
  std::string data;
  for (int pixel = 0; pixel < side * side; ++pixel) {
    const double value = 100 * chance(cadence * 16 + static_cast<std::uint64_t>(camera * 4 + ccd),
                                      static_cast<std::uint64_t>(pixel));
    append_value(data, 'E', value);
  }
  data.resize(static_cast<std::size_t>(padded(data.size())), '\0');
  CardList cards;
  cards.add("SIMPLE", "T", "conforms to FITS standard");
  cards.add("BITPIX", "-32", "array data type");
  cards.add("NAXIS", "2", "number of array dimensions");
  cards.add("NAXIS1", std::to_string(side));
  cards.add("NAXIS2", std::to_string(side));
  cards.add_text("TELESCOP", "TESS", "telescope");
  cards.add("SECTOR", std::to_string(sector));
  cards.add("CAMNUM", std::to_string(camera), "camera");
  cards.add("CCDNUM", std::to_string(ccd), "CCD");
  cards.add("CADENCE", std::to_string(cadence), "cadence number");
  return cards.plain() + data;
}

}  // namespace astrofs::sim
