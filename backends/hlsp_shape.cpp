#include "backends/hlsp_shape.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <vector>

#include "backends/curve_table.h"
#include "backends/format/hlsp_names.h"
#include "backends/format/tess_target_name.h"
#include "backends/tess_target_shape.h"

namespace astrofs::hlsp {
namespace {

// Cards of a real file of TGLC: they decide how much of a file of known size is left for rows.
constexpr std::uint32_t kPrimaryCards = 36;
constexpr std::uint32_t kTableCards = 60;
/// The sector from which on QLP's columns have other names.
constexpr unsigned kFirstDetrended = 56;

std::vector<CurveColumn> plain(std::initializer_list<std::pair<std::string_view, char>> columns) {
  std::vector<CurveColumn> out;
  for (const auto& [name, type] : columns)
    out.push_back({.name = std::string(name), .type = type, .display = ""});
  return out;
}

std::vector<CurveColumn> tglc_columns() {
  return plain({{"time", 'D'},
                {"psf_flux", 'E'},
                {"aperture_flux", 'E'},
                {"cal_psf_flux", 'E'},
                {"cal_aper_flux", 'E'},
                {"background", 'E'},
                {"cadence_num", 'J'},
                {"TESS_flags", 'I'},
                {"TGLC_flags", 'I'}});
}

std::vector<CurveColumn> qlp_columns(unsigned sector) {
  const bool is_detrended = sector >= kFirstDetrended;
  const std::string flux = is_detrended ? "DET_FLUX" : "KSPSAP_FLUX";
  auto columns = plain({{"TIME", 'D'},
                        {"CADENCENO", 'J'},
                        {"SAP_FLUX", 'E'},
                        {flux, 'E'},
                        {flux + "_ERR", 'E'},
                        {"QUALITY", 'J'},
                        {"ORBITID", 'J'},
                        {"SAP_X", 'E'},
                        {"SAP_Y", 'E'},
                        {"SAP_BKG", 'E'},
                        {"SAP_BKG_ERR", 'E'},
                        {flux + "_SML", 'E'},
                        {flux + "_LAG", 'E'}});
  if (is_detrended) columns.push_back({.name = "SYS_RM_FLUX", .display = ""});
  return columns;
}

FrameShape curve_shape(const Curve& curve, const TableModel& model) {
  const bool is_tglc = curve.pipeline == Pipeline::tglc;
  HduShape primary;
  primary.cards = {{"NEXTEND", "1", "number of standard extensions"},
                   {"EXTNAME", quoted_value("PRIMARY"), "name of extension"},
                   {"ORIGIN", quoted_value(is_tglc ? "UCSB/TGLC" : "MIT/QLP"),
                    "institution responsible for creating this file"},
                   {"TELESCOP", quoted_value("TESS"), "telescope"},
                   {"INSTRUME", quoted_value("TESS Photometer"), "detector type"},
                   {"OBJECT", quoted_value(fmt::format("{} {}", is_tglc ? "Gaia DR3" : "TIC", curve.id)),
                    "string version of target id"},
                   {is_tglc ? "GAIADR3" : "TICID", std::to_string(curve.id), "target id"},
                   {"SECTOR", std::to_string(curve.sector), "observation sector"}};
  if (is_tglc) {
    primary.cards.push_back({"CAMERA", std::to_string(curve.camera), "camera No."});
    primary.cards.push_back({"CCD", std::to_string(curve.ccd), "CCD No."});
  }
  primary.usual_cards = kPrimaryCards;
  HduShape table = curve_table(is_tglc ? tglc_columns() : qlp_columns(curve.sector),
                               {{"EXTNAME", quoted_value("LIGHTCURVE"), "name of extension"}}, model.rows);
  table.usual_cards = kTableCards;
  return FrameShape{{std::move(primary), std::move(table)}};
}

struct Product {
  Curve curve;  ///< itself, or that of the same target
  bool has_pixels{false};
};

std::optional<Product> table_product(std::string_view name) {
  constexpr std::string_view kPixels = "_tp.fits";
  if (const auto curve = parse_curve(name)) return Product{*curve};
  if (!name.ends_with(kPixels)) return std::nullopt;
  name.remove_suffix(kPixels.size());
  const auto curve = parse_curve(std::string(name) + "_lc.fits");
  if (!curve || curve->pipeline != Pipeline::tess_spoc) return std::nullopt;
  return Product{*curve, true};
}

}  // namespace

Result<FrameShape> shape_of(std::string_view name, const TableModel& model) {
  const auto product = table_product(name);
  if (!product) return fail(Errc::unsupported, "nothing is made up for images, text and lists");
  const Curve& curve = product->curve;
  if (curve.pipeline != Pipeline::tess_spoc) return curve_shape(curve, model);
  // TESS-SPOC writes what SPOC writes of a target, under another name.
  return tess::target_shape_of(
      {.kind = product->has_pixels ? tess::TargetKind::pixels : tess::TargetKind::light_curve,
       .tic = curve.id,
       .first_sector = curve.sector,
       .last_sector = curve.sector},
      model);
}

std::string family_of(std::string_view name) {
  const auto product = table_product(name);
  if (!product) return {};
  return fmt::format("{} s{:04}", static_cast<int>(product->curve.pipeline), product->curve.sector);
}

std::string twin_of(std::string_view name) {
  const auto product = table_product(name);
  return product && product->curve.pipeline == Pipeline::tess_spoc ? tess::target_twin(name) : "";
}

}  // namespace astrofs::hlsp
