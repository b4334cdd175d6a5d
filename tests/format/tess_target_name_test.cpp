// Names of what TESS gives for a target: real ones, near misses, and where they lie.
#include "backends/format/tess_target_name.h"

#include <gtest/gtest.h>

#include "backends/format/curl_script.h"
#include "tests/format/samples.h"

namespace astrofs::tess {
namespace {

TEST(TessTargetName, ReadsEveryKind) {
  const auto is = [](const char* name, TargetKind kind, std::uint64_t tic, unsigned first, unsigned last) {
    const auto target = parse_target_name(name);
    ASSERT_TRUE(target) << name;
    EXPECT_EQ(*target, (TargetName{kind, tic, first, last})) << name;
  };
  is("tess2018206045859-s0001-0000000117544915-0120-s_lc.fits", TargetKind::light_curve, 117544915, 1, 1);
  is("tess2018206045859-s0001-0000000117544915-0120-s_tp.fits", TargetKind::pixels, 117544915, 1, 1);
  is("tess2020186164531-s0027-0000000025132999-0189-a_fast-lc.fits", TargetKind::fast_light_curve, 25132999,
     27, 27);
  is("tess2020186164531-s0027-0000000025132999-0189-a_fast-tp.fits", TargetKind::fast_pixels, 25132999, 27,
     27);
  is("tess2018206190142-s0001-s0001-0000000117544915-00106_dvr.xml", TargetKind::validation, 117544915, 1, 1);
  is("tess2018206190142-s0001-s0009-0000000040719527-02-00205_dvs.pdf", TargetKind::validation, 40719527, 1,
     9);
}

TEST(TessTargetName, RefusesNearMisses) {
  for (const char* const name : {"", "tess", "tess2018292095939-s0004-1-1-0124-s_ffic.fits",
                                 "tess2018206045859-s0001-117544915-0120-s_lc.fits",
                                 "tess2018206045859-s0001-0000000117544915-0120-s_lc.fits.gz",
                                 "tess2018206045859-s0000-0000000117544915-0120-s_lc.fits",
                                 "tess2018206045859-s0001-0000000000000000-0120-s_lc.fits",
                                 "tess2018206045859-s0001-0000000117544915-0120-q_lc.fits",
                                 "tess2018206190142-s0009-s0001-0000000040719527-00205_dvt.fits",
                                 "tess2018206190142-s0001-s0009-0000000040719527_dvt.fits",
                                 "tess2018206190142-s0001-s0009-0000000040719527-1-2-3_dvt.fits",
                                 "tess2018206190142-s0001-s0009-0000000040719527-_dvt.fits",
                                 "tess2018206190142-s0001-s0009-0000000040719527-00205_dvt.fit"})
    EXPECT_FALSE(parse_target_name(name)) << name;
}

TEST(TessTargetName, SaysWhereASectorsProductsLie) {
  EXPECT_EQ(target_folder(1, 117544915), "tid/s0001/0000/0001/1754/4915/");
  EXPECT_EQ(target_path("tess2018206045859-s0001-0000000117544915-0120-s_lc.fits"),
            "tid/s0001/0000/0001/1754/4915/tess2018206045859-s0001-0000000117544915-0120-s_lc.fits");
  EXPECT_EQ(target_path("tess2018206190142-s0001-s0009-0000000040719527-00205_dvt.fits"), "")
      << "the name does not tell";
  EXPECT_TRUE(is_target_path(
      "tid/s0009/0000/0000/4071/9527/tess2018206190142-s0001-s0009-0000000040719527-00205_dvt.fits"));
  EXPECT_TRUE(is_target_path("tid/s0009/0000/0000/4071/9527/README"));
  for (const char* const path :
       {"tid/s0009/0000/0000/4071/9528/tess2018206190142-s0001-s0009-0000000040719527-00205_dvt.fits",
        "tid/s0009/0000/0000/4071/9527/", "tid/s0009/0000/0000/4071/9527/a/b", "tid/s9/0000/0000/4071/9527/a",
        "tid/s0009/0000/4071/9527/a"})
    EXPECT_FALSE(is_target_path(path)) << path;
}

TEST(TessTargetName, TakesTicsAsUsersWriteThem) {
  EXPECT_EQ(parse_tic("25132999"), 25132999U);
  EXPECT_EQ(parse_tic("9999999999999999"), 9999999999999999U);
  for (const char* const text : {"", "0", "025132999", "+1", "-1", "1 ", "TIC 1", "99999999999999999", "1e5"})
    EXPECT_EQ(parse_tic(text), 0U) << text;
}

TEST(TessTargetName, ReadsEveryNameOfRealScripts) {
  NEEDS_SAMPLES();
  std::size_t names = 0;
  for (const char* const script : {"tesscurl_sector_1_dv.sh", "tesscurl_multisector_s0001-s0009_dv.sh",
                                   "LATTE_tesscurl_sector_all_dv.sh"}) {
    const auto piece = parse_script(testing::content_of(*testing::samples() / "tess/scripts" / script));
    ASSERT_TRUE(piece) << piece.error().message;
    for (const ScriptLine& line : piece->lines) {
      EXPECT_TRUE(parse_target_name(line.name)) << line.name;
      ++names;
    }
  }
  EXPECT_GT(names, 80U);
}

TEST(TessTargetName, FindsTheScriptsOfRunsOverSeveralSectorsOnAPage) {
  using Runs = std::vector<std::pair<unsigned, unsigned>>;
  EXPECT_EQ(multi_sector_scripts("<a href=\"x/tesscurl_multisector_s0001-s0013_dv.sh\">1-13</a> "
                                 "<a href='tesscurl_multisector_s0001-s0009_dv.sh'>"
                                 "tesscurl_multisector_s0001-s0009_dv.sh</a> tesscurl_sector_1_dv.sh"),
            (Runs{{1, 9}, {1, 13}}));
  for (const char* const page :
       {"", "tesscurl_multisector_s", "tesscurl_multisector_s0001-s0009_lc.sh",
        "tesscurl_multisector_s0009-s0009_dv.sh", "tesscurl_multisector_s1-s9_dv.sh",
        "tesscurl_multisector_s0000-s0009_dv.sh", "tesscurl_multisector_s0001-s0009_dv"})
    EXPECT_EQ(multi_sector_scripts(page), Runs{}) << page;
}

}  // namespace
}  // namespace astrofs::tess
