#include "tests/support/sim_listings.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/sim/raw_client.h"
#include "tests/support/archive_sim.h"

namespace astrofs::sim {
namespace {

class ListingTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(sim_.start()); }
  std::string get(const std::string& target) {
    RawClient client(sim_.port());
    client.ask("GET", target);
    return client.read().body;
  }
  static std::vector<std::string> all_between(const std::string& text, const std::string& from,
                                              const std::string& to) {
    std::vector<std::string> found;
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + 1)) {
      const auto start = at + from.size();
      found.push_back(text.substr(start, text.find(to, start) - start));
    }
    return found;
  }
  ArchiveSim sim_;
};

TEST_F(ListingTest, PagesThroughABucketInByteOrder) {
  std::set<std::string> keys;
  for (int number = 0; number < 2500; ++number) keys.insert("k/" + std::to_string(number) + "&+.fits");
  for (const std::string& key : keys) sim_.serve_file("/" + key, "x");
  std::vector<std::string> seen;
  std::string token;
  int pages = 0;
  do {
    const std::string page = get("/?list-type=2&prefix=k/" +
                                 (token.empty() ? "" : "&continuation-token=" + percent_encode(token, "")));
    for (const std::string& key : all_between(page, "<Key>", "</Key>")) {
      seen.push_back(key.substr(0, key.find("&amp;")) + "&+.fits");
    }
    const auto next = all_between(page, "<NextContinuationToken>", "<");
    token = next.empty() ? "" : next[0];
    EXPECT_EQ(page.find("<IsTruncated>true") != std::string::npos, !token.empty());
    ++pages;
  } while (!token.empty() && pages < 10);
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(seen, std::vector<std::string>(keys.begin(), keys.end()));
}

TEST_F(ListingTest, HasTokensThatMustBeEncodedInAQuery) {
  sim_.serve_file("/a", "x");
  sim_.serve_file("/b", "x");
  const auto token = all_between(get("/stpubdata?list-type=2&max-keys=1"), "<NextContinuationToken>", "<");
  ASSERT_EQ(token.size(), 1U);
  for (const char odd : {'/', '+', '='}) EXPECT_NE(token[0].find(odd), std::string::npos);
  // Sent as it is, '+' becomes a blank and the token is refused.
  EXPECT_NE(get("/stpubdata?list-type=2&continuation-token=" + token[0]).find("InvalidArgument"),
            std::string::npos);
}

TEST_F(ListingTest, FoldsKeysAtTheDelimiter) {
  for (const char* key : {"/p/a/1", "/p/a/2", "/p/b", "/p/c/3", "/p/a-z"}) sim_.serve_file(key, "x");
  const std::string page = get("/stpubdata/?list-type=2&prefix=p/&delimiter=/");
  EXPECT_EQ(all_between(page, "<Key>", "<"), (std::vector<std::string>{"p/a-z", "p/b"}));
  EXPECT_EQ(all_between(page, "<CommonPrefixes><Prefix>", "<"), (std::vector<std::string>{"p/a/", "p/c/"}));
  const std::string later = get("/?list-type=2&prefix=p/&start-after=p/a/1");
  EXPECT_EQ(all_between(later, "<Key>", "<"), (std::vector<std::string>{"p/a/2", "p/b", "p/c/3"}));
}

TEST_F(ListingTest, EncodesKeysOnRequest) {
  sim_.serve_file("/u/a b\n&.fits", "x");
  EXPECT_EQ(all_between(get("/?list-type=2&prefix=u/"), "<Key>", "</Key>")[0], "u/a b&#xA;&amp;.fits");
  EXPECT_EQ(all_between(get("/?list-type=2&prefix=u/&encoding-type=url"), "<Key>", "</Key>")[0],
            "u/a%20b%0A%26.fits");
}

TEST_F(ListingTest, GivesErrorsAsXml) {
  EXPECT_NE(get("/nobucket?list-type=2").find("<Code>NoSuchBucket</Code>"), std::string::npos);
  EXPECT_NE(get("/stpubdata/no/key").find("<Code>NoSuchKey</Code>"), std::string::npos);
  EXPECT_NE(get("/tess/public/no/key").find("<Code>NoSuchKey</Code>"), std::string::npos);
}

