#include "backends/format/mast_missions.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "backends/format/hst_name.h"
#include "tests/format/samples.h"

namespace astrofs {
namespace {

TEST(MastMissions, ReadsWhichFilesThereAreAndWhoMayHaveThem) {
  const auto products = mast::parse_products(R"({"products": [
    {"filename": "a.fits", "access": "PUBLIC", "size": 3},
    {"access": "PROPRIETARY", "filename": "b.fits"},
    {"filename": "c.fits", "access": null}, {"filename": null}, {"size": 1}, 7]})");
  ASSERT_TRUE(products) << products.error().message;
  ASSERT_EQ(products->size(), 3U);
  EXPECT_EQ((*products)[0].name, "a.fits");
  EXPECT_TRUE((*products)[0].is_public);
  EXPECT_FALSE((*products)[1].is_public);
  EXPECT_FALSE((*products)[2].is_public) << "what says nothing of access is not public";
}

TEST(MastMissions, ReadsFilesOfSeveralDataSets) {
  const auto products =
      mast::parse_products(R"({"products": [[{"filename": "a"}, {"filename": "b", "access": "public"}]]})");
  ASSERT_TRUE(products);
  ASSERT_EQ(products->size(), 2U);
  EXPECT_TRUE((*products)[1].is_public);
}

TEST(MastMissions, ReadsDataSetsAndHowManyThereAre) {
  const auto page = mast::parse_data_sets(
      R"({"totalResults": 12, "results": [{"n": "A"}, {"n": null}, {"n": "B"}], "info": []})", "n");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->names, (std::vector<std::string>{"A", "B"}));
  EXPECT_EQ(page->rows, 3U);
  EXPECT_EQ(page->total, 12U);
  const auto uncounted = mast::parse_data_sets(R"({"results": [{"n": "A"}]})", "n");
  ASSERT_TRUE(uncounted);
  EXPECT_EQ(uncounted->total, 1U);
}

TEST(MastMissions, ReadsPathsOfThoseThatHaveOne) {
  const auto paths = mast::parse_paths(
      R"({"mast:HST/product/a": {"status_code": 200, "path": "/hst/public/x/a"},
          "mast:HST/product/b": {"status_code": 404, "path": null}})");
  ASSERT_TRUE(paths);
  EXPECT_EQ(paths->size(), 1U);
  EXPECT_EQ(paths->at("mast:HST/product/a"), "/hst/public/x/a");
}

TEST(MastMissions, WhatIsNoAnswerIsAnErrorAndNothingIsMadeOfIt) {
  const std::string deep = std::string(2000, '[') + std::string(2000, ']');
  for (const std::string& bad :
       {std::string(), std::string("[]"), std::string("<html>"), std::string(R"({"products": 3})"),
        std::string(R"({"results": {}})"), std::string(R"({"products": [{"filename": "a")"),
        R"({"products": )" + deep + "}"}) {
    EXPECT_FALSE(mast::parse_products(bad)) << bad;
    EXPECT_FALSE(mast::parse_data_sets(bad, "n")) << bad;
  }
  EXPECT_FALSE(mast::parse_paths(R"({"detail": "no"})"));
}

TEST(MastMissions, ReadsRecordedAnswers) {
  NEEDS_SAMPLES();
  const auto recorded = [](const char* name) {
    return testing::content_of(*testing::samples() / "tess/mast_json" / name);
  };
  const auto files = mast::parse_products(recorded("mission_products.json"));
  ASSERT_TRUE(files);
  ASSERT_EQ(files->size(), 5U);
  EXPECT_EQ((*files)[0].name, "z14z0104t_shf.fits");
  EXPECT_TRUE(std::all_of(files->begin(), files->end(), [](const auto& file) { return file.is_public; }));
  const auto page = mast::parse_data_sets(recorded("mission_results.json"), "sci_data_set_name");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->names, (std::vector<std::string>{"W1DG8D06T", "W1DG9S01T", "J8DM01ELQ"}));
  EXPECT_EQ(page->total, 3U);
  const auto paths = mast::parse_paths(recorded("mast_relative_path.json"));
  ASSERT_TRUE(paths);
  ASSERT_EQ(paths->size(), 1U);
  EXPECT_EQ(paths->begin()->second, "/hst/" + hst::folder_of("u9o40504m") + "u9o40504m_c3m.fits");
}

TEST(HstName, KnowsDataSetsByTheirNineLetters) {
  for (const char* const good : {"j8pu0y010", "u9o40504m", "lbgu17qnq", "ifxe01010"})
    EXPECT_TRUE(hst::is_data_set(good)) << good;
  for (const char* const bad : {"", "j8pu0y01", "j8pu0y0100", "a8pu0y010", "J8PU0Y010", "j8pu0y01.",
                                "proposal", "j8pu0y/10", "18pu0y010"})
    EXPECT_FALSE(hst::is_data_set(bad)) << bad;
  EXPECT_EQ(hst::small_letters("J8PU0Y010"), "j8pu0y010");
  EXPECT_EQ(hst::capital_letters("j8pu0y010"), "J8PU0Y010");
  EXPECT_EQ(hst::folder_of("j8pu0y010"), "public/j8pu/j8pu0y010/");
}

TEST(HstName, KnowsProposalsByTheirNumbers) {
  EXPECT_EQ(hst::parse_proposal("10775"), 10775U);
  for (const char* const bad : {"", "0", "010775", "-1", "+1", "1x", "1000000", "99999999999999999999"})
    EXPECT_EQ(hst::parse_proposal(bad), 0U) << bad;
}

TEST(HstName, TakesNoPathThatLeavesThePublicFolder) {
  EXPECT_TRUE(hst::is_public_path("public/hap/10775/0y/hst_10775_0y_acs_wfc_f606w_j8pu0y_drc.fits"));
  for (const std::string& bad :
       {std::string("public/"), std::string("public/a/"), std::string("private/a"),
        std::string("public/../a"), std::string("public/a//b"), std::string("public/a/.b"),
        std::string("public/a?x=1"), std::string("public/a b"), std::string("/public/a"),
        "public/" + std::string(1000, 'a')})
    EXPECT_FALSE(hst::is_public_path(bad)) << bad;
}

}  // namespace
}  // namespace astrofs
