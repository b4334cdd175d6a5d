// Daiquiri as the stand-in archive plays it: what it refuses, what jobs go through, files and their sums.
#include <gtest/gtest.h>

#include <thread>

#include "tests/sim/raw_client.h"
#include "tests/support/archive_sim.h"
#include "tests/support/daiquiri.h"
#include "tests/support/fits_cards.h"

namespace astrofs::sim {
namespace {

constexpr const char* kScan = "/files/DR4/scans/HAM-GS/GS00768_x.fits";

class DaiquiriTest : public ::testing::Test {
 protected:
  DaiquiriTest() { EXPECT_TRUE(sim_.start()); }

  RawAnswer ask(const std::string& method, const std::string& target, const std::string& headers = {},
                const std::string& body = {}) {
    RawClient client(sim_.port());
    client.ask(method, target,
               headers + "Connection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n");
    client.send(body);
    RawAnswer answer = client.read(method == "HEAD", true);
    if (answer.header("Transfer-Encoding") == "chunked") answer.body = unchunked(answer.body);
    return answer;
  }
  static std::string unchunked(std::string_view chunks) {
    std::string body;
    for (;;) {
      const std::size_t length = std::stoul(std::string(chunks.substr(0, chunks.find("\r\n"))), nullptr, 16);
      if (length == 0) return body;
      chunks.remove_prefix(chunks.find("\r\n") + 2);
      body += chunks.substr(0, length);
      chunks.remove_prefix(length + 2);
    }
  }
  RawAnswer post(const std::string& target, const std::string& body) { return ask("POST", target, {}, body); }
  /// Path of a job.
  std::string create(const std::string& query, const std::string& more = "") {
    const RawAnswer answer = post("/tap/async", "LANG=PostgreSQL&QUERY=" + percent_encode(query, "") + more);
    EXPECT_EQ(answer.status(), 303) << answer.body;
    const std::string location = answer.header("Location");
    EXPECT_TRUE(location.starts_with("http://")) << location;
    return location.substr(location.find("/tap/"));
  }
  std::string completed(const std::string& query) {
    const std::string job = create(query, "&PHASE=RUN");
    while (ask("GET", job + "/phase").body == "EXECUTING") std::this_thread::sleep_for(milliseconds(2));
    EXPECT_EQ(ask("GET", job + "/phase").body, "COMPLETED");
    return job;
  }

