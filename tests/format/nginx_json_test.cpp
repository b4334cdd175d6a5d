#include "backends/format/nginx_json.h"

#include <gtest/gtest.h>

#include <chrono>

#include "tests/format/samples.h"

namespace astrofs {
namespace {

Errc refused(std::string_view json) {
  const auto listing = parse_nginx_json(json);
  return listing ? Errc::internal : listing.error().code;
}

TEST(NginxJson, ReadsWhatNginxWrites) {
  const auto listing = parse_nginx_json(testing::seed("nginx_json/nginx.json"));
  ASSERT_TRUE(listing.has_value()) << listing.error().message;
  ASSERT_EQ(listing->entries.size(), 13U);
  EXPECT_EQ(listing->entries[0].name, "s0004");
  EXPECT_EQ(listing->entries[0].kind, EntryKind::directory);
  EXPECT_EQ(listing->entries[1].locator, "sub%20dir/");
  EXPECT_FALSE(listing->entries[1].size.has_value());
  EXPECT_EQ(listing->entries[3].name, "back\\slash");
  EXPECT_EQ(listing->entries[5].name, "latin\xE9.txt");  // not UTF-8, and no reason to lose the other names
  EXPECT_EQ(listing->entries[5].locator, "latin%E9.txt");
  EXPECT_EQ(listing->entries[7].name, "new\nline");
  EXPECT_EQ(listing->entries[11].size, 355478U);
  EXPECT_EQ(listing->entries[11].mtime, SysSeconds(std::chrono::seconds(1620728553)));
  EXPECT_EQ(listing->entries[12].name, "utf-\xC3\xA9.txt");
}

TEST(NginxJson, KeepsEveryByteOfANameAndReadsEscapes) {
  std::string name;
  for (int byte = 0x80; byte < 0x100; ++byte) name += static_cast<char>(byte);
  const auto listing = parse_nginx_json("[{\"name\":\"" + name + R"(\u00e9\u0041","type":"file","size":1}])");
  ASSERT_TRUE(listing.has_value());
  EXPECT_EQ(listing->entries.at(0).name, name +
                                             "\xC3\xA9"
                                             "A");
}

TEST(NginxJson, ReadsAnEmptyDirectory) {
  const auto listing = parse_nginx_json("[\n]");
  ASSERT_TRUE(listing.has_value());
  EXPECT_TRUE(listing->entries.empty());
}

TEST(NginxJson, DropsNamesThatAreNoComponentAndLeavesOutWhatIsNoFile) {
  const auto listing = parse_nginx_json(
      R"([{"name":"..","type":"directory"},{"name":"a/b","type":"file"},{"name":"n\u0000","type":"file"},
      {"type":"file"},{"name":"sock","type":"other"},{"name":"ok","type":"file"},{"name":"ok","type":"directory"},{"name":"ok","type":"file","size":3}])");
  ASSERT_TRUE(listing.has_value());
  EXPECT_EQ(listing->dropped, 4U);
  ASSERT_EQ(listing->entries.size(), 1U);
  EXPECT_EQ(listing->entries[0].kind, EntryKind::directory);
}

TEST(NginxJson, TakesNoSizeThatIsNoNaturalNumber) {
  const auto listing =
      parse_nginx_json(R"([{"name":"a","type":"file","size":-1},{"name":"b","type":"file","size":1.5},
      {"name":"c","type":"file","size":"7"},{"name":"d","type":"file","size":99999999999999999999},{"name":"e","type":"file","size":{"size":4}}])");
  ASSERT_TRUE(listing.has_value());
  ASSERT_EQ(listing->entries.size(), 5U);
  for (const Entry& entry : listing->entries) EXPECT_FALSE(entry.size.has_value()) << entry.name;
}

TEST(NginxJson, RefusesWhatIsNoListOfADirectory) {
  EXPECT_EQ(refused(""), Errc::corrupt);
  EXPECT_EQ(refused("<html>"), Errc::corrupt);
  EXPECT_EQ(refused("{}"), Errc::corrupt);
  EXPECT_EQ(refused("[1]"), Errc::corrupt);
  EXPECT_EQ(refused("[[]]"), Errc::corrupt);
  EXPECT_EQ(refused("[] []"), Errc::corrupt);
  EXPECT_EQ(refused(R"([{"name":"a","type":"file"},)"), Errc::corrupt);
  EXPECT_EQ(refused(R"([{"name":"a","type":"file"})"), Errc::corrupt);
}

TEST(NginxJson, RefusesNestingWithoutEnd) {
  std::string json = "[";
  for (int i = 0; i < 1'000'000; ++i) json += "{\"a\":";
  EXPECT_EQ(refused(json), Errc::too_large);
}

}  // namespace
}  // namespace astrofs
