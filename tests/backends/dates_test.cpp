#include "backends/format/dates.h"

#include <gtest/gtest.h>

#include "backends/format/percent.h"
#include "backends/url.h"

namespace astrofs {
namespace {

std::optional<SysSeconds> at(std::int64_t unix_seconds) {
  return SysSeconds(std::chrono::seconds(unix_seconds));
}

TEST(Dates, ReadsIso8601WithAndWithoutZone) {
  EXPECT_EQ(parse_iso8601("2021-05-11T10:22:33.000Z"), at(1620728553));
  EXPECT_EQ(parse_iso8601("2021-05-11T10:22:33"), at(1620728553));
  EXPECT_EQ(parse_iso8601("2021-05-11T12:22:33+02:00"), at(1620728553));
  EXPECT_EQ(parse_iso8601("2021-05-11T06:52:33-0330"), at(1620728553));
  for (const char* bad :
       {"", "2021-05-11", "2021-13-11T10:22:33Z", "2021-02-29T10:22:33Z", "2021-05-11T24:22:33Z",
        "2021-05-11T10:22Z", "2021-05-11T10:22:33Zx", "21-05-11T10:22:33Z"}) {
    EXPECT_EQ(parse_iso8601(bad), std::nullopt) << bad;
  }
}

TEST(Dates, ReadsTheDatesOfHttp) {
  EXPECT_EQ(parse_http_date("Tue, 11 May 2021 10:22:33 GMT"), at(1620728553));
  for (const char* bad :
       {"", "11 May 2021 10:22:33 GMT", "Tue, 11 May 2021 10:22:33", "Tue, 11 Mai 2021 10:22:33 GMT",
        "Tuesday, 11-May-21 10:22:33 GMT", "Tue, 31 Apr 2021 10:22:33 GMT"}) {
    EXPECT_EQ(parse_http_date(bad), std::nullopt) << bad;
  }
}

TEST(Dates, ReadsTheColumnsOfDirectoryPages) {
  EXPECT_EQ(parse_index_date("2021-05-11", "10:22"), at(1620728520));
  EXPECT_EQ(parse_index_date("11-May-2021", "10:22"), at(1620728520));
  EXPECT_EQ(parse_index_date("2021-May-11", "10:22:33"), at(1620728553));
  for (const char* bad : {"", "-", "11-05-2021", "2021-May-32", "2021-05", "05-2021-11"})
    EXPECT_EQ(parse_index_date(bad, "10:22"), std::nullopt) << bad;
  for (const char* bad : {"", "-", "10", "10:60", "25:00", "10:22:"})
    EXPECT_EQ(parse_index_date("2021-05-11", bad), std::nullopt) << bad;
}

TEST(Percent, RepairsAComponentWithoutChangingWhatItMeans) {
  for (const char* text :
       {"plain.fits", "a b", "100%", "%41", "%zz%4", "\xC3\xA9\xFF", "a<b>\"|", "%", "+&=:@"}) {
    const std::string repaired = percent_repair(text);
    EXPECT_EQ(url::decode(repaired), url::decode(text)) << text;
    EXPECT_EQ(percent_repair(repaired), repaired);
  }
  EXPECT_EQ(percent_repair("se%76en 100%"), "se%76en%20100%25");
  EXPECT_EQ(percent_decode_plus("a+b%2Bc"), "a b+c");
}

}  // namespace
}  // namespace astrofs
