// Each kind of lie as it looks on the wire.
#include <gtest/gtest.h>
#include <zlib.h>

#include "tests/sim/raw_client.h"
#include "tests/support/archive_sim.h"

namespace astrofs::sim {
namespace {

class FaultTest : public testing::Test {
 protected:
  void SetUp() override {
    sim_.serve_file("/x.fits", content_);
    ASSERT_TRUE(sim_.start());
  }
  RawAnswer get(const std::string& headers = {}, bool to_end = false) {
    RawClient client(sim_.port());
    client.ask("GET", "/x.fits", headers);
    return client.read(false, to_end);
  }
  RawAnswer part(bool to_end = false) { return get("Range: bytes=10000-10099\r\n", to_end); }
  RawAnswer head() {
    RawClient client(sim_.port());
    client.ask("HEAD", "/x.fits");
    return client.read(true);
  }
  void lie(Kind kind, std::int64_t n = -1, const std::string& text = {}, int times = kForever) {
    sim_.add_fault({.path = "/x.*", .kind = kind, .n = n, .text = text, .times = times});
  }
  /// Every byte differs from its neighbours 4096 further on.
  static std::string make_content() {
    std::string text;
    for (std::size_t at = 0; at < 100'000; ++at) text += static_cast<char>(at * 31 + at / 256 * 5);
    return text;
  }

  const std::string content_ = make_content();
  const std::string asked_ = content_.substr(10'000, 100);
  ArchiveSim sim_;
};

TEST_F(FaultTest, ResetsAfterSomeBytes) {
  lie(Kind::reset_after, 50'000);
  const RawAnswer answer = get();
  EXPECT_EQ(answer.header("Content-Length"), "100000");
  EXPECT_LT(answer.body.size(), content_.size());
  EXPECT_EQ(answer.end, End::reset);
}

TEST_F(FaultTest, ClosesEarlyUnderTheRightLength) {
  lie(Kind::close_early, 50'000);
  const RawAnswer answer = get();
  EXPECT_EQ(answer.header("Content-Length"), "100000");
  EXPECT_EQ(answer.body, content_.substr(0, 50'000));
  EXPECT_EQ(answer.end, End::closed);
}

TEST_F(FaultTest, SaysAShorterLengthAndKeepsIt) {
  lie(Kind::length_short, 1000);
  const RawAnswer answer = get();
  EXPECT_EQ(answer.header("Content-Length"), "99000");
  EXPECT_EQ(answer.body.size(), 99'000U);
  EXPECT_EQ(answer.end, End::complete);
}

TEST_F(FaultTest, SaysALongerLengthAndCloses) {
  lie(Kind::length_long, 1000);
  const RawAnswer answer = get();
  EXPECT_EQ(answer.header("Content-Length"), "101000");
  EXPECT_EQ(answer.body, content_);
  EXPECT_EQ(answer.end, End::closed);
}

TEST_F(FaultTest, SendsTooLittleWithoutALength) {
  lie(Kind::unframed_short, 1000);
  const RawAnswer answer = get();
  EXPECT_EQ(answer.header("Content-Length"), "");
  EXPECT_EQ(answer.body, content_.substr(0, 99'000));
  EXPECT_EQ(answer.end, End::closed);
}

TEST_F(FaultTest, SendsChunksWithAndWithoutAnEnd) {
  lie(Kind::chunked, -1, {}, 1);
  RawClient client(sim_.port());
  client.ask("GET", "/x.fits", "Range: bytes=10000-10099\r\nConnection: close\r\n");
  const RawAnswer whole = client.read();
  EXPECT_EQ(whole.header("Transfer-Encoding"), "chunked");
  EXPECT_EQ(whole.body, "64\r\n" + asked_ + "\r\n0\r\n\r\n");
  lie(Kind::chunked_endless, 40);
  const RawAnswer cut = part();
  EXPECT_EQ(cut.body, "28\r\n" + asked_.substr(0, 40) + "\r\n");
  EXPECT_EQ(cut.end, End::closed);
}

TEST_F(FaultTest, ShiftsRangesInEveryWay) {
  lie(Kind::range_shifted, 4096, {}, 1);
  RawAnswer answer = part();
  EXPECT_EQ(answer.header("Content-Range"), "bytes 14096-14195/100000");
  EXPECT_EQ(answer.body, content_.substr(14'096, 100));
  lie(Kind::range_header_shifted, 4096, {}, 1);
  answer = part();
  EXPECT_EQ(answer.header("Content-Range"), "bytes 14096-14195/100000");
  EXPECT_EQ(answer.body, asked_);
  lie(Kind::range_data_shifted, 4096, {}, 1);
  answer = part();
  EXPECT_EQ(answer.header("Content-Range"), "bytes 10000-10099/100000");
  EXPECT_EQ(answer.body, content_.substr(14'096, 100));
  lie(Kind::range_other_total, 5, {}, 1);
  EXPECT_EQ(part().header("Content-Range"), "bytes 10000-10099/100005");
  lie(Kind::range_no_header, -1, {}, 1);
  answer = part();
  EXPECT_EQ(answer.status(), 206);
  EXPECT_EQ(answer.header("Content-Range"), "");
  EXPECT_EQ(part().header("Content-Range"), "bytes 10000-10099/100000");
}

TEST_F(FaultTest, AnswersARangeWithSomethingElse) {
  lie(Kind::range_ignored, -1, {}, 1);
  RawAnswer answer = part();
  EXPECT_EQ(answer.status(), 200);
  EXPECT_EQ(answer.body, content_);
  lie(Kind::range_partial_200, -1, {}, 1);
  answer = part();
  EXPECT_EQ(answer.status(), 200);
  EXPECT_EQ(answer.body, asked_);
  EXPECT_EQ(answer.header("Content-Range"), "");
  lie(Kind::range_refused, -1, {}, 1);
  answer = part();
  EXPECT_EQ(answer.status(), 416);
  EXPECT_EQ(answer.header("Content-Range"), "bytes */100000");
  lie(Kind::range_multipart, -1, {}, 1);
  answer = part();
  EXPECT_EQ(answer.status(), 206);
  EXPECT_TRUE(answer.header("Content-Type").starts_with("multipart/byteranges; boundary="));
  EXPECT_NE(answer.body.find("Content-Range: bytes 10000-10099/100000\r\n\r\n" + asked_), std::string::npos);
}

TEST_F(FaultTest, CountsSkipsAndRepeats) {
  sim_.add_fault({.path = "/x.fits", .kind = Kind::status, .n = 401, .skip = 2});
  EXPECT_EQ(part().status(), 206);
  EXPECT_EQ(part().status(), 206);
  EXPECT_EQ(part().status(), 401);
  EXPECT_EQ(part().status(), 401);
  sim_.clear_faults();
  const int id = sim_.add_fault({.path = "/x.fits", .kind = Kind::status, .n = 500, .every = 2});
  EXPECT_EQ(part().status(), 206);
  EXPECT_EQ(part().status(), 500);
  EXPECT_EQ(part().status(), 206);
  EXPECT_EQ(part().status(), 500);
  EXPECT_EQ(sim_.struck(id), 2);
  sim_.remove_fault(id);
  EXPECT_EQ(part().status(), 206);
  sim_.add_fault({.path = "/other*", .kind = Kind::status, .n = 500});
  EXPECT_EQ(part().status(), 206);
}

TEST_F(FaultTest, AsksToComeBackInSecondsOrAtADate) {
  lie(Kind::status, 503, "1", 1);
  EXPECT_EQ(part().header("Retry-After"), "1");
  lie(Kind::status, 429, "+3600", 1);
  const auto date = parse_http_date(part().header("Retry-After"));
  ASSERT_TRUE(date);
  EXPECT_GT(*date, SystemClock().wall() + seconds(3000));
}

TEST_F(FaultTest, RedirectsElsewhereAndInALoop) {
  lie(Kind::redirect, 307, "http://127.0.0.1:1{target}", 1);
  RawAnswer answer = part();
  EXPECT_EQ(answer.status(), 307);
  EXPECT_EQ(answer.header("Location"), "http://127.0.0.1:1/x.fits");
  lie(Kind::redirect);
  answer = part();
  EXPECT_EQ(answer.status(), 302);
  EXPECT_EQ(answer.header("Location"), "/x.fits");
}

TEST_F(FaultTest, DripsTricklesAndLimits) {
  lie(Kind::slow_headers, 50, {}, 1);
  lie(Kind::bandwidth, 10'000, {}, 1);
  EXPECT_EQ(part().body, asked_);
  lie(Kind::drip, 100'000, {}, 1);
  EXPECT_EQ(part().body, asked_);
  lie(Kind::latency, 20, {}, 1);
  EXPECT_EQ(part().body, asked_);
  const auto log = sim_.finished_requests(3);
  ASSERT_EQ(log.size(), 3U);
  EXPECT_GE(log[0].took.count(), 50);
}

TEST_F(FaultTest, StallsOnceAndFallsSilent) {
  lie(Kind::stall_after, 40, {}, 1);
  RawClient client(sim_.port());
  client.be_patient(300);
  client.ask("GET", "/x.fits", "Range: bytes=10000-10099\r\n");
  const RawAnswer answer = client.read();
  EXPECT_EQ(answer.body, asked_.substr(0, 40));
  EXPECT_EQ(answer.end, End::silence);
  EXPECT_EQ(part().body, asked_);
  lie(Kind::silent);
  RawClient other(sim_.port());
  other.be_patient(300);
  other.ask("GET", "/x.fits");
  EXPECT_EQ(other.read().end, End::silence);
  EXPECT_EQ(sim_.requests().back().status, 0);
}

TEST_F(FaultTest, RefusesConnections) {
  sim_.add_fault({.kind = Kind::refuse, .times = 1});
  RawClient client(sim_.port());
  client.ask("GET", "/x.fits");
  EXPECT_NE(client.read().end, End::complete);
  EXPECT_TRUE(sim_.requests().empty());
  EXPECT_EQ(part().body, asked_);
}

TEST_F(FaultTest, ChangesTheVersionWithOrWithoutSayingSo) {
  const std::string etag = part().header("ETag");
  sim_.add_fault({.path = "/x.fits", .kind = Kind::silent_change, .times = 1, .skip = 1});
  EXPECT_EQ(part().body, asked_);
  RawAnswer answer = part();
  EXPECT_EQ(answer.header("ETag"), etag);
  for (std::size_t at = 0; at < asked_.size(); ++at) {
    ASSERT_EQ(static_cast<std::byte>(answer.body[at]),
              changed_byte(static_cast<std::byte>(asked_[at]), 10'000 + at));
    ASSERT_NE(answer.body[at], asked_[at]);
  }
  lie(Kind::new_version, 10);
  answer = part();
  EXPECT_NE(answer.header("ETag"), etag);
  EXPECT_EQ(answer.header("Content-Range"), "bytes 10000-10099/100010");
  EXPECT_EQ(get("If-Match: " + etag + "\r\n").status(), 412);
  EXPECT_EQ(head().header("Content-Length"), "100010");
}

TEST_F(FaultTest, KeepsTheFirstCardOfAChangedFitsFile) {
  const std::string card = "SIMPLE  =                    T / FITS" + std::string(200, ' ');
  sim_.serve_file("/x.fits", card);
  lie(Kind::new_version);
  const RawAnswer answer = get();
  EXPECT_EQ(answer.body.substr(0, 80), card.substr(0, 80));
  EXPECT_NE(answer.body.substr(80), card.substr(80));
}

TEST_F(FaultTest, FlipsOneBit) {
  lie(Kind::flip_bit, 10'050);
  std::string expected = asked_;
  expected[50] = static_cast<char>(expected[50] ^ 1);
  EXPECT_EQ(part().body, expected);
  EXPECT_EQ(get("Range: bytes=0-99\r\n").body, content_.substr(0, 100));
}

std::string gunzip(const std::string& packed, std::size_t most) {
  std::string plain(most, '\0');
  z_stream stream{};
  ::inflateInit2(&stream, 15 + 16);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(plain.data());
  stream.avail_out = static_cast<uInt>(plain.size());
  const int end = ::inflate(&stream, Z_FINISH);
  plain.resize(stream.total_out);
  ::inflateEnd(&stream);
  return end == Z_STREAM_END ? plain : "damaged";
}

TEST_F(FaultTest, PacksWhatShouldBePlainAndBombs) {
  lie(Kind::gzip, -1, {}, 1);
  RawAnswer answer = get("Accept-Encoding: identity\r\n");
  EXPECT_EQ(answer.header("Content-Encoding"), "gzip");
  EXPECT_EQ(gunzip(answer.body, 200'000), content_);
  lie(Kind::gzip_bomb, 8 << 20, {}, 1);
  answer = get();
  EXPECT_LT(answer.body.size(), 100'000U);
  EXPECT_EQ(gunzip(answer.body, 9 << 20), std::string(8 << 20, '\0'));
}

TEST_F(FaultTest, LiesToHeadOnly) {
  lie(Kind::head_delta, 1000, {}, 1);
  EXPECT_EQ(part().body, asked_);
  EXPECT_EQ(head().header("Content-Length"), "101000");
  lie(Kind::head_delta, -1000, {}, 1);
  EXPECT_EQ(head().header("Content-Length"), "99000");
  lie(Kind::head_refused);
  EXPECT_EQ(head().status(), 405);
  EXPECT_EQ(part().status(), 206);
}

TEST_F(FaultTest, SendsOtherDocuments) {
  lie(Kind::login_page, -1, {}, 1);
  RawAnswer answer = part();
  EXPECT_EQ(answer.status(), 200);
  EXPECT_TRUE(answer.header("Content-Type").starts_with("text/html"));
  EXPECT_NE(answer.body.find("Please log in"), std::string::npos);
  lie(Kind::empty, -1, {}, 1);
  answer = part();
  EXPECT_EQ(answer.status(), 200);
  EXPECT_EQ(answer.header("Content-Length"), "0");
  lie(Kind::body, -1, "<!DOCTYPE lolz>");
  EXPECT_EQ(part().body, "<!DOCTYPE lolz>");
}

TEST_F(FaultTest, SendsHeadsThatNobodyShouldAccept) {
  lie(Kind::huge_header, -1, {}, 1);
  EXPECT_EQ(part().header("X-Filler").size(), 1U << 20);
  lie(Kind::many_headers, -1, {}, 1);
  EXPECT_EQ(part().header("X-Filler-4999"), "x");
  lie(Kind::garbage_status, -1, {}, 1);
  RawClient client(sim_.port());
  client.ask("GET", "/x.fits");
  EXPECT_TRUE(client.read(true).head.starts_with("%PDF"));
  lie(Kind::http09, -1, {}, 1);
  RawClient old(sim_.port());
  old.ask("GET", "/x.fits", "Range: bytes=10000-10099\r\n");
  const RawAnswer answer = old.read();
  EXPECT_EQ(answer.head, asked_);
  EXPECT_EQ(answer.end, End::closed);
}

TEST_F(FaultTest, PutsJunkBehindABodyAndClosesKeptConnections) {
  lie(Kind::junk_after, 5, {}, 1);
  RawClient client(sim_.port());
  client.ask("GET", "/x.fits", "Range: bytes=10000-10099\r\n");
  EXPECT_EQ(client.read().body, asked_);
  client.ask("GET", "/x.fits", "Range: bytes=10000-10099\r\n");
  EXPECT_TRUE(client.read().head.starts_with("#####HTTP/1.1 206"));
  lie(Kind::close_idle, -1, {}, 1);
  RawClient other(sim_.port());
  other.ask("GET", "/x.fits", "Range: bytes=10000-10099\r\n");
  const RawAnswer answer = other.read(false, true);
  EXPECT_EQ(answer.header("Connection"), "");
  EXPECT_EQ(answer.body, asked_);
  EXPECT_EQ(answer.end, End::closed);
}

TEST(FaultNames, AreReadBackAsTheyAreWritten) {
  for (int kind = 0; kind <= static_cast<int>(Kind::token_repeats); ++kind) {
    EXPECT_EQ(kind_of(name_of(static_cast<Kind>(kind))), static_cast<Kind>(kind));
  }
  EXPECT_FALSE(kind_of("no such fault"));
}

}  // namespace
}  // namespace astrofs::sim
