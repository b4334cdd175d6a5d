#include "backends/index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/contract/http_stack.h"
#include "tests/support/archive_sim.h"

namespace astrofs {
namespace {

using sim::Fault;
using sim::Kind;
using sim::ListingStyle;

class IndexArchiveTest : public ::testing::Test {
 protected:
  IndexArchiveTest() {
    EXPECT_TRUE(server_.start());
    server_.set_style("/data/", ListingStyle::apache);
    server_.serve_file("/data/sub/a.fits", "SIMPLE");
  }
  Result<std::variant<Listing, NotModified>> list(const std::string& dir, const std::string& token = "") {
    IndexArchive archive(server_.url() + "/data", http_.fetcher());
    return archive.list(dir, token, {});
  }
  sim::ArchiveSim server_;
  contract::HttpStack http_;
};

TEST_F(IndexArchiveTest, GivesSizesOnlyWhereThePageHasThemExactly) {
  server_.serve_file("/data/sub/big.fits", std::string(5000, 'x'));
  for (const auto& [style, exact] : {std::pair{ListingStyle::apache, false},
                                     {ListingStyle::nginx, true},
                                     {ListingStyle::nginx_json, true},
                                     {ListingStyle::lighttpd, false}}) {
    server_.set_style("/data/", style);
    const auto answer = list("sub/");
    ASSERT_TRUE(answer) << answer.error().message;
    const auto& entries = std::get<Listing>(*answer).entries;
    ASSERT_EQ(entries.size(), 2U);
    EXPECT_EQ(entries[1].name, "big.fits");
    EXPECT_EQ(entries[1].size.has_value(), exact);
    if (exact) {
      EXPECT_EQ(entries[1].size, 5000U);
    }
  }
}

TEST_F(IndexArchiveTest, AsksForTheDirectoryWithItsSlash) {
  ASSERT_TRUE(list("sub"));
  EXPECT_EQ(server_.count("/data/sub/"), 1U);
  EXPECT_EQ(server_.requests().size(), 1U) << "no redirect";
}

TEST_F(IndexArchiveTest, SendsTheValidatorsOfAPageBack) {
  // A page of a server that gives directories an ETag: served here as a file.
  const std::string page =
      "<html><head><title>Index of /pages/</title></head><body><a href=\"x.fits\">x.fits</a></body></html>";
  server_.serve_file("/pages/", page, {.etag = "\"v1\"", .content_type = "text/html"});
  IndexArchive archive(server_.url() + "/pages", http_.fetcher());
  const auto first = archive.list("", "", {});
  ASSERT_TRUE(first) << first.error().message;
  server_.clear_log();
  const auto again = archive.list("", std::get<Listing>(*first).token, {});
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(std::holds_alternative<NotModified>(*again));
  ASSERT_EQ(server_.requests().size(), 1U);
  EXPECT_EQ(server_.requests()[0].status, 304);
}

TEST_F(IndexArchiveTest, ALoginPageIsNoEmptyDirectory) {
  server_.add_fault(Fault{
      .path = "/data/sub/", .kind = Kind::body, .text = "<html><form action=login>Password</form></html>"});
  const auto answer = list("sub/");
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().code, Errc::not_found);
}

TEST_F(IndexArchiveTest, APageThatWasCutOffIsNoShorterDirectory) {
  for (int i = 0; i < 50; ++i) server_.serve_file("/data/sub/n" + std::to_string(i), "x");
  server_.add_fault(Fault{.path = "/data/sub/", .kind = Kind::unframed_short});
  const auto answer = list("sub/");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::unavailable) << answer.error().message;
}

TEST_F(IndexArchiveTest, ARedirectToTheFrontPageIsNotThatDirectory) {
  server_.add_fault(Fault{.path = "/data/gone/", .kind = Kind::redirect, .text = server_.url() + "/data/"});
  const auto answer = list("gone/");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::not_found);
}

TEST_F(IndexArchiveTest, AnotherDirectoryOfTheArchiveThatHasALoginFileIsNotThatDirectoryEither) {
  server_.serve_file("/data/login.fits", "SIMPLE");
  server_.add_fault(Fault{.path = "/data/gone/", .kind = Kind::redirect, .text = server_.url() + "/data/"});
  const auto answer = list("gone/");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::not_found);
}

TEST_F(IndexArchiveTest, ARedirectToALoginPageIsADenial) {
  const std::string page = "<html><body><form action=x>Password <input></form></body></html>";
  sim::ArchiveSim portal;
  ASSERT_TRUE(portal.start());
  portal.serve_file("/enter", page, {.content_type = "text/html"});
  server_.serve_file("/data/enter", page, {.content_type = "text/html"});
  for (const std::string& place : {portal.url() + "/enter", server_.url() + "/data/enter"}) {
    server_.clear_faults();
    server_.add_fault(Fault{.path = "/data/sub/", .kind = Kind::redirect, .text = place});
    const auto answer = list("sub/");
    ASSERT_FALSE(answer) << place;
    EXPECT_EQ(answer.error().code, Errc::denied) << answer.error().message;
  }
}

TEST_F(IndexArchiveTest, ARedirectOutOfTheArchiveIsNoMissingDirectory) {
  const std::string page = "<html><body>Welcome! Accept our terms to go on.</body></html>";
  sim::ArchiveSim portal;
  ASSERT_TRUE(portal.start());
  portal.serve_file("/welcome", page, {.content_type = "text/html"});
  server_.serve_file("/welcome", page, {.content_type = "text/html"});
  for (const std::string& place : {portal.url() + "/welcome", server_.url() + "/welcome"}) {
    server_.clear_faults();
    server_.add_fault(Fault{.path = "/data/sub/", .kind = Kind::redirect, .text = place});
    const auto answer = list("sub/");
    ASSERT_FALSE(answer) << place;
    EXPECT_EQ(answer.error().code, Errc::unavailable) << answer.error().message;
  }
}

TEST_F(IndexArchiveTest, LocatesNothingOutsideItsBase) {
  IndexArchive archive("http://h/data", http_.fetcher());
  for (const char* const locator :
       {"../x", "a/%2e%2e/x", "a//x", "x?y", "x#y", "%2E%2E/x", "/x", "http://other/x"}) {
    EXPECT_FALSE(archive.locate(locator)) << locator;
  }
  const auto mirrors = archive.locate("sub%20dir/a%2Bb.fits");
  ASSERT_TRUE(mirrors);
  EXPECT_EQ(mirrors->front().url, "http://h/data/sub%20dir/a%2Bb.fits");
}

}  // namespace
}  // namespace astrofs
