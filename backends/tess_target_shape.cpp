#include "backends/tess_target_shape.h"

#include <fmt/format.h>

#include <string>
#include <utility>
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

HduShape table(const std::vector<CurveColumn>& columns, const TargetName& target, std::string_view extension,
               std::uint64_t rows) {
  HduShape hdu = curve_table(columns, target_cards(target, extension), rows);
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

HduShape aperture(const TargetName& target, std::uint64_t width, std::uint64_t height) {
  constexpr int kIntegers = 32;
  HduShape hdu;
  hdu.bitpix = kIntegers;
  hdu.axes = {width, height};
  hdu.cards = target_cards(target, "APERTURE");
  hdu.usual_cards = kImageCards;
  return hdu;
}

}  // namespace

Result<FrameShape> target_shape_of(std::string_view name, const TableModel& model) {
  const auto target = parse_target_name(name);
  if (!target) return fail(Errc::unsupported, "nothing is made up for other products");
  return target_shape_of(*target, model);
}

Result<FrameShape> target_shape_of(const TargetName& target, const TableModel& model) {
  if (target.kind == TargetKind::validation) return fail(Errc::unsupported, "nothing is made up for reports");
  const bool is_curve = target.kind == TargetKind::light_curve || target.kind == TargetKind::fast_light_curve;
  const bool has_stamp = model.width > 0 && model.height > 0;
  const std::uint64_t width = has_stamp ? model.width : kStampSide;
  const std::uint64_t height = has_stamp ? model.height : kStampSide;
  FrameShape shape;
  shape.hdus.push_back(primary(target, 2));
  shape.hdus.push_back(is_curve ? table(light_curve_columns(), target, "LIGHTCURVE", model.rows)
                                : table(pixel_columns(width, height), target, "PIXELS", model.rows));
  shape.hdus.push_back(aperture(target, width, height));
  return shape;
}

std::string target_family(const TargetName& target) {
  if (target.kind == TargetKind::validation) return {};
  const bool is_fast = target.kind == TargetKind::fast_light_curve || target.kind == TargetKind::fast_pixels;
  return fmt::format("{} s{:04}", is_fast ? "fast" : "target", target.first_sector);
}

std::string target_twin(std::string_view name) {
  for (const auto& [one, other] : {std::pair("lc.fits", "tp.fits"), std::pair("tp.fits", "lc.fits")}) {
    if (!name.ends_with(one)) continue;
    name.remove_suffix(std::string_view(one).size());
    return std::string(name) + other;
  }
  return {};
}

}  // namespace astrofs::tess
