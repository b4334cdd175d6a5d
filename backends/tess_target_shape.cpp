#include "backends/tess_target_shape.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "backends/format/tess_target_name.h"

namespace astrofs::tess {
namespace {

/// Pixels of a stamp each way: of all but bright stars.
constexpr unsigned kSide = 11;
// Cards of the real headers: they decide how much of a file of known size is left for rows.
constexpr std::uint32_t kPrimaryCards = 44;
constexpr std::uint32_t kTableCards = 161;
constexpr std::uint32_t kImageCards = 49;

struct Column {
  std::string_view name;
  char type{'E'};
  unsigned count{1};
  std::string_view unit{};
  std::string_view display{"E14.7"};
};

constexpr std::string_view kDays = "BJD - 2457000, days";
constexpr std::string_view kRate = "e-/s";
constexpr std::string_view kPlace = "F10.5";

const std::vector<Column>& light_curve() {
  static const std::vector<Column> columns{
      {"TIME", 'D', 1, kDays, "D14.7"},        {"TIMECORR", 'E', 1, "d"},
      {"CADENCENO", 'J', 1, "", "I10"},        {"SAP_FLUX", 'E', 1, kRate},
      {"SAP_FLUX_ERR", 'E', 1, kRate},         {"SAP_BKG", 'E', 1, kRate},
      {"SAP_BKG_ERR", 'E', 1, kRate},          {"PDCSAP_FLUX", 'E', 1, kRate},
      {"PDCSAP_FLUX_ERR", 'E', 1, kRate},      {"QUALITY", 'J', 1, "", "B16.16"},
      {"PSF_CENTR1", 'D', 1, "pixel", kPlace}, {"PSF_CENTR1_ERR", 'E', 1, "pixel"},
      {"PSF_CENTR2", 'D', 1, "pixel", kPlace}, {"PSF_CENTR2_ERR", 'E', 1, "pixel"},
      {"MOM_CENTR1", 'D', 1, "pixel", kPlace}, {"MOM_CENTR1_ERR", 'E', 1, "pixel"},
      {"MOM_CENTR2", 'D', 1, "pixel", kPlace}, {"MOM_CENTR2_ERR", 'E', 1, "pixel"},
      {"POS_CORR1", 'E', 1, "pixels"},         {"POS_CORR2", 'E', 1, "pixels"}};
  return columns;
}

const std::vector<Column>& pixels() {
  constexpr unsigned kStamp = kSide * kSide;
  static const std::vector<Column> columns{
      {"TIME", 'D', 1, kDays, "D14.7"},  {"TIMECORR", 'E', 1, "d"},
      {"CADENCENO", 'J', 1, "", "I10"},  {"RAW_CNTS", 'J', kStamp, "count", "I8"},
      {"FLUX", 'E', kStamp, kRate},      {"FLUX_ERR", 'E', kStamp, kRate},
      {"FLUX_BKG", 'E', kStamp, kRate},  {"FLUX_BKG_ERR", 'E', kStamp, kRate},
      {"QUALITY", 'J', 1, "", "B16.16"}, {"POS_CORR1", 'E', 1, "pixel"},
      {"POS_CORR2", 'E', 1, "pixel"}};
  return columns;
}

std::string quoted(std::string_view text) {
  return fmt::format("'{:<8}'", text);
}

/// Every cell of integers is -1: a cadence that no real file has, and all bits of QUALITY.
constexpr const char* kNoInteger = "-1";

std::vector<FitsCard> target_cards(const TargetName& target, std::string_view extension) {
  return {{"INHERIT", "T", "inherit the primary header"},
          {"EXTNAME", quoted(extension), "name of extension"},
          {"EXTVER", "1", "extension version number (not format version)"},
          {"SIMDATA", "F", "file is based on simulated data"},
          {"TELESCOP", quoted("TESS"), "telescope"},
          {"INSTRUME", quoted("TESS Photometer"), "detector type"},
          {"OBJECT", quoted(fmt::format("TIC {}", target.tic)), "string version of target id"},
          {"TICID", std::to_string(target.tic), "unique tess target identifier"}};
}

HduShape table(const std::vector<Column>& columns, const TargetName& target, std::string_view extension) {
  HduShape hdu;
  std::uint64_t row = 0;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const Column& column = columns[i];
    const std::string number = std::to_string(i + 1);
    const std::string count = column.count == 1 ? "" : std::to_string(column.count);
    hdu.cards.push_back({"TTYPE" + number, quoted(column.name), "column title"});
    hdu.cards.push_back({"TFORM" + number, quoted(count + column.type), "column format"});
    if (!column.unit.empty()) hdu.cards.push_back({"TUNIT" + number, quoted(column.unit), "column units"});
    hdu.cards.push_back({"TDISP" + number, quoted(column.display), "column display format"});
    if (column.count > 1)
      hdu.cards.push_back({"TDIM" + number, quoted(fmt::format("({0},{0})", kSide)), "column dimensions"});
    if (column.type == 'J') hdu.cards.push_back({"TNULL" + number, kNoInteger, "no value"});
    row += std::uint64_t{column.count} * (column.type == 'D' ? 8 : 4);
  }
  for (FitsCard& card : target_cards(target, extension)) hdu.cards.push_back(std::move(card));
  hdu.axes = {row, 0};  // as many rows as the file's size has room for
  hdu.usual_cards = kTableCards;
  return hdu;
}

HduShape primary(const TargetName& target, unsigned extensions) {
  HduShape hdu;
  hdu.cards = {{"NEXTEND", std::to_string(extensions), "number of standard extensions"},
               {"EXTNAME", quoted("PRIMARY"), "name of extension"},
               {"EXTVER", "1", "extension version number (not format version)"},
               {"SIMDATA", "F", "file is based on simulated data"},
               {"ORIGIN", quoted("NASA/Ames"), "institution responsible for creating this file"},
               {"TELESCOP", quoted("TESS"), "telescope"},
               {"INSTRUME", quoted("TESS Photometer"), "detector type"},
               {"OBJECT", quoted(fmt::format("TIC {}", target.tic)), "string version of target id"},
               {"TICID", std::to_string(target.tic), "unique tess target identifier"},
               {"SECTOR", std::to_string(target.first_sector), "Observing sector"}};
  hdu.usual_cards = kPrimaryCards;
  return hdu;
}

HduShape aperture(const TargetName& target) {
  constexpr int kIntegers = 32;
  HduShape hdu;
  hdu.bitpix = kIntegers;
  hdu.axes = {kSide, kSide};
  hdu.cards = target_cards(target, "APERTURE");
  hdu.usual_cards = kImageCards;
  return hdu;
}

}  // namespace

Result<FrameShape> target_shape_of(std::string_view name) {
  const auto target = parse_target_name(name);
  if (!target || target->kind == TargetKind::validation)
    return fail(Errc::unsupported, "nothing is made up for reports and other products");
  const bool is_curve =
      target->kind == TargetKind::light_curve || target->kind == TargetKind::fast_light_curve;
  FrameShape shape;
  shape.hdus.push_back(primary(*target, 2));
  shape.hdus.push_back(is_curve ? table(light_curve(), *target, "LIGHTCURVE")
                                : table(pixels(), *target, "PIXELS"));
  shape.hdus.push_back(aperture(*target));
  return shape;
}

}  // namespace astrofs::tess
