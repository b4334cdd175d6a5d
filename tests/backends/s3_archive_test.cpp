#include "backends/s3.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/contract/http_stack.h"
#include "tests/support/archive_sim.h"

namespace astrofs {
namespace {

using sim::Fault;
using sim::Kind;

class S3ArchiveTest : public ::testing::Test {
 protected:
  S3ArchiveTest() { EXPECT_TRUE(server_.start()); }
  Result<std::variant<Listing, NotModified>> list(const std::string& dir, const std::string& prefix = "") {
    S3Archive archive(server_.url(), prefix, http_.fetcher());
    return archive.list(dir, "", {});
  }
  sim::ArchiveSim server_;
  contract::HttpStack http_;
};

std::vector<std::string> names_of(const Result<std::variant<Listing, NotModified>>& answer) {
  std::vector<std::string> names;
  EXPECT_TRUE(answer) << answer.error().message;
  if (!answer) return names;
  for (const Entry& entry : std::get<Listing>(*answer).entries) names.push_back(entry.name);
  return names;
}

TEST_F(S3ArchiveTest, AnETagThatMayBeAnMd5IsADigestThatIsNotCertain) {
  const S3Archive archive(server_.url(), "", http_.fetcher());
  const auto digest = archive.digest("\"9bb58f26192e4ba00f01e2e7b136bbd8\"");
  ASSERT_TRUE(digest);
  EXPECT_EQ(digest->kind, DigestKind::md5);
  EXPECT_EQ(digest->hex, "9bb58f26192e4ba00f01e2e7b136bbd8");
  EXPECT_FALSE(digest->certain);
  for (const char* other : {"\"9bb58f26192e4ba00f01e2e7b136bbd8-5\"", "9bb58f26192e4ba00f01e2e7b136bbd8",
                            "\"21e5c00-56ad\"", "", "W/\"9bb58f26192e4ba00f01e2e7b136bb\"",
                            "\"9bb58f26192e4ba00f01e2e7b136bbdz\"", "Mon, 19 Nov 2018 10:00:00 GMT"}) {
    EXPECT_FALSE(archive.digest(other)) << other;
  }
}

TEST_F(S3ArchiveTest, FollowsAllPagesOfALevel) {
  for (int i = 0; i < 2500; ++i) server_.serve_file(fmt::format("/many/f{:05}", i), "x");
  EXPECT_EQ(names_of(list("many/")).size(), 2500U);
  EXPECT_EQ(server_.requests().size(), 3U);
}

TEST_F(S3ArchiveTest, ARepeatedContinuationTokenIsAnErrorAndNotAnEndlessLoop) {
  for (int i = 0; i < 10; ++i) server_.serve_file(fmt::format("/many/f{:05}", i), "x");
  server_.add_fault(Fault{.path = "*list-type*", .kind = Kind::token_repeats});
  const auto answer = list("many/");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::corrupt);
  EXPECT_LE(server_.requests().size(), 3U);
}

TEST_F(S3ArchiveTest, HidesTheObjectsThatMarkDirectories) {
  server_.serve_file("/data/", "");
  server_.serve_file("/data/empty/", "");
  server_.serve_file("/data/a.fits", "SIMPLE");
  EXPECT_THAT(names_of(list("", "data/")), ::testing::ElementsAre("a.fits", "empty"));
  EXPECT_THAT(names_of(list("data/empty/", "data/")), ::testing::IsEmpty());
}

TEST_F(S3ArchiveTest, ADirectoryWinsOverAnObjectOfItsName) {
  server_.serve_file("/data/x", "file");
  server_.serve_file("/data/x/y", "below");
  const auto answer = list("data/");
  ASSERT_TRUE(answer);
  const auto& entries = std::get<Listing>(*answer).entries;
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].kind, EntryKind::directory);
}

TEST_F(S3ArchiveTest, AnEmptyBucketIsEmptyAndAnEmptyPrefixIsNotThere) {
  EXPECT_THAT(names_of(list("")), ::testing::IsEmpty());
  const auto answer = list("", "nothing/");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::not_found);
}

TEST_F(S3ArchiveTest, AnswersOfOtherServersAreNoListing) {
  for (const char* const body :
       {"<html><body>log in</body></html>", "", "<ListBucketResult><Contents><Key>a</Key>",
        "<ListBucketResult><Contents><Key>else/where</Key><Size>1</Size></Contents></ListBucketResult>"}) {
    server_.clear_faults();
    server_.add_fault(Fault{.path = "*list-type*", .kind = Kind::body, .text = body});
    const auto answer = list("data/");
    EXPECT_FALSE(answer) << body;
  }
}

TEST_F(S3ArchiveTest, AWeakEtagIsNoValidator) {
  server_.serve_file("/data/strong", "x", {.etag = "\"s\""});
  server_.serve_file("/data/weak", "x", {.etag = "W/\"w\""});
  const auto answer = list("data/");
  ASSERT_TRUE(answer);
  const auto& entries = std::get<Listing>(*answer).entries;
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].validator, "\"s\"");
  EXPECT_EQ(entries[1].validator, "");
}

TEST_F(S3ArchiveTest, LocatesOddKeysPercentEncoded) {
  S3Archive archive("https://bucket.example", "", http_.fetcher());
  const auto mirrors = archive.locate("a b/c+d/%41/\xc3\xa9/../x?y#z");
  ASSERT_TRUE(mirrors);
  EXPECT_EQ(mirrors->front().url, "https://bucket.example/a%20b/c%2Bd/%2541/%C3%A9/%2E%2E/x%3Fy%23z");
  EXPECT_EQ(archive.validator_origin(), "https://bucket.example:443");
}

}  // namespace
}  // namespace astrofs