  ArchiveSim sim_;
  Daiquiri& plates_{sim_.add_plates({.plates = 12, .rows = 20})};
};

TEST_F(DaiquiriTest, RefusesWhatTheServiceRefuses) {
  const auto words = [this](const std::string& body) {
    const RawAnswer answer = post("/tap/sync", body);
    EXPECT_EQ(answer.status(), 400) << body;
    return answer.body;
  };
  EXPECT_NE(words("QUERY=SELECT+1").find("LANG: This field is required."), std::string::npos);
  EXPECT_NE(words("LANG=SQL&QUERY=SELECT+1").find("LANG: This query language"), std::string::npos);
  const std::string query = "LANG=ADQL&QUERY=SELECT+*+FROM+applause_dr4.archive";
  EXPECT_NE(words(query + "&FORMAT=text/csv").find("FORMAT: This response format"), std::string::npos);
  EXPECT_NE(words("LANG=ADQL&QUERY=DELETE+FROM+x").find("syntax error"), std::string::npos);
  EXPECT_NE(words("LANG=ADQL&QUERY=SELECT+nothing+FROM+applause_dr4.scan").find("nothing"),
            std::string::npos);
  EXPECT_EQ(ask("POST", "/tap/sync", "Authorization: Token f00\r\n", query).status(), 403);
}

TEST_F(DaiquiriTest, SyncAnswersAreVotablesWithRelativePathsWhateverFormatIsAskedFor) {
  const RawAnswer answer =
      post("/tap/sync",
           "LANG=ADQL&FORMAT=csv&QUERY=SELECT+filename_scan+FROM+applause_dr4.scan+WHERE+plate_id=9319");
  EXPECT_EQ(answer.status(), 200);
  EXPECT_NE(answer.body.find("<TD>DR4/scans/HAM-GS/GS00768_x.fits</TD>"), std::string::npos) << answer.body;
  EXPECT_LT(answer.body.find("</TABLE>"), answer.body.find("QUERY_STATUS"));
}

TEST_F(DaiquiriTest, AJobIsReadWhenItIsCompletedAndGoneWhenItIsDeleted) {
  const std::string job = create("SELECT * FROM applause_dr4.source WHERE plate_id = 9319");
  EXPECT_EQ(ask("GET", job + "/phase").body, "PENDING");
  EXPECT_NE(ask("GET", job).body.find("results/csv"), std::string::npos) << "listed before there are any";
  EXPECT_EQ(ask("GET", job + "/results/csv").status(), 400);
  EXPECT_EQ(post(job + "/phase", "PHASE=RUN").status(), 303);
  while (ask("GET", job + "?WAIT=-1").body.find("EXECUTING") != std::string::npos) {
  }
  EXPECT_NE(ask("GET", job).body.find("<uws:parameter id=\"nrows\">20<"), std::string::npos);
  const std::string csv = ask("GET", job + "/results/csv").body;
  EXPECT_NE(csv.find(",NULL,"), std::string::npos);
  EXPECT_NE(csv.find("+00\r\n"), std::string::npos);
  EXPECT_TRUE(ask("GET", job + "/results/fits").body.find("SIMPLE  =      T") != std::string::npos);
  EXPECT_EQ(ask("DELETE", job).status(), 303);
  EXPECT_NE(ask("GET", job).body.find("ARCHIVED"), std::string::npos);
  EXPECT_EQ(ask("GET", "/tap/async").body.find("jobref"), std::string::npos);
  EXPECT_EQ(plates_.jobs().unarchived(), 0U);
}

TEST_F(DaiquiriTest, JobsThatNobodyDeletesExhaustTheQuota) {
  DaiquiriSettings settings;
  settings.quota = 100;
  plates_.set(settings);
  const std::string query = "SELECT * FROM applause_dr4.source WHERE plate_id = 9319";
  const std::string job = completed(query);
  const std::string form = "LANG=PostgreSQL&QUERY=" + percent_encode(query, "");
  EXPECT_NE(post("/tap/async", form).body.find("Quota is exceeded"), std::string::npos);
  (void)ask("DELETE", job);
  EXPECT_EQ(post("/tap/async", form).status(), 303);
}

TEST_F(DaiquiriTest, PathsAreAddressesInWhatJobsAnswerAndRowsWithLineBreaksAreLeftOut) {
  const std::string query = "SELECT filename_scan FROM applause_dr4.scan WHERE plate_id = 9320";
  const std::string csv = ask("GET", completed(query) + "/results/csv").body;
  EXPECT_EQ(csv,
            "filename_scan\r\nhttp://sim/files/DR4/scans/HAM-GS/GS00769_x.fits\r\n"
            "http://sim/files/DR4/scans/HAM-GS/GS00769_y.fits\r\n");
  DaiquiriSettings settings;
  settings.dropped = 1;
  plates_.set(settings);
  const std::string job = completed(query);
  EXPECT_NE(ask("GET", job).body.find("<uws:parameter id=\"nrows\">2<"), std::string::npos);
  EXPECT_EQ(ask("GET", job + "/results/csv").body.find("_y.fits"), std::string::npos);
}

TEST_F(DaiquiriTest, AScanHasTheSumsThatItsTableGives) {
  const std::string file = ask("GET", kScan).body;
  const PlateRow row = plates_.shelf().rows("scan", 9319).front();
  EXPECT_EQ(std::to_string(file.size()), *row[10]);
  EXPECT_EQ(file.substr(0, 9), "SIMPLE  =");
  EXPECT_NE(file.find("CHECKSUM= '" + *row[11] + "'"), std::string::npos);
  std::uint64_t sum = word_sum(file);
  while (sum >> 32 != 0) sum = (sum & 0xFFFFFFFFU) + (sum >> 32);
  EXPECT_EQ(sum, 0xFFFFFFFFU) << "the sum over an HDU with its CHECKSUM is -0";
  EXPECT_EQ(ask("GET", kScan, "Range: bytes=2880-2883\r\n").body, file.substr(2880, 4));
  EXPECT_EQ(ask("GET", kScan, "Authorization: Token wrong\r\n").status(), 401);
}

TEST_F(DaiquiriTest, FilesOfUsersLeadToALoginPageWhoIsNoCommandLine) {
  DaiquiriSettings settings;
  settings.private_path = "GS00768";
  plates_.set(settings);
  const RawAnswer browser = ask("GET", kScan);
  EXPECT_EQ(browser.status(), 302);
  EXPECT_TRUE(browser.header("Location").starts_with("/accounts/login/?next="));
  EXPECT_EQ(ask("GET", kScan, "User-Agent: thing (libcurl)\r\n").status(), 403);
  EXPECT_EQ(ask("GET", kScan, std::string("Authorization: Token ") + kPlateToken + "\r\n").status(), 200);
  EXPECT_NE(ask("GET", "/accounts/login/").body.find("password"), std::string::npos);
}

}  // namespace
}  // namespace astrofs::sim
