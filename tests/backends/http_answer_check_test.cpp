#include "backends/http/answer_check.h"

#include <gtest/gtest.h>

#include "backends/http/net_address.h"
#include "backends/http/url.h"

namespace astrofs::http {
namespace {

ResponseHead head(int status, std::vector<Header> headers, std::string url = "http://a.example/f.fits") {
  return {status, std::move(url), std::move(headers)};
}

const Expectation kWanted{{100, 50}, 1000, true, {"\"v1\"", ""}};

std::string judged(const ResponseHead& answer, const Expectation& expected = kWanted) {
  const RangeAnswer judgement = judge_range(answer, expected, SysSeconds{});
  switch (judgement.body) {
    case Body::range:
      return "range";
    case Body::whole:
      return "whole";
    case Body::unsized:
      return "unsized";
    case Body::page:
    case Body::none:
      return std::string(name_of(judgement.verdict.error.code));
  }
  return "?";
}

TEST(ContentRange, ReadsTheFormsThatServersSend) {
  const auto closed = parse_content_range("bytes 0-99/1000");
  ASSERT_TRUE(closed && closed->range);
  EXPECT_EQ(*closed->range, (ByteRange{0, 100}));
  EXPECT_EQ(closed->total, 1000U);
  const auto unknown = parse_content_range("Bytes 5-5/*");
  ASSERT_TRUE(unknown && unknown->range);
  EXPECT_FALSE(unknown->total);
  const auto refused = parse_content_range("bytes */1000");
  ASSERT_TRUE(refused);
  EXPECT_FALSE(refused->range);
  EXPECT_EQ(refused->total, 1000U);
}

TEST(ContentRange, RefusesNonsense) {
  for (const char* text :
       {"", "bytes", "bytes ", "bytes 1-", "bytes -5/10", "bytes 9-5/10", "bytes 0-10/10", "bytes */*",
        "items 0-1/2", "bytes 0-1/2x", "bytes 0-18446744073709551615/*", "bytes 0-1"}) {
    EXPECT_FALSE(parse_content_range(text)) << text;
  }
}

TEST(HttpDate, ReadsAllThreeForms) {
  const SysSeconds expected(std::chrono::seconds(784'111'777));
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), expected);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), expected);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994"), expected);
  EXPECT_FALSE(parse_http_date("tomorrow"));
}

