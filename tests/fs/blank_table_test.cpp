// Placeholders of tables: rows of NaN and TNULL in a file of exactly the listed size, which cfitsio reads.
#include "fs/blank_table.h"

#include <gtest/gtest.h>

#include <cmath>

#include "backends/hlsp_shape.h"
#include "backends/tess_target_shape.h"
#include "tests/fs/placeholder_file.h"

namespace astrofs {
namespace {

constexpr const char* kCurve = "tess2018206045859-s0001-0000000117544915-0120-s_lc.fits";
constexpr const char* kPixels = "tess2018206045859-s0001-0000000117544915-0120-s_tp.fits";

std::string bytes_of(const Placeholder& made) {
  std::string bytes(static_cast<std::size_t>(made.size()), '\0');
  EXPECT_EQ(made.read(0, std::as_writable_bytes(std::span(bytes))), bytes.size());
  return bytes;
}

constexpr const char* kTglc =
    "hlsp_tglc_tess_ffi_gaiaid-6399196263939178880-s0001-cam2-ccd1_tess_v1_llc.fits";
constexpr const char* kSpocPixels = "hlsp_tess-spoc_tess_phot_0000000000001234-s0023_tess_v1_tp.fits";

std::string qlp_curve(const char* sector) {
  return "hlsp_qlp_tess_ffi_" + std::string(sector) + "-0000000000001234_tess_v01_llc.fits";
}

Result<Placeholder> make(std::string_view name, std::optional<std::uint64_t> size) {
  const auto shape = name.starts_with("hlsp_") ? hlsp::shape_of(name) : tess::target_shape_of(name);
  EXPECT_TRUE(shape);
  return Placeholder::make(*shape, std::nullopt, size, MissingCause::denied_by_archive, name);
}

TEST(BlankTable, ALightCurveHasTheListedSizeAndAboutTheRowsOfARealOne) {
  constexpr std::uint64_t kReal = 2'039'040;  // 20,076 rows
  const auto made = make(kCurve, kReal);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->size(), kReal);
  const std::string bytes = bytes_of(*made);
  const std::size_t at = bytes.find("NAXIS2  =", 2880);
  const long rows = std::stol(bytes.substr(at + 10, 20));
  EXPECT_NEAR(static_cast<double>(rows), 20'076, 60);
  EXPECT_NE(bytes.find("TTYPE8  = 'PDCSAP_FLUX'"), std::string::npos);
  EXPECT_NE(bytes.find("ASTROFS = 'PLACEHOLDER'"), std::string::npos);
}

TEST(BlankTable, EveryRowIsBlankWhereverOneReads) {
  const auto made = make(kCurve, 2'039'040);
  ASSERT_TRUE(made);
  const std::string bytes = bytes_of(*made);
  const std::size_t table = bytes.find("XTENSION= 'BINTABLE'");
  const std::size_t begin = (bytes.find("END     ", table) / 2880 + 1) * 2880;
  const std::string row = bytes.substr(begin, 100);
  EXPECT_EQ(row.substr(0, 8), std::string("\x7f\xf8\0\0\0\0\0\0", 8)) << "TIME";
  EXPECT_EQ(row.substr(12, 4), "\xff\xff\xff\xff") << "CADENCENO";
  for (const std::size_t number : {1U, 77U, 19'000U})
    EXPECT_EQ(bytes.substr(begin + number * 100, 100), row) << number;
  std::string piece(250, '\0');
  made->read(begin + 12'345, std::as_writable_bytes(std::span(piece)));
  EXPECT_EQ(piece, bytes.substr(begin + 12'345, 250));
}

TEST(BlankTable, ItsSumsAreRight) {
  for (const auto& [name, size] : {std::pair(kCurve, 2'039'040U),
                                   {kPixels, 2'880U * 4'000},
                                   {kCurve, 2'880U * 14},
                                   {kTglc, 57'600U},
                                   {kSpocPixels, 2'880U * 400}}) {
    const auto made = make(name, size);
    ASSERT_TRUE(made) << made.error().message;
    ASSERT_EQ(made->size(), size);
    const std::string bytes = bytes_of(*made);
    // Each HDU sums up to -0, so all of them do.
    fits::WordSum sum;
    sum.add(std::as_bytes(std::span(bytes)), 0);
    EXPECT_TRUE(sum.is(0)) << name;
  }
}

TEST(BlankTable, OfUnknownSizeItHasNoRowsAndSizesThatCannotBeAreRefused) {
  const auto made = make(kPixels, std::nullopt);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_NE(bytes_of(*made).find("NAXIS2  =                    0"), std::string::npos);
  EXPECT_FALSE(make(kCurve, 2'039'041));
  EXPECT_FALSE(make(kCurve, 2'880));
}

TEST(BlankTable, ACurveOfTglcHasTheColumnsOfARealOneAndAboutItsRows) {
  const auto made = make(kTglc, 57'600);  // 1,282 rows
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->size(), 57'600U);
  const std::string bytes = bytes_of(*made);
  EXPECT_NE(bytes.find("GAIADR3 =  6399196263939178880"), std::string::npos);
  const std::size_t table = bytes.find("XTENSION= 'BINTABLE'");
  const auto value = [&](const char* card) {
    return std::stol(bytes.substr(bytes.find(card, table) + 10, 20));
  };
  EXPECT_EQ(value("NAXIS1  ="), 36);
  EXPECT_NEAR(static_cast<double>(value("NAXIS2  =")), 1'282, 80);
  EXPECT_EQ(value("TNULL9  ="), -1);
}

TEST(BlankTable, ColumnsOfQlpHaveOtherNamesFromSector56On) {
  const std::string early = bytes_of(*make(qlp_curve("s0055"), 2'880 * 30));
  EXPECT_NE(early.find("'KSPSAP_FLUX_LAG'"), std::string::npos);
  EXPECT_EQ(early.find("DET_FLUX"), std::string::npos);
  const std::string late = bytes_of(*make(qlp_curve("s0056"), 2'880 * 30));
  EXPECT_NE(late.find("TTYPE14 = 'SYS_RM_FLUX'"), std::string::npos);
  EXPECT_EQ(late.find("KSPSAP"), std::string::npos);
}

TEST(BlankTable, NothingIsMadeUpForReports) {
  for (const char* const name :
       {"tess2018206190142-s0001-s0001-0000000117544915-00106_dvr.xml",
        "tess2018206190142-s0001-s0001-0000000117544915-00106_dvt.fits",
        "tess2018206190142-s0001-s0001-0000000117544915-00106_dvm.pdf", "observations.csv"})
    EXPECT_FALSE(tess::target_shape_of(name)) << name;
  for (const char* const name :
       {"hlsp_qlp_tess_ffi_s0023-0000000000001234_tess_v01_llc.txt", "target_list.csv",
        "hlsp_tica_tess_ffi_s0089-o1-00001234-cam1-ccd1_tess_v01_img.fits"})
    EXPECT_FALSE(hlsp::shape_of(name)) << name;
}

}  // namespace
}  // namespace astrofs
