// Type "tess" against the stand-in archive: the tree, the three sources of listings, names that moved.
#include "backends/tess.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "backends/format/tess_name.h"
#include "tests/backends/tess_stage.h"

namespace astrofs {
namespace {

TEST_F(TessArchiveTest, ShowsSectorsUnpaddedAndTheModels) {
  add_chip(1);
  ASSERT_TRUE(server_.add_sector({.sector = 1751, .frames = 1, .chips = {{2, 3}}}));
  EXPECT_THAT(names_of(list("")), ::testing::UnorderedElementsAre("4", "1751", "prf", "tic"));
  EXPECT_THAT(names_of(list("4")), ::testing::ElementsAre("1", "2", "3", "4", "targets"));
  EXPECT_THAT(names_of(list("4/1")), ::testing::ElementsAre("1", "2", "3", "4"));
  EXPECT_EQ(list("1751/2/3").entries.size(), 1U);
}

TEST_F(TessArchiveTest, RefusesPathsThatNoUserWouldWrite) {
  add_chip(1);
  const std::size_t before = server_.requests().size();
  for (const char* const dir :
       {"0004", "0", "04", "+4", "4/0", "4/5", "4/1/5", "4/1/01", "4/1/1/1", "ten", "10000", "4//1"}) {
    EXPECT_EQ(error_of(dir), Errc::not_found) << dir;
  }
  EXPECT_EQ(server_.requests().size(), before) << "nothing of this needs the network";
}

TEST_F(TessArchiveTest, SaysThatASectorDoesNotExistOnlyWhenTheArchiveSaysSo) {
  add_chip(1);
  EXPECT_EQ(error_of("9999"), Errc::not_found);
  EXPECT_EQ(error_of("9999/1/1"), Errc::not_found);
  const auto none = archive().find("", "9999", {});
  ASSERT_TRUE(none) << none.error().message;
  EXPECT_FALSE(*none);

  server_.add_fault(Fault{.kind = Kind::status, .n = 503});
  EXPECT_EQ(error_of("9999"), Errc::unavailable);
  EXPECT_FALSE(archive().find("", "9999", {})) << "a silent archive is not an empty one";
}

TEST_F(TessArchiveTest, FindsASectorByItsNumber) {
  add_chip(1);
  const auto found = archive().find("", "4", {});
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->name, "4");
  EXPECT_EQ((*found)->kind, EntryKind::directory);
  EXPECT_EQ((*found)->locator, "4");

