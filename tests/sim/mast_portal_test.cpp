// MAST as the stand-in archive plays it: the portal's answers, the files and scripts of made-up targets.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "tests/sim/raw_client.h"
#include "tests/support/archive_sim.h"
#include "tests/support/mast_target_file.h"

namespace astrofs::sim {
namespace {

using Json = nlohmann::json;

class MastPortalTest : public ::testing::Test {
 protected:
  MastPortalTest() { EXPECT_TRUE(sim_.start()); }

  std::string post(const std::string& question) {
    HttpRequest request;
    request.method = "POST";
    request.path = request.target = "/api/v0/invoke";
    request.body = "request=" + percent_encode(question, "");
    const Reply reply = portal_.reply(request);
    std::string body(static_cast<std::size_t>(reply.range.length), '\0');
    reply.body->read(0, std::as_writable_bytes(std::span(body)));
    return body;
  }
  Json ask(const std::string& service, const Json& params, int page = 1) {
    const Json question{
        {"service", service}, {"params", params}, {"format", "json"}, {"pagesize", 50000}, {"page", page}};
    return Json::parse(post(question.dump()));
  }
  static Json of_target(const char* tic) {
    return {{"columns", "*"},
            {"filters", Json::array({Json{{"paramName", "target_name"}, {"values", Json::array({tic})}}})}};
  }

  ArchiveSim sim_;
  MastPortal& portal_{sim_.add_targets({.targets = 3, .sectors = {1, 2, 27}, .rows = 30})};
};

TEST_F(MastPortalTest, FindsObservationsByFiltersAndTheirProducts) {
  const Json observations = ask("Mast.Caom.Filtered", of_target("25132999"));
  EXPECT_EQ(observations["status"], "COMPLETE");
  ASSERT_EQ(observations["data"].size(), 6U) << "three sectors, one of them fast as well, and two runs";
  EXPECT_EQ(observations["paging"]["pagesFiltered"], 1);
  std::string numbers;
  for (const Json& row : observations["data"]) {
    ASSERT_EQ(row.size(), observations["fields"].size());
    numbers += (numbers.empty() ? "" : ",") + row["obsid"].dump();
  }
  const Json products = ask("Mast.Caom.Products", {{"obsid", numbers}});
  EXPECT_EQ(products["data"].size(), 4 * 2 + 5 * 5U);
  for (const Json& row : products["data"])
    EXPECT_EQ(row["dataURI"], "mast:TESS/product/" + row["productFilename"].get<std::string>());
  EXPECT_TRUE(ask("Mast.Caom.Filtered", of_target("4711"))["data"].empty());
}

TEST_F(MastPortalTest, CountsAndFiltersByRangeAndFreeText) {
  Json params = of_target("25132999");
  params["columns"] = "COUNT_BIG(*)";
  EXPECT_EQ(ask("Mast.Caom.Filtered", params)["data"][0]["Column1"], 6);
  params["filters"].push_back(
      {{"paramName", "sequence_number"}, {"values", Json::array({Json{{"min", 1}, {"max", 2}}})}});
  EXPECT_EQ(ask("Mast.Caom.Filtered", params)["data"][0]["Column1"], 3);
  params["filters"].push_back(
      {{"paramName", "obs_id"}, {"values", Json::array()}, {"freeText", "%-s0001-s0002-%"}});
  EXPECT_EQ(ask("Mast.Caom.Filtered", params)["data"][0]["Column1"], 1);
}

TEST_F(MastPortalTest, SaysExecutingFirstGivesPagesAndFailsOnRequest) {
  portal_.set({.executing = 2, .page_rows = 4});
  EXPECT_EQ(ask("Mast.Caom.Filtered", of_target("25132999"))["status"], "EXECUTING");
  EXPECT_EQ(ask("Mast.Caom.Filtered", of_target("25132999"))["status"], "EXECUTING");
  EXPECT_EQ(ask("Mast.Caom.Filtered", of_target("25132999"))["data"].size(), 4U);
  ask("Mast.Caom.Filtered", of_target("25132999"), 2);
  ask("Mast.Caom.Filtered", of_target("25132999"), 2);
  EXPECT_EQ(ask("Mast.Caom.Filtered", of_target("25132999"), 2)["data"].size(), 2U);
  portal_.set({.error = "no"});
  EXPECT_EQ(ask("Mast.Caom.Filtered", of_target("25132999"))["status"], "ERROR");
  portal_.set({});
  EXPECT_EQ(ask("Mast.No.Such", Json::object())["status"], "ERROR");
}

TEST_F(MastPortalTest, TheOrderOfKeysChanges) {
  const std::string question = Json{{"service", "Mast.Caom.Products"}, {"params", {{"obsid", "1"}}}}.dump();
  std::set<std::string> beginnings;
  for (int i = 0; i < 4; ++i) beginnings.insert(post(question).substr(0, 9));
  EXPECT_GT(beginnings.size(), 1U);
}

TEST_F(MastPortalTest, FilesAreFitsOfTheSizeThatIsListedAndScriptsNameThem) {
  const Target& target = portal_.targets().front();
  for (const TargetObservation& observation : target.observations) {
    for (const TargetProduct& product : observation.products) {
      const std::string file = target_file(target, product, 30);
      if (product.name.ends_with(".fits")) {
        EXPECT_TRUE(file.starts_with("SIMPLE  =")) << product.name;
        EXPECT_EQ(file.size() % 2880, 0U) << product.name;
      }
    }
  }
}

}  // namespace
}  // namespace astrofs::sim