TEST_F(ListingTest, ServesFurtherBucketsFromAnywhereInTheTree) {
  sim_.serve_file("/store/one/k.fits", "body");
  sim_.add_bucket("mine", "/store/one");
  EXPECT_EQ(all_between(get("/mine?list-type=2"), "<Key>", "<"), std::vector<std::string>{"k.fits"});
  EXPECT_EQ(get("/mine/k.fits"), "body");
}

TEST_F(ListingTest, RepeatsATokenForEverWhenTold) {
  sim_.serve_file("/r/a", "x");
  sim_.add_fault({.kind = Kind::token_repeats});
  const auto first = all_between(get("/?list-type=2&prefix=r/"), "<NextContinuationToken>", "<");
  ASSERT_EQ(first.size(), 1U);
  const auto second =
      all_between(get("/?list-type=2&prefix=r/&continuation-token=" + percent_encode(first[0], "")),
                  "<NextContinuationToken>", "<");
  EXPECT_EQ(first, second);
}

TEST_F(ListingTest, WritesApachePagesWithOneParentAndFourSortLinks) {
  sim_.serve_file("/missions/d/sub/x", "x");
  sim_.serve_file("/missions/d/f.fits", std::string(35'000, 'x'));
  const std::string page = get("/missions/d/");
  EXPECT_EQ(all_between(page, "href=\"", "\""),
            (std::vector<std::string>{"?C=N;O=D", "?C=M;O=A", "?C=S;O=A", "?C=D;O=A", "/missions/", "f.fits",
                                      "sub/"}));
  EXPECT_NE(page.find("<td align=\"right\"> 34K</td>"), std::string::npos) << page;
}

TEST_F(ListingTest, WritesTheOtherStyles) {
  for (const char* style : {"nginx", "lighttpd"}) {
    sim_.serve_file(std::string("/") + style + "/f.fits", "four");
    sim_.set_style(std::string("/") + style, *listing_style_of(style));
    EXPECT_EQ(all_between(get(std::string("/") + style + "/"), "href=\"", "\""),
              (std::vector<std::string>{"../", "f.fits"}));
  }
  EXPECT_FALSE(listing_style_of("iis"));
}

TEST_F(ListingTest, InjectsHostileNamesIntoEveryStyle) {
  const std::vector<std::string> names{
      "../x", "a/b",  "new\nline", std::string("nul\0", 4), std::string(300, 'n'), "\xFF\xFE", ".",
      "..",   "twin", "twin"};
  for (const char* style : {"apache", "nginx", "nginx_json", "lighttpd"}) {
    const std::string directory = std::string("/h/") + style;
    sim_.set_style(directory, *listing_style_of(style));
    for (const std::string& name : names) sim_.inject(directory, {.name = name, .size = 1});
    sim_.inject(directory, {.name = "raw", .href = "http://other/../x"});
    const std::string page = get(directory + "/");
    const bool json = std::string_view(style) == "nginx_json";
    EXPECT_EQ(all_between(page, json ? "\"name\":" : "<a href=", ",").size() >= names.size(), true) << style;
    EXPECT_NE(page.find(json ? "\"../x\"" : "\"..%2Fx\""), std::string::npos) << style;
    if (!json) {
      EXPECT_NE(page.find("\"http://other/../x\""), std::string::npos) << style;
    }
  }
  const auto keys = all_between(get("/?list-type=2&prefix=h/apache/"), "<Key>", "</Key>");
  EXPECT_EQ(keys.size(), names.size() + 1);
  EXPECT_EQ(std::count(keys.begin(), keys.end(), "h/apache/twin"), 2);
}

TEST(RoundedSize, LooksLikeApaches) {
  EXPECT_EQ(rounded_size(5), "  5 ");
  EXPECT_EQ(rounded_size(1536), "1.5K");
  EXPECT_EQ(rounded_size(35'547'840), " 34M");
  EXPECT_EQ(rounded_size(999 * 1024), "1.0M");
}

}  // namespace
}  // namespace astrofs::sim
