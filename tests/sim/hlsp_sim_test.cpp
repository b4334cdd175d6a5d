// The light-curve pipelines as the stand-in archive plays them.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/hlsp_curve.h"
#include "tests/support/hlsp_sectors.h"
#include "tests/support/sim_content.h"

namespace astrofs::sim {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string text_of(const ResourcePtr& resource, std::uint64_t offset, std::size_t length) {
  std::string text(length, ' ');
  resource->read(offset, std::as_writable_bytes(std::span(text)));
  return text;
}

class HlspSim : public ::testing::Test {
 protected:
  ContentTree tree_;
};

TEST_F(HlspSim, AScriptIsTheSameInWholeAndInPieces) {
  put_hlsp(tree_, {.sectors = {23}, .stars = 50});
  for (const char* const path :
       {"/hlsps/tglc/download_scripts/hlsp_tglc_tess_ffi_s0023_tess_v1_llc.sh",
        "/hlsps/qlp/download_scripts/hlsp_qlp_tess_ffi_s0023_tess_v01_llc-fits.sh"}) {
    const ResourcePtr script = tree_.find(path);
    ASSERT_NE(script, nullptr) << path;
    const std::string whole = text_of(script, 0, script->size);
    EXPECT_THAT(whole, StartsWith("#!/bin/sh\ncurl -f --create-dirs --output 's0023/"));
    EXPECT_EQ(whole.back(), '\n');
    std::string pieces;
    for (std::uint64_t at = 0; at < script->size; at += 1000)
      pieces += text_of(script, at, std::min<std::uint64_t>(1000, script->size - at));
    EXPECT_EQ(pieces, whole);
  }
}

TEST_F(HlspSim, LinesAreThoseOfTheRealScripts) {
  put_hlsp(tree_, {.sectors = {1}});
  const ResourcePtr qlp =
      tree_.find("/hlsps/qlp/download_scripts/hlsp_qlp_tess_ffi_s0001_tess_v01_llc-fits.sh");
  EXPECT_EQ(text_of(qlp, 10, 270),
            "curl -f --create-dirs --output "
            "'s0001/0000/0000/0000/1234/hlsp_qlp_tess_ffi_s0001-0000000000001234_tess_v01_llc.fits' "
            "'https://mast.stsci.edu/api/v0.1/Download/file/?uri=mast:HLSP/qlp/s0001/0000/0000/0000/1234/"
            "hlsp_qlp_tess_ffi_s0001-0000000000001234_tess_v01_llc.fits'\n");
}

TEST_F(HlspSim, EveryKeyOfAPageIsAFileOfItsSize) {
  put_hlsp(tree_, {});
  const auto page = tree_.keys("mast/hlsp/", "", "", 1000);
  EXPECT_GT(page.entries.size(), 600U);
  EXPECT_TRUE(std::ranges::is_sorted(page.entries, {}, &ListedEntry::name));
  for (const ListedEntry& entry : page.entries) {
    const ResourcePtr resource = tree_.find(entry.name);
    ASSERT_NE(resource, nullptr) << entry.name;
    EXPECT_EQ(resource->size, entry.size);
    if (entry.name.ends_with(".fits")) {
      EXPECT_EQ(text_of(resource, 0, 9), "SIMPLE  =") << entry.name;
    }
  }
  EXPECT_EQ(tree_.find("mast/hlsp/qlp/s0001/0000/0000/0000/1235/x.fits"), nullptr);
}

TEST_F(HlspSim, CurvesOfAPipelineHaveOneLength) {
  for (const HlspPipeline pipeline : {HlspPipeline::tglc, HlspPipeline::qlp, HlspPipeline::tess_spoc}) {
    const auto size = [&](std::uint64_t tic, std::uint64_t gaia) {
      return curve_file({.pipeline = pipeline, .sector = 23, .tic = tic, .gaia = gaia}).size();
    };
    EXPECT_EQ(size(1, 52'359'538'285'081'728), size(2'000'000'000, 6'399'196'263'939'178'880));
  }
  const auto text = [](std::uint64_t tic) { return curve_text({.tic = tic}).size(); };
  EXPECT_EQ(text(1234), text(700'000'123));
}

TEST_F(HlspSim, ColumnsOfQlpChangeWithSector56) {
  EXPECT_THAT(curve_file({.sector = 55, .tic = 1}), HasSubstr("'KSPSAP_FLUX_ERR'"));
  EXPECT_THAT(curve_file({.sector = 56, .tic = 1}), HasSubstr("'DET_FLUX_ERR'"));
  EXPECT_THAT(curve_file({.sector = 56, .tic = 1}), HasSubstr("'SYS_RM_FLUX'"));
}

TEST_F(HlspSim, TargetListsNameEveryTargetInRowsOfOneWidth) {
  const HlspOptions options{.sectors = {1}};
  put_hlsp(tree_, options);
  const ResourcePtr list = tree_.find("/hlsps/qlp/target_lists/s0001.csv");
  const std::string text = text_of(list, 0, list->size);
  EXPECT_THAT(text, StartsWith("#TIC_ID,RA,DEC\n"));
  EXPECT_EQ(static_cast<std::uint64_t>(std::ranges::count(text, '\n')), options.targets + 1);
  EXPECT_EQ(text.find('\0'), std::string::npos);
  const ResourcePtr stars = tree_.find("/hlsps/tglc/target_lists/s0001.csv");
  EXPECT_THAT(text_of(stars, 0, stars->size), StartsWith("#GAIADR3_ID,TIC_ID,RA,DEC\n"));
}

}  // namespace
}  // namespace astrofs::sim
