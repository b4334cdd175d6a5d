#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/sim/dkist_client.h"
#include "tests/support/dkist_frame.h"

namespace astrofs::sim {
namespace {

using Json = nlohmann::json;

class DkistCollection : public DkistTest {
 protected:
  DkistOptions options() override {
    DkistOptions options = DkistTest::options();
    options.lost = 2;
    return options;
  }
  Json transfer(const std::string& path) {
    return Json::parse(ask("GET", "/transfer/v0.10/" + path, bearer(kSimTransferToken)).body);
  }
  [[nodiscard]] static std::string operation(const std::string& what, const std::string& path) {
    return std::string("operation/endpoint/") + kDkistCollection + '/' + what + "?path=" + path;
  }
  DatasetPtr beogn() { return centre_->dataset("BEOGN"); }
  DatasetPtr embargoed() {
    for (const DatasetPtr& dataset : centre_->shelf().all()) {
      if (dataset->embargoed && dataset->status == "ACTIVE") return dataset;
    }
    return nullptr;
  }
};

TEST_F(DkistCollection, ServesFramesWholeAndInPartsWithoutATotal) {
  const std::string file = frame_file(*beogn(), 0);
  const RawAnswer whole = ask("GET", frame_url(0));
  EXPECT_EQ(whole.status(), 200);
  EXPECT_EQ(whole.body, file);
  const RawAnswer part = ask("GET", frame_url(0), "Range: bytes=100-199\r\n");
  EXPECT_EQ(part.status(), 206);
  EXPECT_EQ(part.header("Content-Range"), "bytes 100-199/*");
  EXPECT_EQ(part.body, file.substr(100, 100));
  const RawAnswer rest = ask("GET", frame_url(0), "Range: bytes=2880-\r\n");
  EXPECT_EQ(rest.header("Content-Range"), "bytes 2880-" + std::to_string(file.size() - 1) + "/*");
  EXPECT_EQ(rest.body, file.substr(2880));
}

TEST_F(DkistCollection, RefusesSuffixesAndWhatLiesBehindTheEnd) {
  const std::string size = std::to_string(frame_size(*beogn(), 0));
  EXPECT_EQ(ask("GET", frame_url(0), "Range: bytes=-100\r\n").status(), 416);
  const RawAnswer behind = ask("GET", frame_url(0), "Range: bytes=" + size + "-\r\n");
  EXPECT_EQ(behind.status(), 416);
  EXPECT_EQ(behind.header("Content-Range"), "bytes */" + size);
}

TEST_F(DkistCollection, SaysOfWhatIsMissingThatThereIsNoSuchPath) {
  for (const std::string& path :
       {frame_url(15), frame_url(0) + "x", std::string("/https/data/pid_1_123/BEOGN")}) {
    const RawAnswer answer = ask("GET", path);
    EXPECT_EQ(answer.status(), 404);
    EXPECT_NE(answer.body.find("c=PATH_NOT_FOUND"), std::string::npos);
  }
  EXPECT_EQ(ask("GET", frame_url(13)).status(), 200) << "only the last two are lost";
  control(R"({"dataset": "BEOGN", "lost": []})");
  EXPECT_EQ(ask("GET", frame_url(15)).status(), 200);
}

TEST_F(DkistCollection, ASickBackEndStaysWithItsConnection) {
  sim_.add_fault({.kind = Kind::sick_connection, .times = 1});
  RawClient sick(sim_.port());
  for (int request = 0; request < 3; ++request) {
    sick.ask("GET", frame_url(0));
    const RawAnswer answer = sick.read();
    EXPECT_EQ(answer.status(), 404);
    EXPECT_NE(answer.body.find("c=ENDPOINT_ERROR"), std::string::npos);
  }
  RawClient healthy(sim_.port());
  for (int request = 0; request < 3; ++request) {
    healthy.ask("GET", frame_url(0));
    EXPECT_EQ(healthy.read().status(), 200);
  }
  sick.ask("GET", "/datasets/v1/config");
  EXPECT_EQ(sick.read().status(), 200) << "only the collection is sick";
}

TEST_F(DkistCollection, AsksForATokenWhereItMustAndTakesNoOther) {
  EXPECT_EQ(ask("GET", frame_url(0)).status(), 200);
  EXPECT_EQ(ask("GET", frame_url(0), bearer("stale")).status(), 401);
  control(R"({"need_token": true})");
  EXPECT_EQ(ask("GET", frame_url(0)).status(), 401);
  EXPECT_EQ(ask("GET", frame_url(0), bearer(kSimTransferToken)).status(), 401) << "that one is for listings";
  EXPECT_EQ(ask("GET", frame_url(0), bearer(kSimHttpsToken)).status(), 200);
  control(R"({"expire": true})");
  EXPECT_EQ(ask("GET", frame_url(0), bearer(kSimHttpsToken)).status(), 401);
}

TEST_F(DkistCollection, KeepsEmbargoedDataForItsGroup) {
  const DatasetPtr secret = embargoed();
  ASSERT_NE(secret, nullptr);
  const std::string url = "/https" + secret->directory() + '/' + secret->names->all[0];
  EXPECT_EQ(ask("GET", url).status(), 401);
  const RawAnswer denied = ask("GET", url, bearer(kSimHttpsToken));
  EXPECT_EQ(denied.status(), 403);
  EXPECT_NE(denied.body.find("EndpointPermissionDenied"), std::string::npos);
  EXPECT_EQ(transfer(operation("ls", secret->directory()))["code"], "EndpointPermissionDenied");
  EXPECT_EQ(ask("GET", "/download/asdf?datasetId=" + secret->id).status(), 200) << "its ASDF is everybody's";
  control(R"({"member": true})");
  EXPECT_EQ(ask("GET", url, bearer(kSimHttpsToken)).status(), 200);
  EXPECT_EQ(transfer(operation("ls", secret->directory()))["DATA_TYPE"], "file_list");
}

TEST_F(DkistCollection, ListsADatasetInOneGoWithExactSizes) {
  const Json listing = transfer(operation("ls", beogn()->directory()));
  EXPECT_EQ(listing["length"], listing["total"]);
  EXPECT_EQ(listing["DATA"].size(), 14U + 4U) << "frames but the lost, ASDF, movie, report, extra";
  const Json files = listing["DATA"];
  for (const Json& file : files) {
    if (file["type"] == "dir") continue;
    const RawAnswer answer =
        ask("GET", "/https" + beogn()->directory() + '/' + file["name"].get<std::string>());
    EXPECT_EQ(answer.body.size(), file["size"]) << file["name"];
  }
  const Json page = transfer(operation("ls", beogn()->directory()) + "&offset=3&limit=2");
  EXPECT_EQ(page["DATA"].size(), 2U);
  EXPECT_EQ(page["DATA"][0], files[3]);
}

TEST_F(DkistCollection, ListsWhatIsAboveAndBelowADataset) {
  EXPECT_EQ(transfer(operation("ls", "/"))["DATA"].size(), 2U) << "two buckets";
  EXPECT_EQ(transfer(operation("ls", "/data/pid_1_123"))["DATA"][0]["name"], "BEOGN");
  const std::string extra = transfer(operation("ls", beogn()->directory() + "/extra"))["DATA"][0]["name"];
  EXPECT_EQ(ask("GET", "/https" + beogn()->directory() + "/extra/" + extra).status(), 200);
  EXPECT_EQ(transfer(operation("stat", beogn()->directory() + "/BEOGN.mp4"))["type"], "file");
  EXPECT_EQ(transfer(operation("stat", beogn()->directory()))["type"], "dir");
  EXPECT_EQ(transfer(operation("stat", "/data/nothing"))["code"], "ClientError.NotFound");
  EXPECT_EQ(transfer(operation("ls", "/data/nothing"))["code"], "ClientError.NotFound");
}

TEST_F(DkistCollection, TellsItsAddressUnlessItHasNone) {
  const std::string endpoint = std::string("endpoint/") + kDkistCollection;
  EXPECT_EQ(transfer(endpoint)["https_server"], "http://sim/https") << "as the Host header says";
  control(R"({"https": false})");
  EXPECT_TRUE(transfer(endpoint)["https_server"].is_null());
  EXPECT_EQ(transfer("endpoint/00000000-0000-0000-0000-000000000000")["code"], "EndpointNotFound");
  EXPECT_EQ(ask("GET", "/transfer/v0.10/" + endpoint).status(), 401);
}

TEST_F(DkistCollection, MovesWithItsBucket) {
  const std::string before = frame_url(0);
  control(R"({"dataset": "BEOGN", "bucket": "public"})");
  EXPECT_EQ(ask("GET", before).status(), 404);
  EXPECT_EQ(ask("GET", frame_url(0)).status(), 200);
  control(R"({"dataset": "BEOGN", "status": "REMOVED"})");
  EXPECT_EQ(ask("GET", frame_url(0)).status(), 404);
}

}  // namespace
}  // namespace astrofs::sim
