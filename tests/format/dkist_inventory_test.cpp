#include "backends/format/dkist_inventory.h"

#include <gtest/gtest.h>

namespace astrofs::dkist {
namespace {

constexpr std::string_view kPage = R"({"recordCount": 7, "searchResults": [
  {"datasetId": "BEOGN", "productId": "L1-FHZQM", "status": "ACTIVE", "bucket": "data", "primaryProposalId": "pid_1_123",
   "asdfObjectKey": "pid_1_123/BEOGN/VISP_L1_20221024T194714_BEOGN_metadata.asdf", "browseMovieObjectKey": "pid_1_123/BEOGN/BEOGN.mp4",
   "qualityReportObjectKey": null, "instrumentName": "VISP", "targetTypes": ["sunspot", null, "a/b"], "isEmbargoed": true,
   "createDate": "2023-01-02T03:04:05.678901", "updateDate": "2024-05-06T07:08:09", "somethingNew": {"a": [1]}},
  {"datasetId": "../..", "bucket": "data", "primaryProposalId": "p"},
  {"datasetId": "ABCDEF", "bucket": "..", "primaryProposalId": "p"},
  {"datasetId": "ABCDEF", "bucket": null, "primaryProposalId": null}, 17]})";

TEST(DkistInventory, ReadsWhatARecordSaysAndPassesOverWhatIsNone) {
  const auto page = parse_search(kPage);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->matches, 7U);
  EXPECT_EQ(page->records, 5U);
  ASSERT_EQ(page->datasets.size(), 1U);
  const Dataset& dataset = page->datasets.front();
  EXPECT_EQ(dataset.id, "BEOGN");
  EXPECT_EQ(dataset.product, "L1-FHZQM");
  EXPECT_EQ(dataset.folder(), "/data/pid_1_123/BEOGN");
  EXPECT_EQ(dataset.quality_key, "");
  EXPECT_EQ(dataset.targets, std::vector<std::string>{"sunspot"});
  EXPECT_EQ(dataset.mtime, SysSeconds(std::chrono::seconds(1714979289)));
}

TEST(DkistInventory, WhatIsNoSearchResultIsAnError) {
  for (const std::string_view text :
       {"", "[]", "{}", "<html>", R"({"recordCount": 1})", R"({"searchResults": []})",
        R"({"recordCount": -1, "searchResults": []})", R"({"recordCount": 1, "searchResults": {}})"}) {
    EXPECT_EQ(parse_search(text).error().code, Errc::corrupt) << text;
  }
  EXPECT_EQ(parse_search(std::string(100'000, '[')).error().code, Errc::corrupt) << "depth";
}

TEST(DkistInventory, IdsAreFiveCapitalsOrMore) {
  for (const char* const good : {"BEOGN", "POKNUM"}) EXPECT_TRUE(is_dataset_id(good)) << good;
  for (const char* const bad : {"", "BEOG", "beogn", "BEOG1", "BE/GN", "L1-BEOGN"})
    EXPECT_FALSE(is_dataset_id(bad)) << bad;
  EXPECT_TRUE(is_product_id("L1-BEOGN"));
  EXPECT_FALSE(is_product_id("L1-"));
  EXPECT_FALSE(is_product_id("BEOGN"));
}

TEST(DkistInventory, TheCollectionAndWhereItServesBytes) {
  EXPECT_EQ(
      *parse_collection_id(R"({"globusDataEndpointID": "d26bd00b-62dc-40d2-9179-7aece2b8c437", "x": 1})"),
      "d26bd00b-62dc-40d2-9179-7aece2b8c437");
  for (const char* const bad : {R"({})", R"({"globusDataEndpointID": "../../etc"})", "no JSON"})
    EXPECT_FALSE(parse_collection_id(bad)) << bad;
  EXPECT_EQ(parse_https_server(R"({"DATA_TYPE": "endpoint", "https_server": "https://g-1.data.globus.org/"})")
                ->value(),
            "https://g-1.data.globus.org");
  EXPECT_EQ(*parse_https_server(R"({"DATA_TYPE": "endpoint", "https_server": null})"), std::nullopt);
  EXPECT_FALSE(parse_https_server("{}"));
}

}  // namespace
}  // namespace astrofs::dkist
