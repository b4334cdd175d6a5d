#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/sim/dkist_client.h"
#include "tests/support/dkist_frame.h"

namespace astrofs::sim {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

class DkistTransfers : public DkistTest {
 protected:
  DkistOptions options() override {
    DkistOptions options = DkistTest::options();
    options.lost = 1;
    options.globus_folder = folder_.path();
    return options;
  }
  Json post(const std::string& path, const Json& json = {}) {
    return Json::parse(ask("POST", "/transfer/v0.10/" + path, bearer(kSimTransferToken), json.dump()).body);
  }
  Json get(const std::string& path) {
    return Json::parse(ask("GET", "/transfer/v0.10/" + path, bearer(kSimTransferToken)).body);
  }
  std::string source(int frame) { return frame_url(frame).substr(6); }
  Json order(const std::vector<int>& frames) {
    Json data = Json::array();
    for (const int frame : frames) {
      data.push_back({{"DATA_TYPE", "transfer_item"},
                      {"source_path", source(frame)},
                      {"destination_path", "/~/in/" + std::to_string(frame) + ".fits"},
                      {"recursive", false}});
    }
    return {{"DATA_TYPE", "transfer"},
            {"submission_id", get("submission_id")["value"]},
            {"source_endpoint", kDkistCollection},
            {"destination_endpoint", "11111111-2222-4333-8444-555555555555"},
            {"notify_on_succeeded", false},
            {"notify_on_failed", false},
            {"DATA", data}};
  }
  std::string submit(const Json& json) {
    const Json answer = post("transfer", json);
    EXPECT_EQ(answer["code"], "Accepted") << answer;
    return answer.value("task_id", "");
  }
  /// The task's document, as soon as it is so; a minute is for ever here.
  Json wait(const std::string& task, const std::function<bool(const Json&)>& is_so) {
    for (int look = 0; look < 6000; ++look) {
      const Json json = get("task/" + task);
      if (is_so(json)) return json;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ADD_FAILURE() << "it never was: " << get("task/" + task);
    return {};
  }
  Json wait_for_success(const std::string& task) {
    return wait(task, [](const Json& json) { return json["status"] == "SUCCEEDED"; });
  }
  std::string content(const std::string& name) {
    std::ifstream file(folder_.path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::size_t mails() { return Json::parse(ask("GET", "/_sim/dkist").body)["mails"].get<std::size_t>(); }
};

TEST_F(DkistTransfers, CopiesFramesIntoTheUsersFolder) {
  const Json done = wait_for_success(submit(order({0, 1, 7})));
  EXPECT_EQ(done["files"], 3);
  EXPECT_EQ(done["files_transferred"], 3);
  for (const int frame : {0, 1, 7})
    EXPECT_EQ(content("in/" + std::to_string(frame) + ".fits"),
              frame_file(*centre_->dataset("BEOGN"), frame));
  EXPECT_EQ(mails(), 0U);
}

TEST_F(DkistTransfers, SendsAMailUnlessItIsToldNotTo) {
  Json json = order({0});
  json.erase("notify_on_succeeded");
  wait_for_success(submit(json));
  EXPECT_EQ(mails(), 1U);
}

TEST_F(DkistTransfers, ShowsHalfAFileWhileItIsUnderWay) {
  control(R"({"task_ms": 3600000})");
  const std::string task = submit(order({0}));
  const std::string whole = frame_file(*centre_->dataset("BEOGN"), 0);
  const Json halfway =
      wait(task, [&](const Json&) { return content("in/0.fits").size() == whole.size() / 2; });
  EXPECT_EQ(halfway["status"], "ACTIVE");
  EXPECT_EQ(halfway["files_transferred"], 0);
  EXPECT_EQ(content("in/0.fits"), whole.substr(0, whole.size() / 2));
  EXPECT_EQ(post("task/" + task + "/cancel")["code"], "Canceled");
  EXPECT_EQ(get("task/" + task)["status"], "FAILED");
}

TEST_F(DkistTransfers, NeverEndsOverAMissingFileUnlessToldToSkipIt) {
  const std::string task = submit(order({0, 15}));
  const Json stuck = wait(task, [](const Json& json) { return json["nice_status"] == "FILE_NOT_FOUND"; });
  EXPECT_EQ(stuck["status"], "ACTIVE");
  EXPECT_EQ(stuck["is_ok"], false);
  EXPECT_EQ(get("task/" + task + "/event_list")["DATA"][0]["code"], "FILE_NOT_FOUND");
  Json json = order({1, 15});
  json["skip_source_errors"] = true;
  const std::string skipping = submit(json);
  EXPECT_EQ(wait_for_success(skipping)["files_transferred"], 1);
  const Json skipped = get("task/" + skipping + "/skipped_errors")["DATA"];
  ASSERT_EQ(skipped.size(), 1U);
  EXPECT_EQ(skipped[0]["source_path"], source(15));
}

TEST_F(DkistTransfers, ASubmissionThatComesTwiceIsOneTask) {
  const Json json = order({0});
  const std::string task = submit(json);
  const Json again = post("transfer", json);
  EXPECT_EQ(again["code"], "Duplicate");
  EXPECT_EQ(again["task_id"], task);
  EXPECT_EQ(Json::parse(ask("GET", "/_sim/dkist").body)["tasks"], 1);
}

TEST_F(DkistTransfers, SkipsWhatIsThereAlready) {
  Json json = order({0, 1});
  json["sync_level"] = 3;
  wait_for_success(submit(json));
  std::ofstream(folder_.path("in/1.fits")) << "another file";
  json["submission_id"] = get("submission_id")["value"];
  const Json done = wait_for_success(submit(json));
  EXPECT_EQ(done["files_skipped"], 1);
  EXPECT_EQ(done["files_transferred"], 1);
}

TEST_F(DkistTransfers, CopiesAFolderWithAllThatIsBelowIt) {
  Json json = order({});
  json["skip_source_errors"] = true;
  json["DATA"] = {{{"source_path", "/data/pid_1_123/BEOGN/"},
                   {"destination_path", folder_.path() + "/BEOGN/"},
                   {"recursive", true}}};
  const Json done = wait_for_success(submit(json));
  EXPECT_EQ(done["files_transferred"], 15 + 3 + 1) << "frames, ASDF, movie, report, and one in extra";
  EXPECT_EQ(content("BEOGN/extra/" + centre_->dataset("BEOGN")->extra_name()).size(),
            extra_file(*centre_->dataset("BEOGN")).size());
}

TEST_F(DkistTransfers, WaitsForTheUsersComputer) {
  control(R"({"gcp": false})");
  const std::string task = submit(order({0}));
  EXPECT_EQ(get("task/" + task)["nice_status"], "GC_NOT_CONNECTED");
  control(R"({"gcp": true})");
  wait_for_success(task);
}

TEST_F(DkistTransfers, RefusesWhatIsNoTask) {
  EXPECT_EQ(post("transfer", order({}))["code"], "ClientError.BadRequest.NoTransferItems");
  Json json = order({0});
  json["label"] = "a/b";
  EXPECT_EQ(post("transfer", json)["message"], "Invalid label characters");
  json = order({0});
  json.erase("submission_id");
  EXPECT_EQ(post("transfer", json)["code"], "ClientError.BadRequest");
  json = order({0});
  json["source_endpoint"] = "11111111-2222-4333-8444-555555555555";
  EXPECT_EQ(post("transfer", json)["code"], "EndpointNotFound");
  EXPECT_EQ(get("task/00000000-0000-4000-8000-ffffffffffff")["code"], "ClientError.NotFound");
  EXPECT_EQ(ask("GET", "/transfer/v0.10/submission_id").status(), 401);
}

TEST_F(DkistTransfers, NeverWritesOutsideTheUsersFolder) {
  Json json = order({0});
  json["DATA"][0]["destination_path"] = "/../outside.fits";
  const std::string task = submit(json);
  wait(task, [](const Json& one) { return one["nice_status"] == "PERMISSION_DENIED"; });
  EXPECT_FALSE(fs::exists(folder_.path("../outside.fits")));
}

}  // namespace
}  // namespace astrofs::sim
