// The ways in which a server may lie or fail, each with the outcome a reader must get: right bytes, or the
// right error, with few requests and in bounded time. The Fetcher on CurlClient against the stand-in archive.
#include <gtest/gtest.h>

#include <future>

#include "backends/http/curl_client.h"
#include "tests/backends/http_stage.h"
#include "tests/support/archive_sim.h"

namespace astrofs::http {
namespace {

using sim::Fault;
using sim::Kind;

enum class Read : unsigned char {
  all,      ///< the whole file in one range
  middle,   ///< one range inside
  several,  ///< the file in five ranges, one after the other; the last one's outcome counts
  probed,   ///< the whole file, of the size that a probe tells
  changed,  ///< a range, then the fault begins, then another range of the version first seen
};

struct Row {
  const char* name;
  std::vector<Fault> faults;
  Read read;
  const char* wanted;       ///< outcomes that are right, with | between
  std::size_t requests{6};  ///< the most that one job may send
  bool detectable{true};    ///< false: only a checksum of the archive could tell
};

Fault fault(Kind kind, std::int64_t n = -1, std::string text = {}, int times = sim::kForever, int skip = 0,
            int every = 1) {
  return {"/f.fits", kind, n, std::move(text), times, skip, every, {}};
}

// clang-format off
const std::vector<Row> kRows = {
    {"Control", {}, Read::all, "ok", 1},
    {"ControlMiddle", {}, Read::middle, "ok", 1},
    {"ResetAfter50kBEachTime", {fault(Kind::reset_after, 50'000)}, Read::all, "ok"},
    {"ResetMidBodyMidRead", {fault(Kind::reset_after, 30'000)}, Read::middle, "ok|unavailable"},
    {"ResetWithNoProgress", {fault(Kind::reset_after, 0)}, Read::all, "unavailable"},
    {"CloseEarlyEachTime", {fault(Kind::close_early, 50'000)}, Read::all, "ok"},
    {"ContentLengthShort", {fault(Kind::length_short)}, Read::all, "corrupt"},
    {"NoContentLengthTruncated", {fault(Kind::unframed_short)}, Read::all, "corrupt"},
    {"ChunkedWithoutLastChunk", {fault(Kind::chunked_endless, -1, {}, 2)}, Read::all, "ok"},
    {"ChunkedCorrect", {fault(Kind::chunked)}, Read::all, "ok", 1},
    {"RangeShifted", {fault(Kind::range_shifted)}, Read::middle, "corrupt"},
    {"RangeHeaderShifted", {fault(Kind::range_header_shifted)}, Read::middle, "corrupt"},
    {"RangeOtherTotal", {fault(Kind::range_other_total)}, Read::middle, "stale|corrupt"},
    {"RangeWithoutHeader", {fault(Kind::range_no_header)}, Read::middle, "corrupt"},
    {"WholeBodyToARange", {fault(Kind::range_ignored)}, Read::middle, "ok", 1},
    {"PartialBodyAs200", {fault(Kind::range_partial_200)}, Read::middle, "corrupt"},
    {"Multipart", {fault(Kind::range_multipart)}, Read::middle, "corrupt"},
    {"RangeRefused", {fault(Kind::range_refused)}, Read::middle, "corrupt|stale"},
    {"Status503Always", {fault(Kind::status, 503)}, Read::all, "unavailable"},
    {"Status503TwiceWithRetryAfter", {fault(Kind::status, 503, "1", 2)}, Read::all, "ok", 3},
    {"Status429TwiceWithRetryAfterDate", {fault(Kind::status, 429, "+1", 2)}, Read::all, "ok", 3},
    {"Status500EverySecond", {fault(Kind::status, 500, {}, sim::kForever, 0, 2)}, Read::several, "ok"},
    {"Status403Always", {fault(Kind::status, 403)}, Read::all, "denied", 1},
    {"Status401Always", {fault(Kind::status, 401)}, Read::all, "denied", 1},
    {"Status404OnAListedFile", {fault(Kind::status, 404)}, Read::all, "not_found", 2},
    {"Status410OnAListedFile", {fault(Kind::status, 410)}, Read::all, "not_found", 2},
    {"Status404Once", {fault(Kind::status, 404, {}, 1)}, Read::all, "ok", 2},
    {"Status401AfterThree", {fault(Kind::status, 401, {}, sim::kForever, 3)}, Read::several, "denied"},
    {"RedirectLoop", {fault(Kind::redirect)}, Read::all, "corrupt", 2},  // each of two attempts sees the circle at once
    {"SlowHeaders", {fault(Kind::slow_headers, 100)}, Read::all, "ok", 1},
    {"Dribble", {fault(Kind::drip, 100)}, Read::all, "timed_out|unavailable"},
    {"StallAfter50kB", {fault(Kind::stall_after, 50'000)}, Read::middle, "ok|timed_out|unavailable"},
    {"StallWithoutProgress", {fault(Kind::stall_after, 0)}, Read::all, "timed_out|unavailable"},
    {"StallFirstTimeOnly", {fault(Kind::stall_after, 50'000, {}, 1)}, Read::all, "ok", 2},
    {"EtagAndContentChange", {fault(Kind::new_version, 0)}, Read::changed, "stale"},
    {"EtagAndSizeChange", {fault(Kind::new_version, 2880)}, Read::changed, "stale"},
    {"ContentChangesSilently", {fault(Kind::silent_change)}, Read::changed, "ok", 6, false},
    {"Gzip", {fault(Kind::gzip)}, Read::all, "corrupt"},
    {"GzipBomb", {fault(Kind::gzip_bomb)}, Read::all, "corrupt"},
    {"HeadSays1000More", {fault(Kind::head_delta, 1000)}, Read::probed, "stale|corrupt"},
    {"HeadSays1000Fewer", {fault(Kind::head_delta, -1000)}, Read::probed, "stale|corrupt"},
    {"HeadRefused", {fault(Kind::head_refused)}, Read::probed, "ok"},
    {"LoginPage", {fault(Kind::login_page)}, Read::all, "denied"},
    {"Empty200", {fault(Kind::empty)}, Read::all, "corrupt"},
    {"OneMiBHeader", {fault(Kind::huge_header)}, Read::all, "corrupt"},
    {"FiveThousandHeaders", {fault(Kind::many_headers)}, Read::all, "ok|corrupt"},
    {"GarbageStatusLine", {fault(Kind::garbage_status)}, Read::all, "corrupt|unavailable"},
    {"Http09", {fault(Kind::http09)}, Read::all, "corrupt|unavailable"},
    {"JunkAfterTheBody", {fault(Kind::junk_after)}, Read::several, "ok"},
    {"OneFlippedBit", {fault(Kind::flip_bit)}, Read::all, "ok", 1, false},
    {"SilentAlways", {fault(Kind::silent)}, Read::all, "timed_out|unavailable"},
    {"IdleConnectionClosed", {fault(Kind::close_idle)}, Read::several, "ok"},
    {"JsonErrorAs200", {fault(Kind::body, -1, "{\"error\": \"maintenance\"}")}, Read::all, "corrupt"},
    {"HtmlErrorAs200", {fault(Kind::body, -1, "<html><h1>Back at noon</h1>")}, Read::all, "corrupt"},
};
// clang-format on

class HttpFaults : public ::testing::TestWithParam<Row> {
 protected:
  static CurlOptions curl_options() {
    CurlOptions options;
    options.head_timeout = milliseconds(900);
    options.stall_time = milliseconds(250);
    options.stall_bytes = 4096;
    return options;
  }
  static FetcherOptions fetcher_options() {
    FetcherOptions options;
    options.first_backoff = milliseconds(10);
    options.longest_backoff = milliseconds(50);
    options.breaker_failures = 1000;  // has tests of its own
    options.body_timeout = milliseconds(10'000);
    return options;
  }
  void SetUp() override {
    ASSERT_TRUE(sim.start());
    sim.serve_file("/f.fits", file);
  }
  void begin_faults() {
    for (const Fault& one : GetParam().faults) sim.add_fault(one);
  }
  /// Fetches and checks what must hold whatever happens.
  std::string fetch(ByteRange range, std::uint64_t size) {
    sim.clear_log();
    RangeJob job = job_for(file, range, {sim.url() + "/f.fits"});
    job.size = size;
    job.etags = etags;
    job.timeout = milliseconds(10'000);
    auto got = std::make_shared<Recorder>();
    fetcher.start(std::move(job), got, {});
    got->wait();
    EXPECT_TRUE(got->in_order);
    EXPECT_EQ(got->ends, 1);
    EXPECT_LE(sim.requests().size(), GetParam().requests);
    EXPECT_LT(sim.bytes_sent(), 16U << 20) << "read on where nothing good could come";
    if (GetParam().detectable) {
      EXPECT_TRUE(got->bytes == file.substr(got->arriving.offset, got->bytes.size())) << "wrong bytes";
    }
    if (got->outcome() == "ok") {
      EXPECT_EQ(got->bytes.size(), got->arriving.length);
      EXPECT_TRUE(got->arriving.contains(range));
    }
    etags[got->info.origin] = got->info.etag;
    return got->outcome();
  }
  std::string read() {
    const std::uint64_t size = file.size();
    const ByteRange middle{100'000, 65'536};
    if (GetParam().read == Read::changed) {
      EXPECT_EQ(fetch({0, 65'536}, size), "ok");
      begin_faults();
      return fetch(middle, size);
    }
    begin_faults();
    switch (GetParam().read) {
      case Read::middle:
        return fetch(middle, size);
      case Read::several: {
        std::string outcome;
        for (std::uint64_t i = 0; i < 5; ++i) outcome = fetch({i * (size / 5), size / 5}, size);
        return outcome;
      }
      case Read::probed: {
        std::promise<Result<ContentInfo>> told;
        fetcher.probe({get(sim.url() + "/f.fits")},
                      [&](Result<ContentInfo> info) { told.set_value(std::move(info)); });
        const auto info = told.get_future().get();
        EXPECT_TRUE(info && info->size);
        return info && info->size ? fetch({0, *info->size}, *info->size) : "no size";
      }
      case Read::all:
      case Read::changed:
        break;
    }
    return fetch({0, size}, size);
  }

  const std::string file = fits_like(262'211);
  std::map<std::string, std::string> etags;
  sim::ArchiveSim sim;
  SystemClock clock;
  Metrics metrics;
  CurlClient client{curl_options()};
  Fetcher fetcher{client, clock, metrics, fetcher_options()};
};

TEST_P(HttpFaults, EndInRightBytesOrTheRightError) {
  const std::string outcome = read();
  const std::string wanted = std::string("|") + GetParam().wanted + "|";
  EXPECT_NE(wanted.find("|" + outcome + "|"), std::string::npos)
      << outcome << " instead of " << GetParam().wanted;
}

INSTANTIATE_TEST_SUITE_P(Rows, HttpFaults, ::testing::ValuesIn(kRows),
                         [](const auto& row) { return std::string(row.param.name); });

// A part as long as a file: it shows only at its end that it is none, and must not have been handed on by
// then.
TEST(HttpLongBodies, APartWithoutALengthThatCallsItselfWholeIsNotTaken) {
  const std::string file = fits_like(3 << 20);
  sim::ArchiveSim sim;
  ASSERT_TRUE(sim.start());
  sim.serve_file("/f.fits", file);
  sim.add_fault(fault(Kind::range_partial_200));
  sim.add_fault(fault(Kind::chunked));
  const SystemClock clock;
  Metrics metrics;
  CurlClient client{CurlOptions{}};
  FetcherOptions options;
  options.first_backoff = milliseconds(10);
  Fetcher fetcher{client, clock, metrics, options};
  const ByteRange range{100'000, file.size() - 100'000};
  RangeJob job = job_for(file, range, {sim.url() + "/f.fits"});
  job.is_fits = false;  // nothing in its first bytes tells
  auto got = std::make_shared<Recorder>();
  fetcher.start(std::move(job), got, {});
  got->wait();
  EXPECT_EQ(got->outcome(), "ok") << "asked for as a whole it comes as a whole";
  EXPECT_TRUE(got->bytes == file.substr(got->arriving.offset, got->bytes.size())) << "wrong bytes";
}

}  // namespace
}  // namespace astrofs::http