  const std::size_t before = server_.requests().size();
  for (const char* const name : {"0004", "readme", "s0004", ""}) {
    const auto none = archive().find("", name, {});
    ASSERT_TRUE(none) << name;
    EXPECT_FALSE(*none) << name;
  }
  EXPECT_EQ(server_.requests().size(), before);
}

TEST_F(TessArchiveTest, ListsAChipWithOneRequestForEachDay) {
  const Names made = add_chip(200);  // 30 minutes apart: five days
  std::set<std::string> days;
  for (const std::string& name : made) days.insert(name.substr(4, 7));
  server_.clear_log();
  const Listing chip = list("4/1/2");
  EXPECT_EQ(chip.entries.size(), 200U);
  EXPECT_EQ(server_.requests().size(), 2 + days.size()) << "the years, the days of the year, each day";
  EXPECT_EQ(server_.count("_ffic.fits"), 0U) << "no request for a file";
  for (const Entry& entry : chip.entries) {
    EXPECT_TRUE(entry.size) << entry.name;
    EXPECT_FALSE(entry.validator.empty()) << entry.name;
    EXPECT_NE(entry.mtime, SysSeconds{}) << entry.name;
    EXPECT_EQ(entry.locator, tess::ffi_path(entry.name));
  }
}

TEST_F(TessArchiveTest, GivesTheThreeMirrorsOfAFrameInOrder) {
  const std::string name = "tess2018292095939-s0004-1-1-0124-s_ffic.fits";
  const std::string locator = "ffi/s0004/2018/292/1-1/" + name;
  const auto mirrors = archive().locate(locator);
  ASSERT_TRUE(mirrors);
  ASSERT_EQ(mirrors->size(), 3U);
  EXPECT_EQ((*mirrors)[0].url, server_.url() + "/tess/public/" + locator);
  EXPECT_EQ((*mirrors)[1].url, server_.url() + "/missions/tess/" + locator);
  EXPECT_EQ((*mirrors)[2].url, server_.url() + "/api/v0.1/Download/file?uri=mast:TESS/product/" + name);
  EXPECT_EQ(archive().validator_origin(), (*mirrors)[0].origin());

  for (const char* const wrong :
       {"ffi/s0004/2018/293/1-1/tess2018292095939-s0004-1-1-0124-s_ffic.fits",
        "ffi/s0005/2018/292/1-1/tess2018292095939-s0004-1-1-0124-s_ffic.fits",
        "ffi/s0004/2018/292/1-1/README", "4/1/1", "prf/start_s0001/cam1_ccd1/x.fits"}) {
    EXPECT_FALSE(archive().locate(wrong)) << wrong;
  }
}

TEST_F(TessArchiveTest, ListsDoubledExposuresOnceAndFindsTheOtherName) {
  const Names made = add_chip(10, {1, 2}, 4);
  ASSERT_EQ(made.size(), 14U);
  const Names shown = names_of(list("4/1/2"));
  EXPECT_EQ(shown.size(), 10U);
  for (const std::string& name : made) {
    if (std::find(shown.begin(), shown.end(), name) != shown.end()) continue;
    const Names others = archive().other_names(name);
    EXPECT_TRUE(std::any_of(others.begin(), others.end(), [&](const std::string& other) {
      return std::find(shown.begin(), shown.end(), other) != shown.end();
    })) << name;
  }
}

TEST_F(TessArchiveTest, FallsBackToTheScriptAndThenToPages) {
  ASSERT_TRUE(server_.add_sector({.sector = 4, .frames = 100, .chips = {{1, 2}, {2, 2}}}));
  const Names from_s3 = names_of(list("4/1/2"));
  EXPECT_EQ(from_s3.size(), 100U);

  stop_s3();
  server_.clear_log();
  const Listing from_script = list("4/1/2");
  EXPECT_EQ(names_of(from_script), from_s3);
  EXPECT_EQ(server_.count("tesscurl", "HEAD"), 1U);
  EXPECT_EQ(server_.count("/missions/tess/ffi/"), 0U);
  for (const Entry& entry : from_script.entries) EXPECT_FALSE(entry.size) << entry.name;

  stop_scripts();
  const Listing from_pages = list("4/1/2");
  EXPECT_EQ(names_of(from_pages), from_s3);
  for (const Entry& entry : from_pages.entries) {
    EXPECT_FALSE(entry.size) << "a rounded size is no size: " << entry.name;
    EXPECT_TRUE(entry.validator.empty());
    EXPECT_EQ(entry.locator, tess::ffi_path(entry.name));
  }
  EXPECT_THAT(names_of(list("")), ::testing::UnorderedElementsAre("4", "prf", "tic"));
}

TEST_F(TessArchiveTest, AScriptThatDoesNotNameAChipYetIsNoEmptyChip) {
  ASSERT_TRUE(server_.add_sector({.sector = 4, .frames = 10, .chips = {{1, 2}, {2, 2}}}));
  server_.serve_file("/missions/tess/download_scripts/sector/tesscurl_sector_4_ffic.sh", "#!/bin/sh\n");
  stop_s3();
  EXPECT_EQ(list("4/1/2").entries.size(), 10U);
}

TEST_F(TessArchiveTest, DoesNotFallBackFromACorruptAnswer) {
  add_chip(5);
  server_.add_fault(Fault{.path = "*list-type*", .kind = Kind::body, .text = "<ListBucketResult><Contents>"});
  EXPECT_EQ(error_of("4/1/2"), Errc::corrupt);
}

TEST_F(TessArchiveTest, ADayWithoutFramesOfAChipIsNoFault) {
  const Names made = add_chip(100);
  add_chip(150, {1, 3});  // a day more than the first chip has
  stop_s3();
  stop_scripts();
  EXPECT_EQ(list("4/1/2").entries.size(), made.size());
  EXPECT_EQ(list("4/1/3").entries.size(), 150U);
}

TEST_F(TessArchiveTest, APageThatIsListedButNotFoundFailsTheChip) {
  add_chip(100);
  stop_s3();
  stop_scripts();
  server_.add_fault(Fault{.path = "*/293/1-2/", .kind = Kind::status, .n = 404});
  EXPECT_EQ(error_of("4/1/2"), Errc::unavailable);
}

TEST_F(TessArchiveTest, ShowsOtherProductsOnlyWhenAsked) {
  add_chip(3);
  const std::string day = "/tess/public/ffi/s0004/2018/292/1-2/";
  const Names others{"tess2018292095939-s0004-1-2-0124-s_ffir.fits",
                     "tess2018292095939-s0004-tvcol-1-2-a-0124-s_col.fits",
                     "tess2018292095939-s0004-1-2-0124-s_cbv.fits"};
  for (const std::string& name : others) server_.serve_file(day + name, "SIMPLE  = ");
  server_.serve_file(day + "README", "no product");
  EXPECT_EQ(list("4/1/2").entries.size(), 3U);

  archive_.reset();
  const Listing all = list("4/1/2", {.raw = true, .collateral = true, .cbv = true});
  EXPECT_EQ(all.entries.size(), 6U);
  EXPECT_THAT(names_of(all), ::testing::IsSupersetOf(others));
  for (const Entry& entry : all.entries) EXPECT_TRUE(archive().locate(entry.locator)) << entry.locator;
}

TEST_F(TessArchiveTest, LooksAtAYoungSectorMoreOftenThanAtAnOldOne) {
  add_chip(3);
  clock_.advance(std::chrono::seconds(1'539'943'179 - 1'000'000));  // the day of the exposures
  const auto young = list("4/1/2").good_for;
  clock_.advance(std::chrono::hours(24 * 365));
  const auto old = list("4/1/2").good_for;
  EXPECT_LE(young, std::chrono::hours(12));
  EXPECT_GE(old, std::chrono::hours(24));
}

TEST_F(TessArchiveTest, ModelsAreATableAndCostNoRequest) {
  std::map<std::string, std::string> locators;
  for (const std::string& set : names_of(list("prf"))) {
    const Listing chips = list("prf/" + set);
    EXPECT_EQ(chips.entries.size(), 16U);
    for (const Entry& chip : chips.entries) {
      const Listing models = list(chip.locator);
      EXPECT_EQ(models.entries.size(), 25U);
      for (const Entry& model : models.entries) locators.emplace(model.locator, model.name);
    }
  }
  EXPECT_EQ(locators.size(), 800U);
  // Names of the archive, one from each change of its stamps.
  for (const char* const known :
       {"prf/start_s0001/cam1_ccd1/tess2018243163600-prf-1-1-row0001-col0045.fits",
        "prf/start_s0001/cam2_ccd4/tess2018243163601-prf-2-4-row0513-col0557.fits",
        "prf/start_s0004/cam1_ccd1/tess2019107181900-prf-1-1-row1025-col1069.fits",
        "prf/start_s0004/cam3_ccd1/tess2019107181901-prf-3-1-row1536-col1580.fits",
        "prf/start_s0004/cam3_ccd2/tess2019107181902-prf-3-2-row2048-col2092.fits"}) {
    EXPECT_TRUE(locators.contains(known)) << known;
  }
  EXPECT_EQ(server_.requests().size(), 0U);
  EXPECT_EQ(error_of("prf/start_s0002"), Errc::not_found);
  EXPECT_EQ(error_of("prf/start_s0001/cam5_ccd1"), Errc::not_found);
}

TEST_F(TessArchiveTest, ServesEveryModel) {
  server_.add_prf_models();
  for (const Entry& model : list("prf/start_s0004/cam2_ccd3").entries) {
    const auto mirrors = archive().locate(model.locator);
    ASSERT_TRUE(mirrors);
    ASSERT_EQ(mirrors->size(), 1U);
    const auto response = http_.fetcher().fetch(*mirrors);
    ASSERT_TRUE(response) << mirrors->front().url << ": " << response.error().message;
    EXPECT_TRUE(response->body.starts_with("SIMPLE  ="));
  }
}

const FitsCard* card(const HduShape& hdu, std::string_view keyword) {
  const auto found = std::find_if(hdu.cards.begin(), hdu.cards.end(),
                                  [&](const FitsCard& c) { return c.keyword == keyword; });
  return found == hdu.cards.end() ? nullptr : &*found;
}

TEST_F(TessArchiveTest, KnowsWhatAMissingFrameLookedLike) {
  const auto shape = archive().shape("ffi/s0004/2018/292/3-2/tess2018292095939-s0004-3-2-0124-s_ffic.fits");
  ASSERT_TRUE(shape) << shape.error().message;
  ASSERT_EQ(shape->hdus.size(), 3U);
  EXPECT_TRUE(shape->hdus[0].axes.empty());
  ASSERT_NE(card(shape->hdus[0], "DATE-OBS"), nullptr);
  EXPECT_EQ(card(shape->hdus[0], "DATE-OBS")->value, "'2018-10-19T09:59:39.000Z'");
  EXPECT_EQ(card(shape->hdus[0], "SCCONFIG")->value, "124");
  for (const std::size_t i : {1U, 2U}) {
    const HduShape& image = shape->hdus[i];
    EXPECT_EQ(image.bitpix, -32);
    EXPECT_THAT(image.axes, ::testing::ElementsAre(2136, 2078));
    EXPECT_EQ(card(image, "CAMERA")->value, "3");
    EXPECT_EQ(card(image, "CCD")->value, "2");
    EXPECT_EQ(card(image, "NUM_FRM")->value, "900");
    EXPECT_EQ(card(image, "EXPOSURE")->value, "0.016500000000");
    EXPECT_EQ(card(image, "TIMEDEL")->value, "0.020833333333");
  }
  EXPECT_EQ(card(shape->hdus[1], "EXTNAME")->value, "'CAMERA.CCD 3.2 cal'");
  EXPECT_EQ(card(shape->hdus[2], "EXTNAME")->value, "'CAMERA.CCD 3.2 uncert'");

  const auto raw = archive().shape("ffi/s0060/2022/357/1-1/tess2022357155939-s0060-1-1-0249-s_ffir.fits");
  ASSERT_TRUE(raw);
  ASSERT_EQ(raw->hdus.size(), 2U);
  EXPECT_EQ(raw->hdus[1].bitpix, 32);
  EXPECT_EQ(card(raw->hdus[1], "NUM_FRM")->value, "100");

  const auto model =
      archive().shape("prf/start_s0001/cam1_ccd1/tess2018243163600-prf-1-1-row0001-col0045.fits");
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, Errc::unsupported);
}

}  // namespace
}  // namespace astrofs
