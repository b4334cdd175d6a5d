#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/sim/dkist_client.h"

namespace astrofs::sim {
namespace {

using Json = nlohmann::json;

class DkistSearch : public DkistTest {
 protected:
  Json search(const std::string& query) { return Json::parse(ask("GET", "/datasets/v1?" + query).body); }
  std::size_t count(const std::string& query) { return search(query)["recordCount"].get<std::size_t>(); }
  std::size_t count_if(const std::function<bool(const DkistDataset&)>& wanted) {
    std::size_t found = 0;
    for (const DatasetPtr& dataset : centre_->shelf().all()) found += wanted(*dataset) ? 1 : 0;
    return found;
  }
  void control(const Json& json) { DkistTest::control(json.dump()); }
};

TEST_F(DkistSearch, GivesAPageAndTheNumberOfAllMatches) {
  const Json first = search("pageSize=7");
  EXPECT_EQ(first["searchResults"].size(), 7U);
  EXPECT_EQ(first["searchResults"][0]["datasetId"], "BEOGN");
  EXPECT_GT(first["recordCount"], 30);
  std::set<std::string> ids;
  for (int page = 1;; ++page) {
    const Json records = search("pageSize=7&pageNumber=" + std::to_string(page))["searchResults"];
    if (records.empty()) break;
    for (const Json& record : records) EXPECT_TRUE(ids.insert(record["datasetId"]).second);
  }
  EXPECT_EQ(ids.size(), first["recordCount"]);
}

TEST_F(DkistSearch, HidesWhatIsNotActiveUnlessItIsAskedFor) {
  const auto with = [&](const std::string& status) {
    return count_if([&](const DkistDataset& dataset) { return dataset.status == status; });
  };
  EXPECT_GT(with("DEPRECATED"), 0U);
  EXPECT_GT(with("REMOVED"), 0U);
  EXPECT_EQ(count(""), with("ACTIVE"));
  EXPECT_EQ(count("status=DEPRECATED"), with("DEPRECATED"));
  EXPECT_EQ(count("status=REMOVED"), with("REMOVED"));
  EXPECT_EQ(count("status=any"), 40U);
}

TEST_F(DkistSearch, FiltersByEachNameAndIgnoresWhatItDoesNotKnow) {
  const auto active = [&](auto&& wanted) {
    return count_if(
        [&](const DkistDataset& dataset) { return dataset.status == "ACTIVE" && wanted(dataset); });
  };
  EXPECT_EQ(count("datasetIds=BEOGN&pageSize=300"), 1U);
  EXPECT_EQ(count("datasetIds=NOSUCH"), 0U);
  EXPECT_EQ(count("instrumentNames=VBI"), active([](const auto& one) { return one.instrument == "VBI"; }));
  EXPECT_EQ(count("isEmbargoed=True"), active([](const auto& one) { return one.embargoed; }));
  EXPECT_EQ(count("isEmbargoed=False"), active([](const auto& one) { return !one.embargoed; }));
  EXPECT_EQ(count("primaryProposalIds=pid_1_124"),
            active([](const auto& one) { return one.proposal == "pid_1_124"; }));
  EXPECT_EQ(count("frobnicate=1"), count(""));
  EXPECT_GT(count("targetTypes=sunspot"), 0U);
  EXPECT_LT(count("targetTypes=sunspot"), count(""));
  EXPECT_EQ(count("endTimeMin=2022-10-24T00:00:00.000&startTimeMax=2022-10-25T00:00:00.000"), 1U);
}

TEST_F(DkistSearch, AProductIsTheCurrentDatasetOfIt) {
  const Json deprecated = search("status=DEPRECATED")["searchResults"][0];
  const Json current = search("productIds=" + deprecated["productId"].get<std::string>())["searchResults"];
  ASSERT_EQ(current.size(), 1U);
  EXPECT_NE(current[0]["datasetId"], deprecated["datasetId"]);
  EXPECT_EQ(current[0]["productId"], deprecated["productId"]);
}

TEST_F(DkistSearch, HasNullFields) {
  bool targets = false, movie = false, report = false;
  const Json records = search("status=any&pageSize=300")["searchResults"];
  for (const Json& record : records) {
    targets |= record["targetTypes"].is_null();
    movie |= record["browseMovieObjectKey"].is_null();
    report |= record["qualityReportObjectKey"].is_null();
  }
  EXPECT_TRUE(targets && movie && report);
}

TEST_F(DkistSearch, NamesTheCollectionAndTheValues) {
  EXPECT_EQ(Json::parse(ask("GET", "/datasets/v1/config").body)["globusDataEndpointID"], kDkistCollection);
  const Json values = Json::parse(ask("GET", "/datasets/v1/searchValues").body)["parameterValues"];
  EXPECT_EQ(values[0]["parameterName"], "instrumentNames");
  EXPECT_EQ(values[0]["values"]["categoricalValues"].size(), 4U);
  EXPECT_EQ(ask("GET", "/datasets/v1/nothing").status(), 404);
}

TEST_F(DkistSearch, DownloadsTellNameAndDigest) {
  const RawAnswer answer =
      ask("GET", "/download/asdf?datasetId=BEOGN", "Want-Repr-Digest: sha-512=8, md5=2\r\n");
  EXPECT_EQ(answer.status(), 200);
  EXPECT_EQ(answer.header("Content-Disposition"),
            "attachment; filename=VISP_L1_20221024T194714_BEOGN_metadata.asdf");
  EXPECT_TRUE(answer.body.starts_with("#ASDF 1.0.0\n"));
  StreamDigest sha512(DigestKind::sha512);
  sha512.add(as_bytes(std::string_view(answer.body)));
  EXPECT_EQ(answer.header("Repr-Digest"), "sha-512=" + sha512.hex());
  const RawAnswer head = ask("HEAD", "/download/asdf?datasetId=BEOGN", "Want-Repr-Digest: md5=2\r\n");
  EXPECT_EQ(head.header("Content-Length"), std::to_string(answer.body.size()));
  EXPECT_TRUE(head.header("Repr-Digest").starts_with("md5="));
  EXPECT_EQ(ask("GET", "/download/asdf?datasetId=BEOGN").header("Repr-Digest"), "");
  EXPECT_EQ(ask("GET", "/download/asdf?datasetId=NOSUCH").status(), 404);
}

TEST_F(DkistSearch, DownloadsMovieAndReport) {
  EXPECT_NE(ask("GET", "/download/movie?datasetId=BEOGN").body.find("ftypisom"), std::string::npos);
  EXPECT_EQ(ask("GET", "/download/movie?datasetId=BEOGN&download=false").header("Content-Disposition"),
            "inline; filename=BEOGN.mp4");
  EXPECT_TRUE(ask("GET", "/download/quality?datasetId=BEOGN").body.starts_with("%PDF-1.4"));
  const RawAnswer json = ask("GET", "/download/quality?datasetId=BEOGN", "Accept: application/json\r\n");
  EXPECT_EQ(Json::parse(json.body)["datasetId"], "BEOGN");
}

TEST_F(DkistSearch, DownloadsAnswerRangesOnlyWhenSwitchedOn) {
  const std::string range = "Range: bytes=0-4\r\n";
  EXPECT_EQ(ask("GET", "/download/asdf?datasetId=BEOGN", range).status(), 200);
  EXPECT_EQ(ask("GET", "/download/asdf?datasetId=BEOGN").header("Accept-Ranges"), "");
  control({{"ranges", true}});
  const RawAnswer answer = ask("GET", "/download/asdf?datasetId=BEOGN", range);
  EXPECT_EQ(answer.status(), 206);
  EXPECT_EQ(answer.body, "#ASDF");
}

TEST_F(DkistSearch, AnUpdateShowsInTheRecordAndInTheAsdf) {
  const Json before = search("datasetIds=BEOGN")["searchResults"][0];
  const std::string old = ask("GET", "/download/asdf?datasetId=BEOGN").body;
  EXPECT_EQ(ask("GET", "/download/asdf?datasetId=BEOGN").body, old);
  control({{"dataset", "BEOGN"}, {"update", true}, {"lost", {0, 3}}, {"bucket", "public"}});
  const Json after = search("datasetIds=BEOGN")["searchResults"][0];
  EXPECT_GT(after["updateDate"], before["updateDate"]);
  EXPECT_EQ(after["frameCount"], before["frameCount"].get<int>() - 2);
  EXPECT_EQ(after["originalFrameCount"], before["frameCount"]);
  EXPECT_EQ(after["bucket"], "public");
  EXPECT_NE(ask("GET", "/download/asdf?datasetId=BEOGN").body, old);
}

TEST_F(DkistSearch, ReprocessingGivesTheProductAnotherDataset) {
  const std::string product = search("datasetIds=BEOGN")["searchResults"][0]["productId"];
  control({{"dataset", "BEOGN"}, {"reprocess", "ZZZZZ"}});
  const Json current = search("productIds=" + product)["searchResults"];
  ASSERT_EQ(current.size(), 1U);
  EXPECT_EQ(current[0]["datasetId"], "ZZZZZ");
  EXPECT_EQ(count("datasetIds=BEOGN"), 0U);
  EXPECT_EQ(count("datasetIds=BEOGN&status=DEPRECATED"), 1U);
}

}  // namespace
}  // namespace astrofs::sim
