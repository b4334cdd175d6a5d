#include "tests/support/ffi_cards.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "tests/support/sim_http.h"

namespace astrofs::sim {
namespace {

struct CardRow {
  std::string_view keyword, value, comment;
};

/// The regions of the detector are the same in every full frame.
constexpr std::array<CardRow, 38> kRegions{{
    {"LVCSA", "1", "leading columns, A"},
    {"LVCEA", "11", "their last, A"},
    {"TVCSA", "2093", "trailing columns, A"},
    {"TVCEA", "2103", "their last, A"},
    {"SCCSA", "45", "science columns, A"},
    {"SCCEA", "556", "their last, A"},
    {"SCICOLHA", "T", "read upwards, A"},
    {"LVCSB", "12", "leading columns, B"},
    {"LVCEB", "22", "their last, B"},
    {"TVCSB", "2104", "trailing columns, B"},
    {"TVCEB", "2114", "their last, B"},
    {"SCCSB", "557", "science columns, B"},
    {"SCCEB", "1068", "their last, B"},
    {"SCICOLHB", "F", "read upwards, B"},
    {"LVCSC", "23", "leading columns, C"},
    {"LVCEC", "33", "their last, C"},
    {"TVCSC", "2115", "trailing columns, C"},
    {"TVCEC", "2125", "their last, C"},
    {"SCCSC", "1069", "science columns, C"},
    {"SCCEC", "1580", "their last, C"},
    {"SCICOLHC", "T", "read upwards, C"},
    {"LVCSD", "34", "leading columns, D"},
    {"LVCED", "44", "their last, D"},
    {"TVCSD", "2126", "trailing columns, D"},
    {"TVCED", "2136", "their last, D"},
    {"SCCSD", "1581", "science columns, D"},
    {"SCCED", "2092", "their last, D"},
    {"SCICOLHD", "F", "read upwards, D"},
    {"SCIROWS", "1", "science rows"},
    {"SCIROWE", "2048", "their last"},
    {"VROWS", "2069", "virtual rows"},
    {"VROWE", "2078", "their last"},
    {"SMROWS", "2059", "smear rows"},
    {"SMROWE", "2068", "their last"},
    {"BFROWS", "2049", "buffer rows"},
    {"BFROWE", "2058", "their last"},
    {"RADESYS", "'ICRS    '          ", "celestial frame"},
    {"EQUINOX", "2000.0", "equinox"},
}};

constexpr std::array<CardRow, 12> kPhysical{{
    {"WCSNAMEP", "'PHYSICAL'          ", "physical coordinates"},
    {"WCSAXESP", "2", "physical axes"},
    {"CTYPE1P", "'RAWX    '          ", "column"},
    {"CUNIT1P", "'PIXEL   '          ", "unit"},
    {"CRPIX1P", "1", "reference column"},
    {"CRVAL1P", "1", "its value"},
    {"CDELT1P", "1.0", "step"},
    {"CTYPE2P", "'RAWY    '          ", "row"},
    {"CUNIT2P", "'PIXEL   '          ", "unit"},
    {"CRPIX2P", "1", "reference row"},
    {"CRVAL2P", "1", "its value"},
    {"CDELT2P", "1.0", "step"},
}};

constexpr double kSecondsPerDay = 86400;
/// From UTC to the time scale of TSTART (TDB) in the years of TESS.
constexpr double kTdbMinusUtc = 69.184;

double tess_days(double unix_seconds) {
  return (unix_seconds + kTdbMinusUtc) / kSecondsPerDay + 2440587.5 - 2457000.0;
}

/// DATE-OBS of the primary header is the name's stamp plus a fraction of a second that the name drops.
constexpr double kFraction = 0.521;

std::string date_card(double unix_seconds) {
  const double whole = std::floor(unix_seconds);
  return fmt::format("{}.{:03}Z",
                     format_utc(SysSeconds(seconds(static_cast<std::int64_t>(whole))), "%Y-%m-%dT%H:%M:%S"),
                     static_cast<int>((unix_seconds - whole) * 1000));
}

double start_of(const FrameSpec& spec) {
  return static_cast<double>(spec.start.time_since_epoch().count()) + kFraction;
}

void add_distortion(CardList& cards, std::string_view name, int order, int first_degree, double sign) {
  for (int degree = first_degree; degree <= order; ++degree) {
    for (int power = degree; power >= 0; --power) {
      // Every degree adds about a tenth of what the one before it adds at the detector's edge.
      const double size =
          (1.0 + 0.13 * power) * std::pow(10.0, -5.0 - 4.0 * (degree - 2)) * (degree == 1 ? 1e-8 : 1.0);
      cards.add(fmt::format("{}{}_{}", name, power, degree - power), fmt::format("{:.12E}", sign * size),
                "distortion");
    }
  }
}

void add_celestial(CardList& cards, const FrameSpec& spec, int order, bool inverse) {
  const double right = 55.0 + (spec.ccd == 1 || spec.ccd == 4 ? -6.0 : 6.0);
  const double declination = -12.0 - 24.0 * (spec.camera - 1) + (spec.ccd <= 2 ? 5.5 : -5.5);
  cards.add("WCSAXES", "2", "axes");
  cards.add_text("CTYPE1", "RA---TAN-SIP", "tangent plane, SIP");
  cards.add_text("CTYPE2", "DEC--TAN-SIP", "tangent plane, SIP");
  cards.add("CRVAL1", fmt::format("{:.13f}", right), "[deg] RA");
  cards.add("CRVAL2", fmt::format("{:.13f}", declination), "[deg] declination");
  cards.add("CRPIX1", "1045.0", "reference column");
  cards.add("CRPIX2", "1001.0", "reference row");
  cards.add("CD1_1", "0.005456", "[deg/pixel]");
  cards.add("CD1_2", "-0.001812", "[deg/pixel]");
  cards.add("CD2_1", "0.001674", "[deg/pixel]");
  cards.add("CD2_2", "0.005412", "[deg/pixel]");
  cards.add("A_ORDER", std::to_string(order), "polynomial order");
  cards.add("B_ORDER", std::to_string(order), "polynomial order");
  add_distortion(cards, "A_", order, 2, 1);
  add_distortion(cards, "B_", order, 2, -1);
  if (inverse) {
    cards.add("AP_ORDER", std::to_string(order), "inverse order");
    cards.add("BP_ORDER", std::to_string(order), "inverse order");
    add_distortion(cards, "AP_", order, 1, -1);
    add_distortion(cards, "BP_", order, 1, 1);
  }
  cards.add("A_DMAX", "47.761", "[pixel] largest distortion");
  cards.add("B_DMAX", "47.774", "[pixel] largest distortion");
}

void add_times(CardList& cards, const FrameSpec& spec) {
  const double length = spec.cadence / kSecondsPerDay;
  const double live =
      0.792;  // of the two-second frames: 0.99 of the time, four fifths kept by the cosmic-ray filter
  const double start = start_of(spec) + spec.barycorr * kSecondsPerDay;
  const int frames = spec.cadence / 2;
  cards.add("EXPOSURE", fmt::format("{:.12f}", length * live), "[d] on source");
  cards.add_text("TIMEREF", "SOLARSYSTEM", "barycentric");
  cards.add_text("TASSIGN", "SPACECRAFT", "where time is taken");
  cards.add_text("TIMESYS", "TDB", "time scale");
  cards.add("BJDREFI", "2457000", "BTJD zero, days");
  cards.add("BJDREFF", "0.00000000", "its fraction");
  cards.add_text("TIMEUNIT", "d", "unit of times");
  cards.add("TELAPSE", fmt::format("{:.12f}", length), "[d] TSTOP - TSTART");
  cards.add("LIVETIME", fmt::format("{:.16f}", length * live), "[d] live");
  cards.add("TSTART", fmt::format("{:.12f}", tess_days(start)), "[BTJD] begin");
  cards.add("TSTOP", fmt::format("{:.12f}", tess_days(start) + length), "[BTJD] end");
  cards.add_text("DATE-OBS", date_card(start), "begin, barycentric");
  cards.add_text("DATE-END", date_card(start + spec.cadence), "end, barycentric");
  cards.add("DEADC", "0.7920000000000000", "live fraction");
  cards.add("TIMEPIXR", "0.5", "middle of the bin");
  cards.add("TIERRELA", "1.16E-05", "[d] relative error");
  cards.add("BTC_PIX1", "1068.0", "column of the correction");
  cards.add("BTC_PIX2", "1024.0", "row of the correction");
  cards.add_text("BUNIT", "electrons/s", "unit of pixels");
  cards.add("BARYCORR", fmt::format("{:.7E}", spec.barycorr), "[d] barycentric correction");
  cards.add("INT_TIME", "1.980000000000", "[s] a frame collects");
  cards.add("READTIME", "0.020000000000", "[s] a readout");
  cards.add("FRAMETIM", "2.000000000000", "[s] both");
  cards.add("NUM_FRM", std::to_string(frames), "frames added");
  cards.add("TIMEDEL", fmt::format("{:.17f}", length), "[d] cadence");
  cards.add("BACKAPP", "F", "background taken off");
  cards.add("DEADAPP", "T", "dead time applied");
  cards.add("VIGNAPP", "T", "vignetting applied");
}

void add_electronics(CardList& cards, const FrameSpec& spec) {
  constexpr std::array<double, 4> kGain{5.22, 5.21, 5.21, 5.26};
  constexpr std::array<double, 4> kNoise{10.02, 7.71, 7.45, 10.10};
  constexpr std::array<int, 4> kBlack{6653, 6720, 6612, 6458};
  constexpr std::string_view kOutputs = "ABCD";
  for (std::size_t output = 0; output < kOutputs.size(); ++output) {
    cards.add(fmt::format("GAIN{}", kOutputs[output]), fmt::format("{:.3f}", kGain[output]),
              "[electrons/count]");
  }
  for (std::size_t output = 0; output < kOutputs.size(); ++output) {
    cards.add(fmt::format("READNOI{}", kOutputs[output]), fmt::format("{:.3f}", kNoise[output]),
              "[electrons]");
  }
  cards.add("NREADOUT", std::to_string(spec.cadence * 2 / 5), "reads per cadence");
  cards.add("FXDOFF", "3355400", "compression offset");
  cards.add(fmt::format("TMOFST{}{}", spec.camera, spec.ccd), "0.0", "[s] readout delay");
  for (std::size_t output = 0; output < kOutputs.size(); ++output) {
    cards.add(fmt::format("MEANBLC{}", kOutputs[output]), std::to_string(kBlack[output]),
              "[count] black level");
  }
}

CardList cards_with_wcs(const FrameSpec& spec, std::string_view type, int order, bool inverse) {
  CardList cards;
  cards.add_text("XTENSION", "IMAGE", "image extension");
  cards.add("BITPIX", "-32", "IEEE single precision");
  cards.add("NAXIS", "2", "axes");
  cards.add("NAXIS1", std::to_string(spec.size.width), "columns");
  cards.add("NAXIS2", std::to_string(spec.size.height), "rows");
  cards.add("PCOUNT", "0", "no parameters");
  cards.add("GCOUNT", "1", "one group");
  cards.add("INHERIT", "T", "primary header holds too");
  cards.add_text("EXTNAME", fmt::format("CAMERA.CCD {}.{} {}", spec.camera, spec.ccd, type), "name");
  cards.add("EXTVER", "1", "version of the name");
  cards.add("SIMDATA", "F", "simulated sky");
  cards.add_text("TELESCOP", "TESS", "telescope");
  cards.add_text("INSTRUME", "TESS Photometer", "detector");
  cards.add("CAMERA", std::to_string(spec.camera), "camera");
  cards.add("CCD", std::to_string(spec.ccd), "chip");
  add_times(cards, spec);
  add_electronics(cards, spec);
  for (const CardRow& row : kRegions) cards.add(row.keyword, row.value, row.comment);
  if (order > 0) add_celestial(cards, spec, order, inverse);
  for (const CardRow& row : kPhysical) cards.add(row.keyword, row.value, row.comment);
  cards.add("RA_NOM", "55.0", "[deg] boresight");
  cards.add("DEC_NOM", fmt::format("{:.1f}", -12.0 - 24.0 * (spec.camera - 1)), "[deg] boresight");
  cards.add("ROLL_NOM", "-157.17", "[deg] roll");
  cards.add("DQUALITY", std::to_string(spec.quality), "quality flags");
  cards.add_text("IMAGTYPE", type, "raw, cal or uncert");
  return cards;
}

}  // namespace

CardList primary_cards(const FrameSpec& spec) {
  const double start = start_of(spec);
  const double length = spec.cadence / kSecondsPerDay;
  CardList cards;
  cards.add("SIMPLE", "T", "FITS");
  cards.add("BITPIX", "8", "bytes");
  cards.add("NAXIS", "0", "no data");
  cards.add("EXTEND", "T", "extensions follow");
  cards.add("NEXTEND", "2", "so many");
  cards.add_text("EXTNAME", "PRIMARY", "name");
  cards.add("EXTVER", "1", "version of the name");
  cards.add("SIMDATA", "F", "simulated sky");
  cards.add_text("ORIGIN", "NASA/Ames", "institution");
  cards.add_text("DATE", format_utc(spec.written, "%Y-%m-%d"), "written");
  cards.add("TSTART", fmt::format("{:.12f}", tess_days(start)), "[TJD] begin");
  cards.add("TSTOP", fmt::format("{:.12f}", tess_days(start) + length), "[TJD] end");
  cards.add_text("DATE-OBS", date_card(start), "begin, UTC");
  cards.add_text("DATE-END", date_card(start + spec.cadence), "end, UTC");
  cards.add_text("CREATOR", "archive_sim", "made by");
  cards.add_text("PROCVER", "spoc-5.0.20-20210219", "software");
  cards.add_text("FILEVER", "1.0", "format");
  cards.add_text("TIMVERSN", "OGIP/93-003", "time convention");
  cards.add_text("TELESCOP", "TESS", "telescope");
  cards.add_text("INSTRUME", "TESS Photometer", "detector");
  cards.add("DATA_REL", "5", "data release");
  cards.add("ASTATE", "T", "final processing");
  cards.add("SCCONFIG", std::to_string(spec.scid), "spacecraft configuration");
  cards.add_text("RADESYS", "ICRS", "celestial frame");
  cards.add("EQUINOX", "2000.0", "equinox");
  cards.add("CRMITEN", "T", "cosmic rays mitigated on board");
  cards.add("CRBLKSZ", "10", "[exposures] their block");
  cards.add("CRSPOC", "F", "cosmic rays cleaned on ground");
  return cards;
}

CardList image_cards(const FrameSpec& spec, std::string_view type) {
  const std::uint64_t header = spec.data_offset - kFitsBlock;
  const std::size_t room = static_cast<std::size_t>(header) / kCard - 3;  // CHECKSUM, DATASUM, END
  CardList without = cards_with_wcs(spec, type, 0, false);
  if (spec.data_offset <= kDataOffsets.front()) return without;
  // Longer headers are those with more distortion terms: the lowest order that reaches the last block.
  constexpr int kHighestOrder = 9;  // two digits are not allowed in the names
  constexpr std::size_t kCardsInBlock = kFitsBlock / kCard;
  CardList chosen = cards_with_wcs(spec, type, 4, false);
  for (int order = 4; order <= kHighestOrder && chosen.count() + kCardsInBlock <= room; ++order) {
    CardList cards = cards_with_wcs(spec, type, order, true);
    if (cards.count() > room) break;
    chosen = std::move(cards);
  }
  return chosen.count() <= room ? chosen : without;
}

}  // namespace astrofs::sim
