#include "backends/curve_table.h"

#include <fmt/format.h>

namespace astrofs {
namespace {

constexpr std::string_view kDays = "BJD - 2457000, days";
constexpr std::string_view kRate = "e-/s";
constexpr std::string_view kPlace = "F10.5";

/// What a cell of integers has when it has nothing.
constexpr const char* kNoInteger = "-1";

unsigned bytes_of(char type) {
  return type == 'D' ? 8 : type == 'I' ? 2 : 4;
}

}  // namespace

const std::vector<CurveColumn>& light_curve_columns() {
  static const std::vector<CurveColumn> columns{
      {"TIME", 'D', 1, 1, kDays, "D14.7"},        {"TIMECORR", 'E', 1, 1, "d"},
      {"CADENCENO", 'J', 1, 1, "", "I10"},        {"SAP_FLUX", 'E', 1, 1, kRate},
      {"SAP_FLUX_ERR", 'E', 1, 1, kRate},         {"SAP_BKG", 'E', 1, 1, kRate},
      {"SAP_BKG_ERR", 'E', 1, 1, kRate},          {"PDCSAP_FLUX", 'E', 1, 1, kRate},
      {"PDCSAP_FLUX_ERR", 'E', 1, 1, kRate},      {"QUALITY", 'J', 1, 1, "", "B16.16"},
      {"PSF_CENTR1", 'D', 1, 1, "pixel", kPlace}, {"PSF_CENTR1_ERR", 'E', 1, 1, "pixel"},
      {"PSF_CENTR2", 'D', 1, 1, "pixel", kPlace}, {"PSF_CENTR2_ERR", 'E', 1, 1, "pixel"},
      {"MOM_CENTR1", 'D', 1, 1, "pixel", kPlace}, {"MOM_CENTR1_ERR", 'E', 1, 1, "pixel"},
      {"MOM_CENTR2", 'D', 1, 1, "pixel", kPlace}, {"MOM_CENTR2_ERR", 'E', 1, 1, "pixel"},
      {"POS_CORR1", 'E', 1, 1, "pixels"},         {"POS_CORR2", 'E', 1, 1, "pixels"}};
  return columns;
}

std::vector<CurveColumn> pixel_columns(std::uint64_t width, std::uint64_t height) {
  return {{"TIME", 'D', 1, 1, kDays, "D14.7"},     {"TIMECORR", 'E', 1, 1, "d"},
          {"CADENCENO", 'J', 1, 1, "", "I10"},     {"RAW_CNTS", 'J', width, height, "count", "I8"},
          {"FLUX", 'E', width, height, kRate},     {"FLUX_ERR", 'E', width, height, kRate},
          {"FLUX_BKG", 'E', width, height, kRate}, {"FLUX_BKG_ERR", 'E', width, height, kRate},
          {"QUALITY", 'J', 1, 1, "", "B16.16"},    {"POS_CORR1", 'E', 1, 1, "pixel"},
          {"POS_CORR2", 'E', 1, 1, "pixel"}};
}

std::string quoted_value(std::string_view text) {
  return fmt::format("'{:<8}'", text);
}

HduShape curve_table(std::span<const CurveColumn> columns, std::vector<FitsCard> cards, std::uint64_t rows) {
  HduShape hdu;
  std::uint64_t row = 0;
  unsigned number = 0;
  for (const CurveColumn& column : columns) {
    const std::string index = std::to_string(++number);
    const std::uint64_t cells = column.width * column.height;
    const std::string count = cells == 1 ? "" : std::to_string(cells);
    hdu.cards.push_back({"TTYPE" + index, quoted_value(column.name), "column title"});
    hdu.cards.push_back({"TFORM" + index, quoted_value(count + column.type), "column format"});
    if (!column.unit.empty())
      hdu.cards.push_back({"TUNIT" + index, quoted_value(column.unit), "column units"});
    if (!column.display.empty())
      hdu.cards.push_back({"TDISP" + index, quoted_value(column.display), "column display format"});
    if (cells > 1)
      hdu.cards.push_back({"TDIM" + index, quoted_value(fmt::format("({},{})", column.width, column.height)),
                           "column dimensions"});
    if (column.type == 'J' || column.type == 'I')
      hdu.cards.push_back({"TNULL" + index, kNoInteger, "no value"});
    row += cells * bytes_of(column.type);
  }
  for (FitsCard& card : cards) hdu.cards.push_back(std::move(card));
  hdu.axes = {row, rows};
  return hdu;
}

}  // namespace astrofs
