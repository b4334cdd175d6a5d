// Names and paths of the light-curve pipelines, on names that the archive has.
#include "backends/format/hlsp_names.h"

#include <gtest/gtest.h>

namespace astrofs::hlsp {
namespace {

constexpr std::uint64_t kGaia = 6'399'196'263'939'178'880;

TEST(HlspNames, PutsACurveOfTglcWhereTheArchiveHasIt) {
  const Curve curve{Pipeline::tglc, 1, kGaia, 2, 1};
  EXPECT_EQ(curve.name(), "hlsp_tglc_tess_ffi_gaiaid-6399196263939178880-s0001-cam2-ccd1_tess_v1_llc.fits");
  EXPECT_EQ(curve.folder(), "tglc/s0001/cam2-ccd1/0063/9919/6263/9391");
  EXPECT_EQ(parse_curve(curve.name()), curve);
}

TEST(HlspNames, PadsTheFoldersOfAShortGaiaId) {
  EXPECT_EQ(gaia_folders(52'359'538'285'081'728), "0000/5235/9538/2850");
  EXPECT_EQ(gaia_folders(573'937'274'335'905'152), "0005/7393/7274/3359");
}

TEST(HlspNames, PutsCurvesOfQlpAndTessSpocWhereTheirScriptsDo) {
  const Curve qlp{Pipeline::qlp, 23, 1234, 0, 0};
  EXPECT_EQ(qlp.path(),
            "qlp/s0023/0000/0000/0000/1234/hlsp_qlp_tess_ffi_s0023-0000000000001234_tess_v01_llc.fits");
  EXPECT_EQ(parse_curve(qlp.name()), qlp);
  const Curve spoc{Pipeline::tess_spoc, 23, 471'012'345, 0, 0};
  EXPECT_EQ(spoc.path(),
            "tess-spoc/s0023/target/0000/0004/7101/2345/"
            "hlsp_tess-spoc_tess_phot_0000000471012345-s0023_tess_v1_lc.fits");
  EXPECT_EQ(parse_curve(spoc.name()), spoc);
}

TEST(HlspNames, PutsImagesOfTicaByChip) {
  const Image image{89, "1", 1'234'567, 1, 1};
  EXPECT_EQ(image.path(),
            "tica/s0089/cam1-ccd1/hlsp_tica_tess_ffi_s0089-o1-01234567-cam1-ccd1_tess_v01_img.fits");
  EXPECT_EQ(parse_image(image.name()), image);
  EXPECT_TRUE(parse_image("hlsp_tica_tess_ffi_s0089-o2b-01234567-cam4-ccd3_tess_v01_img.fits"));
}

TEST(HlspNames, TakesNoOtherName) {
  for (const char* const name :
       {"", "hlsp_qlp_tess_ffi_s0023-0000000000001234_tess_v01_llc.txt",
        "hlsp_qlp_tess_ffi_s0023-000000000000123_tess_v01_llc.fits",
        "hlsp_qlp_tess_ffi_s023-0000000000001234_tess_v01_llc.fits",
        "hlsp_qlp_tess_ffi_s0023-00000000000012+4_tess_v01_llc.fits",
        "hlsp_tess-spoc_tess_phot_0000000000001234-s0023_tess_v1_tp.fits",
        "hlsp_tglc_tess_ffi_gaiaid--s0001-cam2-ccd1_tess_v1_llc.fits",
        "hlsp_tglc_tess_ffi_gaiaid-06399-s0001-cam2-ccd1_tess_v1_llc.fits",
        "hlsp_tglc_tess_ffi_gaiaid-99999999999999999999-s0001-cam2-ccd1_tess_v1_llc.fits",
        "hlsp_tglc_tess_ffi_gaiaid-6399196263939178880-s0001-cam5-ccd1_tess_v1_llc.fits",
        "hlsp_tglc_tess_ffi_gaiaid-6399196263939178880-s0001-cam2-ccd1_tess_v1_llc.fits.gz"}) {
    EXPECT_FALSE(parse_curve(name)) << name;
  }
  for (const char* const name : {"hlsp_tica_tess_ffi_s0089-o3-01234567-cam1-ccd1_tess_v01_img.fits",
                                 "hlsp_tica_tess_ffi_s0089-o1-1234567-cam1-ccd1_tess_v01_img.fits"}) {
    EXPECT_FALSE(parse_image(name)) << name;
  }
}

TEST(HlspNames, KnowsPipelinesAndSectorsByTheirDirectories) {
  for (const Pipeline pipeline : kPipelines) EXPECT_EQ(pipeline_in(directory_of(pipeline)), pipeline);
  EXPECT_FALSE(pipeline_in("eleanor"));
  EXPECT_EQ(sector_in("s0023"), 23U);
  EXPECT_EQ(sector_in("s1751"), 1751U);
  for (const char* const other : {"s0000", "s23", "s00023", "0023", "s002x", "s-023", ""})
    EXPECT_FALSE(sector_in(other)) << other;
}

TEST(HlspNames, NamesEachFileInThreePlaces) {
  const std::string path = Curve{Pipeline::qlp, 23, 1234, 0, 0}.path();
  EXPECT_EQ(s3_key(path), "mast/hlsp/" + path);
  EXPECT_EQ(archive_path(path), "/hlsps/" + path);
  EXPECT_EQ(mast_uri(path), "mast:HLSP/" + path);
}

TEST(HlspNames, NamesScriptsAndTargetLists) {
  EXPECT_EQ(script_path(Pipeline::tglc, 1),
            "/hlsps/tglc/download_scripts/hlsp_tglc_tess_ffi_s0001_tess_v1_llc.sh");
  EXPECT_EQ(script_path(Pipeline::qlp, 23),
            "/hlsps/qlp/download_scripts/hlsp_qlp_tess_ffi_s0023_tess_v01_llc-fits.sh");
  EXPECT_EQ(script_path(Pipeline::tess_spoc, 23),
            "/hlsps/tess-spoc/download_scripts/hlsp_tess-spoc_tess_phot_s0023_tess_v1_dl-lc.sh");
  EXPECT_EQ(image_script_path(37, "1a", 2, 3),
            "/hlsps/tica/bundles/s0037/hlsp_tica_tess_ffi_s0037-o1a-cam2-ccd3_tess_v01_ffis.sh");
  EXPECT_EQ(target_list_path(Pipeline::tess_spoc, 23), "/hlsps/tess-spoc/target_lists/s0023.csv");
  EXPECT_EQ(target_list_path(Pipeline::tica, 23), "");
}

}  // namespace
}  // namespace astrofs::hlsp
