// HST as the stand-in archive plays it: MissionMAST, path_lookup, and who gets what.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/sim/raw_client.h"
#include "tests/support/archive_sim.h"

namespace astrofs::sim {
namespace {

using Json = nlohmann::json;

class HstSearchTest : public ::testing::Test {
 protected:
  HstSearchTest() { EXPECT_TRUE(sim_.start()); }
  RawAnswer get(const std::string& target, const std::string& headers = {}) {
    RawClient client(sim_.port());
    client.ask("GET", target, headers);
    return client.read();
  }
  Json post(const std::string& what, const Json& body) {
    const std::string text = body.dump();
    RawClient client(sim_.port());
    client.ask("POST", "/search/hst/api/v0.1/" + what,
               fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n", text.size()));
    client.send(text);
    return Json::parse(client.read().body, nullptr, false);
  }
  static std::string download(const std::string& name) {
    return "/api/v0.1/Download/file?uri=mast:HST/product/" + name;
  }

  ArchiveSim sim_;
  HstSearch& hst_{sim_.add_hst({.exposures = 4, .side = 8, .hap = 2})};
};

TEST_F(HstSearchTest, FindsDataSetsOfAProposalInPages) {
  const Json question{{"conditions", Json::array({{{"sci_pep_id", "10775"}}})},
                      {"select_cols", {"sci_data_set_name"}}};
  const Json all = post("search", question);
  EXPECT_EQ(all["totalResults"], 5);
  EXPECT_EQ(all["results"].size(), 5U);
  EXPECT_EQ(all["results"][0]["sci_data_set_name"], "J8PU0Y010");
  hst_.set_page_rows(2);
  Json third = question;
  third["offset"] = 4;
  EXPECT_EQ(post("search", third)["totalResults"], 5);
  EXPECT_EQ(post("search", third)["results"].size(), 1U);
  EXPECT_TRUE(post("search", {{"conditions", Json::array({{{"sci_pep_id", 1}}})}})["results"].empty());
}

TEST_F(HstSearchTest, ListsTheFilesOfADataSetAndWhoMayHaveThem) {
  const Json open = post("post_list_products", {{"dataset_ids", {"J8PU0Y010"}}});
  EXPECT_EQ(open["products"].size(), 7U);
  EXPECT_EQ(open["products"][0]["access"], "PUBLIC");
  const Json closed = post("post_list_products", {{"dataset_ids", {"IFXE01010"}}});
  EXPECT_EQ(closed["products"].size(), 3U);
  EXPECT_NE(closed["products"][0]["access"], "PUBLIC");
  EXPECT_TRUE(post("post_list_products", {{"dataset_ids", {"JZZZ99999"}}})["products"].empty());
}

TEST_F(HstSearchTest, LooksUpFortyPathsAndNoMore) {
  std::string target = "/api/v0.1/path_lookup/?uri=mast:HST/product/j8pu0y010_drz.fits";
  const Json paths = Json::parse(get(target + "&uri=mast:HST/product/none.fits").body);
  EXPECT_EQ(paths["mast:HST/product/j8pu0y010_drz.fits"]["path"],
            "/hst/public/j8pu/j8pu0y010/j8pu0y010_drz.fits");
  EXPECT_EQ(paths["mast:HST/product/none.fits"]["status_code"], 404);
  EXPECT_TRUE(paths["mast:HST/product/none.fits"]["path"].is_null());
  for (int i = 1; i < 40; ++i) target += fmt::format("&uri=mast:HST/product/{}.fits", i);
  EXPECT_EQ(get(target).status(), 200);
  EXPECT_EQ(get(target + "&uri=mast:HST/product/40.fits").status(), 414);
}

TEST_F(HstSearchTest, GivesExclusiveFilesToUsersAlone) {
  const std::string target = download("ifxe01010_drz.fits");
  const std::string authorization = fmt::format("Authorization: token {}\r\n", kMastToken);
  EXPECT_EQ(get(target).status(), 401);
  EXPECT_EQ(get(target, "Authorization: token 00000000\r\n").status(), 401);
  EXPECT_EQ(get(target, fmt::format("Authorization: Bearer {}\r\n", kMastToken)).status(), 401);
  EXPECT_EQ(get(target, authorization).body, hst_file("ifxe01010_drz.fits", 8));
  EXPECT_EQ(get(target, fmt::format("Cookie: a=b; mast_token={}; c=d\r\n", kMastToken)).status(), 200);
  EXPECT_EQ(get("/hst/public/ifxe/ifxe01010/ifxe01010_drz.fits", authorization).status(), 404) << "not on S3";
  EXPECT_EQ(get(download("j8pu0y010_drz.fits")).status(), 200);
  sim_.mast_users().revoke();
  EXPECT_EQ(get(target, authorization).status(), 401);
  hst_.release("ifxe01010");
  EXPECT_EQ(get(target).status(), 200);
  EXPECT_EQ(get("/hst/public/ifxe/ifxe01010/ifxe01010_drz.fits").status(), 200);
}

TEST_F(HstSearchTest, SaysWhoseTokenItIs) {
  EXPECT_EQ(Json::parse(get("/whoami").body)["anon"], true);
  const Json alice = Json::parse(get("/whoami", fmt::format("Authorization: token {}\r\n", kMastToken)).body);
  EXPECT_EQ(alice["anon"], false);
  EXPECT_EQ(alice["ezid"], "alice");
}

}  // namespace
}  // namespace astrofs::sim