TEST(RetryAfter, CountsSecondsOrAgainstTheServersOwnClock) {
  const SysSeconds ours(std::chrono::seconds(1'000'000'000));  // far from the server's idea of now
  EXPECT_EQ(parse_retry_after(head(503, {{"retry-after", "7"}}), ours), std::chrono::seconds(7));
  EXPECT_EQ(parse_retry_after(head(503, {{"date", "Sun, 06 Nov 1994 08:49:37 GMT"},
                                         {"retry-after", "Sun, 06 Nov 1994 08:49:47 GMT"}}),
                              ours),
            std::chrono::seconds(10));
  EXPECT_FALSE(parse_retry_after(head(503, {{"retry-after", "Sun, 06 Nov 1994 08:49:47 GMT"}}), ours))
      << "long past";
  EXPECT_FALSE(parse_retry_after(head(503, {{"retry-after", "0"}}), ours));
  EXPECT_EQ(parse_retry_after(head(503, {{"retry-after", "18446744073709551615"}}), ours),
            std::chrono::hours(24));
  EXPECT_FALSE(parse_retry_after(head(503, {{"retry-after", "soon"}}), ours));
  EXPECT_FALSE(parse_retry_after(head(503, {}), ours));
}

TEST(RangeAnswer, TakesExactlyWhatWasAskedFor) {
  EXPECT_EQ(
      judged(
          head(206, {{"content-range", "bytes 100-149/1000"}, {"content-length", "50"}, {"etag", "\"v1\""}})),
      "range");
  EXPECT_EQ(judged(head(206, {{"content-range", "bytes 100-149/1000"}, {"etag", "\"v1\""}})), "range");
  EXPECT_EQ(judged(head(206, {{"content-range", "bytes 100-149/1000"},
                              {"content-encoding", "identity"},
                              {"etag", "\"v1\""}})),
            "range");
}

TEST(RangeAnswer, RefusesEveryLieAboutTheRange) {
  const Header etag{"etag", "\"v1\""};
  EXPECT_EQ(judged(head(206, {etag, {"content-range", "bytes 101-150/1000"}})), "corrupt");
  EXPECT_EQ(judged(head(206, {etag, {"content-range", "bytes 100-148/1000"}})), "corrupt");
  EXPECT_EQ(judged(head(206, {etag, {"content-range", "bytes 100-149/*"}})), "corrupt");
  EXPECT_EQ(judged(head(206, {etag})), "corrupt");
  EXPECT_EQ(judged(head(206, {etag, {"content-range", "bytes 100-149/1000"}, {"content-length", "49"}})),
            "corrupt");
  EXPECT_EQ(judged(head(206, {etag, {"content-range", "bytes 100-149/1000"}, {"content-encoding", "gzip"}})),
            "corrupt");
  EXPECT_EQ(judged(head(206, {etag, {"content-type", "multipart/byteranges; boundary=x"}})), "corrupt");
  EXPECT_EQ(judged(head(204, {etag})), "corrupt");
}

TEST(RangeAnswer, ChangedMeansStaleUnlessTheValidatorContradicts) {
  EXPECT_EQ(judged(head(206, {{"content-range", "bytes 100-149/1000"}, {"etag", "\"v2\""}})), "stale");
  EXPECT_EQ(judged(head(206, {{"content-range", "bytes 100-149/1000"}})),
            "stale");  // it said which version before
  EXPECT_EQ(judged(head(206, {{"content-range", "bytes 100-149/1000"}, {"etag", "W/\"v1\""}})), "stale");
  EXPECT_EQ(judged(head(206, {{"content-range", "bytes 100-149/1001"}, {"etag", "\"v1\""}})), "corrupt");
  const Expectation unpinned{{100, 50}, 1000, true, {}};
  EXPECT_EQ(judged(head(206, {{"content-range", "bytes 100-149/1001"}}), unpinned), "stale");
  EXPECT_EQ(judged(head(412, {})), "stale");
  EXPECT_EQ(judged(head(416, {{"content-range", "bytes */90"}}), unpinned), "stale");
  EXPECT_EQ(judged(head(416, {{"content-range", "bytes */1000"}}), unpinned), "corrupt");
  EXPECT_EQ(judged(head(416, {}), unpinned), "corrupt");
}

TEST(RangeAnswer, ComparesWeakValidatorsToo) {
  const Expectation dated{{100, 50}, 1000, true, {"", "Sun, 06 Nov 1994 08:49:37 GMT"}};
  const Header range{"content-range", "bytes 100-149/1000"};
  EXPECT_EQ(judged(head(206, {range, {"last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"}}), dated), "range");
  EXPECT_EQ(judged(head(206, {range, {"last-modified", "Mon, 07 Nov 1994 08:49:37 GMT"}}), dated), "stale");
}

TEST(RangeAnswer, TakesAWholeFileOnlyOfTheRightLength) {
  const Expectation unpinned{{100, 50}, 1000, true, {}};
  EXPECT_EQ(judged(head(200, {{"content-length", "1000"}}), unpinned), "whole");
  EXPECT_EQ(judged(head(200, {}), unpinned), "unsized");
  EXPECT_EQ(judged(head(200, {{"content-length", "50"}}), unpinned), "corrupt");
  EXPECT_EQ(judged(head(200, {{"content-length", "0"}}), unpinned), "corrupt");
  EXPECT_EQ(judged(head(200, {{"content-length", "999"}}), unpinned), "stale");
  EXPECT_EQ(judged(head(200, {{"content-type", "text/html; charset=utf-8"}}), unpinned), "corrupt");
  EXPECT_EQ(judged(head(200, {{"content-length", "1000"}, {"content-encoding", "gzip"}}), unpinned),
            "corrupt");
}

TEST(RangeAnswer, AnHtmlFileOfTheRightLengthIsAFile) {
  const Expectation readme{{0, 50}, 1000, false, {}};
  EXPECT_EQ(judged(head(200, {{"content-type", "text/html"}, {"content-length", "1000"}}), readme), "whole");
  EXPECT_EQ(judged(head(200, {{"content-type", "text/html"}, {"content-length", "777"}}), readme), "corrupt");
}

TEST(RangeAnswer, TakesAStoredGzipFileThatApacheLabels) {
  const Expectation gz{{100, 50}, 1000, false, {}};
  EXPECT_EQ(judged(head(206, {{"content-range", "bytes 100-149/1000"}, {"content-encoding", "x-gzip"}},
                        "http://a.example/f.fits.gz?x=1"),
                   gz),
            "range");
}

TEST(Status, SaysWhatToDo) {
  const auto remedy = [](int status) { return judge_status(head(status, {}), SysSeconds{}).remedy; };
  EXPECT_EQ(remedy(404), Remedy::confirm);
  EXPECT_EQ(remedy(410), Remedy::confirm);
  EXPECT_EQ(remedy(401), Remedy::next_mirror);
  EXPECT_EQ(remedy(403), Remedy::next_mirror);
  EXPECT_EQ(remedy(429), Remedy::retry);
  EXPECT_EQ(remedy(500), Remedy::retry);
  EXPECT_EQ(remedy(503), Remedy::retry);
  EXPECT_EQ(remedy(412), Remedy::give_up);
  EXPECT_EQ(remedy(400), Remedy::next_mirror);
  EXPECT_EQ(remedy(302), Remedy::distrust);
}

TEST(Page, IsDeniedWhenItAsksForAPassword) {
  const Verdict suspicion{Remedy::distrust, {Errc::corrupt, "html"}, {}, false};
  const auto cause = [&](std::string_view page, bool is_fits) {
    return judge_page(as_bytes(page), is_fits, suspicion).error.code;
  };
  EXPECT_EQ(cause("<html><form><input type=\"PASSWORD\"></form>", true), Errc::denied);
  EXPECT_EQ(cause("  \n<!doctype html><title>Please Log In</title>", false), Errc::denied);
  EXPECT_EQ(cause("<html><h1>It works!</h1>", true), Errc::corrupt);
  EXPECT_EQ(cause("{\"error\": \"login failed\"}", true), Errc::corrupt);
}

TEST(Page, AFitsFileOfAnotherLengthIsAnotherVersion) {
  const Verdict suspicion{Remedy::give_up, {Errc::stale, "size"}, {}, false};
  EXPECT_EQ(judge_page(as_bytes("SIMPLE  =                    T"), true, suspicion).error.code, Errc::stale);
  EXPECT_EQ(judge_page(as_bytes("{\"status\": \"maintenance\"}"), true, suspicion).error.code, Errc::corrupt);
}

TEST(Url, GivesTheOriginWithItsPort) {
  EXPECT_EQ(origin_of("https://MAST.stsci.edu/api?x=1"), "https://mast.stsci.edu:443");
  EXPECT_EQ(origin_of("http://user:pw@host:8080/x"), "http://host:8080");
  EXPECT_EQ(origin_of("http://[::1]:9/x"), "http://[::1]:9");
  EXPECT_EQ(origin_of("http://[::1]"), "http://[::1]:80");
  EXPECT_EQ(origin_of("http://host?query"), "http://host:80");
  for (const char* text : {"", "ftp://host/", "http://", "http://host:0/", "http://host:99999/",
                           "http://host:8x/", "host/x", "http://[::1/x"}) {
    EXPECT_EQ(origin_of(text), "") << text;
  }
}

TEST(Url, IsShownWithoutSecrets) {
  EXPECT_EQ(shown_url("https://me:secret@host/dir/f.fits?token=secret#secret"), "host:443/dir/f.fits");
  EXPECT_EQ(shown_url("http://host:8080/login;jsessionid=secret/f.fits;v=1"), "host:8080/login/f.fits");
}

TEST(NetAddress, KnowsThePlacesThatRedirectsMustNotReach) {
  for (const char* ip : {"127.0.0.1", "127.8.8.8", "0.0.0.0", "169.254.169.254", "::1", "::", "fe80::1",
                         "fe80::1%eth0", "::ffff:127.0.0.1", "::ffff:169.254.1.1", "not an address"}) {
    EXPECT_TRUE(is_local_address(ip)) << ip;
  }
  for (const char* ip : {"8.8.8.8", "10.0.0.1", "192.168.1.1", "2001:db8::1", "::ffff:8.8.8.8"}) {
    EXPECT_FALSE(is_local_address(ip)) << ip;
  }
}

TEST(NetAddress, KnowsThemInAddressesToo) {
  for (const char* host : {"localhost", "x.localhost", "127.0.0.1", "[::1]", "169.254.169.254"}) {
    EXPECT_TRUE(is_local_host(host)) << host;
  }
  for (const char* host : {"archive.eso.org", "10.0.0.1", "[2001:db8::1]", "", "localhost.org"}) {
    EXPECT_FALSE(is_local_host(host)) << host;
  }
}

TEST(AnswerCheck, ReadsTheNameOfAContentDisposition) {
  EXPECT_EQ(disposition_name("attachment; filename=\"a b.fits\""), "a b.fits");
  EXPECT_EQ(disposition_name("inline;filename=plain.fits ; size=3"), "plain.fits");
  EXPECT_EQ(disposition_name("attachment; filename=\"a;\\\"b.fits\"; x=y"), "a;\"b.fits");
  EXPECT_EQ(disposition_name("attachment; filename=x; filename*=UTF-8''%C3%A9.fits"), "\xC3\xA9.fits");
  EXPECT_EQ(disposition_name("attachment; FileName=\"../../etc/passwd\""), "passwd");
  EXPECT_EQ(disposition_name("attachment; filename=\"C:\\\\x.fits\""), "x.fits");
  for (const char* const none :
       {"", "inline", "attachment; filename=", "filename*=x", ";;;=;", "filename=\""})
    EXPECT_EQ(disposition_name(none), "") << none;
}

}  // namespace
}  // namespace astrofs::http
