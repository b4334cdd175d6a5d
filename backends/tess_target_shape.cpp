#include "backends/tess_target_shape.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "backends/curve_table.h"

namespace astrofs::tess {
namespace {

// Cards of the real headers: they decide how much of a file of known size is left for rows.
constexpr std::uint32_t kPrimaryCards = 44;
constexpr std::uint32_t kTableCards = 161;
constexpr std::uint32_t kImageCards = 49;

std::vector<FitsCard> target_cards(const TargetName& target, std::string_view extension) {
  return {{"INHERIT", "T", "inherit the primary header"},
          {"EXTNAME", quoted_value(extension), "name of extension"},
          {"EXTVER", "1", "extension version number (not format version)"},
          {"SIMDATA", "F", "file is based on simulated data"},
          {"TELESCOP", quoted_value("TESS"), "telescope"},
          {"INSTRUME", quoted_value("TESS Photometer"), "detector type"},
          {"OBJECT", quoted_value(fmt::format("TIC {}", target.tic)), "string version of target id"},
          {"TICID", std::to_string(target.tic), "unique tess target identifier"}};
}

HduShape table(const std::vector<CurveColumn>& columns, const TargetName& target,
               std::string_view extension) {
  HduShape hdu = curve_table(columns, target_cards(target, extension));
  hdu.usual_cards = kTableCards;
  return hdu;
}

HduShape primary(const TargetName& target, unsigned extensions) {
  HduShape hdu;
  hdu.cards = {{"NEXTEND", std::to_string(extensions), "number of standard extensions"},
               {"EXTNAME", quoted_value("PRIMARY"), "name of extension"},
               {"EXTVER", "1", "extension version number (not format version)"},
               {"SIMDATA", "F", "file is based on simulated data"},
               {"ORIGIN", quoted_value("NASA/Ames"), "institution responsible for creating this file"},
               {"TELESCOP", quoted_value("TESS"), "telescope"},
               {"INSTRUME", quoted_value("TESS Photometer"), "detector type"},
               {"OBJECT", quoted_value(fmt::format("TIC {}", target.tic)), "string version of target id"},
               {"TICID", std::to_string(target.tic), "unique tess target identifier"},
               {"SECTOR", std::to_string(target.first_sector), "Observing sector"}};
  hdu.usual_cards = kPrimaryCards;
  return hdu;
}

HduShape aperture(const TargetName& target) {
  constexpr int kIntegers = 32;
  HduShape hdu;
  hdu.bitpix = kIntegers;
  hdu.axes = {kStampSide, kStampSide};
  hdu.cards = target_cards(target, "APERTURE");
  hdu.usual_cards = kImageCards;
  return hdu;
}

}  // namespace

Result<FrameShape> target_shape_of(std::string_view name) {
  const auto target = parse_target_name(name);
  if (!target) return fail(Errc::unsupported, "nothing is made up for other products");
  return target_shape_of(*target);
}

Result<FrameShape> target_shape_of(const TargetName& target) {
  if (target.kind == TargetKind::validation) return fail(Errc::unsupported, "nothing is made up for reports");
  const bool is_curve = target.kind == TargetKind::light_curve || target.kind == TargetKind::fast_light_curve;
  FrameShape shape;
  shape.hdus.push_back(primary(target, 2));
  shape.hdus.push_back(is_curve ? table(light_curve_columns(), target, "LIGHTCURVE")
                                : table(pixel_columns(), target, "PIXELS"));
  shape.hdus.push_back(aperture(target));
  return shape;
}

}  // namespace astrofs::tess
