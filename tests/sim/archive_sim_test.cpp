#include "tests/support/archive_sim.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <thread>
#include <vector>

#include "tests/sim/raw_client.h"
#include "tests/support/fresh_dir.h"

namespace astrofs::sim {
namespace {

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t at = 0; at < size; ++at) text[at] = static_cast<char>((at * 7 + at / 251) & 0xFF);
  return text;
}

class ArchiveSimTest : public testing::Test {
 protected:
  void SetUp() override {
    sim_.serve_file("/f/data.bin", content_);
    ASSERT_TRUE(sim_.start());
  }
  RawAnswer get(const std::string& target, const std::string& headers = {}) {
    return request("GET", target, headers);
  }
  RawAnswer request(const std::string& method, const std::string& target, const std::string& headers = {}) {
    RawClient client(sim_.port());
    client.ask(method, target, headers);
    return client.read(method == "HEAD");
  }

  const std::string content_ = pattern(200'000);
  ArchiveSim sim_;
};

TEST_F(ArchiveSimTest, ServesAFileWithItsValidators) {
  const RawAnswer answer = get("/f/data.bin");
  EXPECT_EQ(answer.status(), 200);
  EXPECT_EQ(answer.body, content_);
  EXPECT_EQ(answer.header("Content-Length"), "200000");
  EXPECT_EQ(answer.header("Accept-Ranges"), "bytes");
  EXPECT_EQ(answer.header("ETag").front(), '"');
  EXPECT_EQ(answer.header("Last-Modified"), "Tue, 11 May 2021 10:22:00 GMT");
}

TEST_F(ArchiveSimTest, AnswersHeadWithTheSizeAndNoBody) {
  RawClient client(sim_.port());
  client.ask("HEAD", "/f/data.bin");
  EXPECT_EQ(client.read(true).header("Content-Length"), "200000");
  client.ask("GET", "/f/data.bin", "Range: bytes=0-2\r\n");  // the connection is still in step
  EXPECT_EQ(client.read().body, content_.substr(0, 3));
}

TEST_F(ArchiveSimTest, ServesClosedOpenAndSuffixRanges) {
  const RawAnswer closed = get("/f/data.bin", "Range: bytes=100-199\r\n");
  EXPECT_EQ(closed.status(), 206);
  EXPECT_EQ(closed.header("Content-Range"), "bytes 100-199/200000");
  EXPECT_EQ(closed.body, content_.substr(100, 100));
  EXPECT_EQ(get("/f/data.bin", "Range: bytes=199990-\r\n").body, content_.substr(199'990));
  EXPECT_EQ(get("/f/data.bin", "Range: bytes=-7\r\n").body, content_.substr(199'993));
  EXPECT_EQ(get("/f/data.bin", "Range: bytes=199999-300000\r\n").header("Content-Range"),
            "bytes 199999-199999/200000");
}

TEST_F(ArchiveSimTest, RefusesARangePastTheEnd) {
  const RawAnswer answer = get("/f/data.bin", "Range: bytes=200000-200001\r\n");
  EXPECT_EQ(answer.status(), 416);
  EXPECT_EQ(answer.header("Content-Range"), "bytes */200000");
}

TEST_F(ArchiveSimTest, HonoursConditions) {
  const std::string etag = get("/f/data.bin").header("ETag");
  EXPECT_EQ(get("/f/data.bin", "If-Match: " + etag + "\r\nRange: bytes=0-0\r\n").status(), 206);
  EXPECT_EQ(get("/f/data.bin", "If-Match: \"other\"\r\nRange: bytes=0-0\r\n").status(), 412);
  EXPECT_EQ(get("/f/data.bin", "If-Range: \"other\"\r\nRange: bytes=0-0\r\n").status(), 200);
  EXPECT_EQ(get("/f/data.bin", "If-Range: " + etag + "\r\nRange: bytes=0-0\r\n").status(), 206);
  EXPECT_EQ(get("/f/data.bin", "If-None-Match: " + etag + "\r\n").status(), 304);
  EXPECT_EQ(get("/f/data.bin", "If-Unmodified-Since: Tue, 11 May 2021 10:21:59 GMT\r\n").status(), 412);
  EXPECT_EQ(get("/f/data.bin", "If-Unmodified-Since: Tue, 11 May 2021 10:22:00 GMT\r\n").status(), 200);
}

TEST_F(ArchiveSimTest, LogsEveryRequestWithItsBytes) {
  get("/f/data.bin", "Range: bytes=10-19\r\n");
  request("HEAD", "/f/data.bin");
  get("/f/missing?x=1");
  const auto log = sim_.finished_requests(3);
  ASSERT_EQ(log.size(), 3U);
  EXPECT_EQ(log[0].range, "bytes=10-19");
  EXPECT_EQ(log[0].status, 206);
  EXPECT_EQ(log[0].body_bytes, 10U);
  EXPECT_EQ(log[1].method, "HEAD");
  EXPECT_EQ(log[1].body_bytes, 0U);
  EXPECT_EQ(log[2].target, "/f/missing?x=1");
  EXPECT_EQ(log[2].status, 404);
  EXPECT_EQ(sim_.count("data.bin", "HEAD"), 1U);
  sim_.clear_log();
  EXPECT_TRUE(sim_.requests().empty());
  EXPECT_EQ(sim_.bytes_sent(), 0U);
}

TEST_F(ArchiveSimTest, ServesHugeGeneratedFilesWithoutHoldingThem) {
  sim_.serve_file(
      "/big",
      [](std::uint64_t offset, std::span<std::byte> into) {
        for (std::size_t at = 0; at < into.size(); ++at)
          into[at] = static_cast<std::byte>((offset + at) >> 32);
      },
      std::uint64_t{1} << 40);
  EXPECT_EQ(get("/big", "Range: bytes=1095216660480-1095216660481\r\n").body, std::string(2, '\xFF'));
}

TEST_F(ArchiveSimTest, ServesAFolderAndNothingOutsideIt) {
  const FreshDir folder;
  folder.write("sub/a b.txt", "hello");
  std::filesystem::create_symlink("/etc/passwd", folder.path("out"));
  sim_.serve_folder("/pub", folder.path(), ListingStyle::nginx_json);
  EXPECT_EQ(get("/pub/sub/a%20b.txt").body, "hello");
  EXPECT_EQ(get("/pub/out").status(), 404);
  EXPECT_EQ(get("/pub/../../etc/passwd").status(), 404);
  EXPECT_EQ(get("/pub/sub").header("Location"), "/pub/sub/");
  EXPECT_NE(get("/pub/sub/").body.find(R"("name":"a b.txt", "type":"file")"), std::string::npos);
  EXPECT_NE(get("/?list-type=2&prefix=pub/").body.find("<Key>pub/sub/a b.txt</Key>"), std::string::npos);
}

TEST_F(ArchiveSimTest, AnswersManyClientsAtOnce) {
  sim_.add_fault({.path = "/f/data.bin", .kind = Kind::latency, .n = 100});
  std::atomic<int> good{0};
  std::vector<std::jthread> clients;
  for (int number = 0; number < 100; ++number) {
    clients.emplace_back([&, number] {
      const std::string range =
          "Range: bytes=" + std::to_string(number) + "-" + std::to_string(number + 999) + "\r\n";
      if (get("/f/data.bin", range).body == content_.substr(static_cast<std::size_t>(number), 1000)) ++good;
    });
  }
  clients.clear();
  EXPECT_EQ(good, 100);
  EXPECT_GT(sim_.peak_requests(), 1U);
  EXPECT_GT(sim_.peak_connections(), 1U);
}

TEST_F(ArchiveSimTest, StopsWhileClientsWaitAndStartsAgainOnItsPort) {
  sim_.add_fault({.kind = Kind::silent});
  const std::uint16_t port = sim_.port();
  RawClient waiting(port);
  waiting.ask("GET", "/f/data.bin");
  while (sim_.requests().empty()) std::this_thread::yield();
  sim_.stop();
  EXPECT_NE(waiting.read().end, End::complete);
  EXPECT_FALSE(RawClient(port).connected());
  sim_.clear_faults();
  ASSERT_TRUE(sim_.start(port));
  EXPECT_EQ(get("/f/data.bin").body, content_);
}

TEST_F(ArchiveSimTest, TakesFaultsOverHttpAndReportsItsLog) {
  const std::string json = R"([{"path":"/f/*","kind":"status","n":429,"text":"2","times":1}])";
  RawClient client(sim_.port());
  client.ask("POST", "/_sim/faults", "Content-Length: " + std::to_string(json.size()) + "\r\n\r\n" + json);
  EXPECT_EQ(client.read().body, "[1]\n");
  const RawAnswer spoilt = get("/f/data.bin");
  EXPECT_EQ(spoilt.status(), 429);
  EXPECT_EQ(spoilt.header("Retry-After"), "2");
  EXPECT_EQ(get("/f/data.bin").status(), 200);
  EXPECT_NE(get("/_sim/log").body.find(R"("status":429)"), std::string::npos);
  EXPECT_NE(get("/_sim/stats").body.find(R"("requests":2)"), std::string::npos);
  EXPECT_EQ(request("DELETE", "/_sim/log").status(), 200);
  EXPECT_EQ(get("/_sim/log").body, "");
  const std::string wrong = R"({"kind":"no such"})";
  client.send(wrong);
  EXPECT_EQ(request("POST", "/_sim/faults", "Content-Length: 18\r\n\r\n" + wrong).status(), 400);
}

}  // namespace
}  // namespace astrofs::sim
