#include "backends/format/s3_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "backends/format/xml_reader.h"
#include "tests/format/samples.h"

namespace astrofs {
namespace {

Errc refused(std::string_view xml) {
  const auto page = parse_s3_list(xml);
  return page ? Errc::internal : page.error().code;
}

TEST(S3List, ReadsAPageOfAListing) {
  const auto page = parse_s3_list(testing::seed("s3_list/page.xml"));
  ASSERT_TRUE(page.has_value()) << page.error().message;
  ASSERT_EQ(page->contents.size(), 2U);
  EXPECT_EQ(page->contents[0].key,
            "tess/public/ffi/s0004/2018/292/1-1/tess2018292095939-s0004-1-1-0124-s_ffic.fits");
  EXPECT_EQ(page->contents[0].size, 35547840U);
  EXPECT_EQ(page->contents[0].etag, "\"0f343b0931126a20f133d67c2b018a3b-5\"");
  EXPECT_EQ(page->contents[0].last_modified, SysSeconds(std::chrono::seconds(1620728553)));
  EXPECT_EQ(page->contents[1].key, "tess/public/a&b\nc");
  EXPECT_EQ(page->contents[1].size, 0U);
  EXPECT_THAT(page->common_prefixes, ::testing::ElementsAre("tess/public/ffi/s0004/2018/292/1-1/x/"));
  EXPECT_TRUE(page->is_truncated);
  EXPECT_EQ(page->next_token, "1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=");
  EXPECT_EQ(page->key_count, 3U);
}

TEST(S3List, DecodesNamesWrittenAsUrls) {
  const auto page = parse_s3_list(testing::seed("s3_list/url_encoded.xml"));
  ASSERT_TRUE(page.has_value());
  EXPECT_EQ(page->contents.at(0).key, "a b+c%/\xC3\xA9\n");
  EXPECT_EQ(page->contents.at(0).etag, "\"abc\"");  // quotes added: If-Match needs them
  EXPECT_FALSE(page->is_truncated);
  EXPECT_FALSE(page->key_count.has_value());
}

TEST(S3List, ReadsAnEmptyBucket) {
  const auto page = parse_s3_list(
      "<ListBucketResult><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>");
  ASSERT_TRUE(page.has_value());
  EXPECT_TRUE(page->contents.empty());
}

TEST(S3List, RefusesWhatIsNoWholeListing) {
  const std::string whole = testing::seed("s3_list/page.xml");
  for (std::size_t cut = 0; cut < whole.size(); cut += 13)
    EXPECT_EQ(refused(whole.substr(0, cut)), Errc::corrupt) << cut;
  EXPECT_EQ(refused("<html><body>log in</body></html>"), Errc::corrupt);
  EXPECT_EQ(refused("<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>"), Errc::corrupt);
  EXPECT_EQ(refused("<ListBucketResult><Contents><Size>1</Size></Contents></ListBucketResult>"),
            Errc::corrupt);
  EXPECT_EQ(refused("<ListBucketResult><Contents><Key>a</Key><Size>-1</Size></Contents></ListBucketResult>"),
            Errc::corrupt);
  EXPECT_EQ(refused("<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>"), Errc::corrupt);
}

TEST(S3List, ReportsAnErrorDocumentAsTheErrorItNames) {
  EXPECT_EQ(refused(testing::seed("s3_list/error.xml")), Errc::denied);
  EXPECT_EQ(refused("<Error><Code>NoSuchBucket</Code></Error>"), Errc::not_found);
  EXPECT_EQ(
      refused("<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"),
      Errc::unavailable);
  const auto error = parse_s3_error(testing::seed("s3_list/error.xml"));
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->code, "AccessDenied");
  EXPECT_EQ(error->message, "Access Denied");
  EXPECT_FALSE(parse_s3_error("<html/>").has_value());
}

TEST(S3List, RefusesEntityBombs) {
  EXPECT_EQ(refused(testing::seed("s3_list/entities.xml")), Errc::corrupt);
  EXPECT_EQ(
      refused(
          "<!DOCTYPE x SYSTEM 'file:///etc/passwd'><ListBucketResult><Name>&xxe;</Name></ListBucketResult>"),
      Errc::corrupt);
  EXPECT_EQ(refused("<!DOCTYPE x [<!ENTITY % p SYSTEM 'file:///etc/passwd'> %p;]><ListBucketResult/>"),
            Errc::corrupt);
}

TEST(S3List, RefusesADocumentThatIsTooDeepOrTooLong) {
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "<ListBucketResult>";
  EXPECT_EQ(refused(deep), Errc::too_large);
  EXPECT_EQ(refused("<ListBucketResult><Name>" + std::string(2U << 20, 'x') + "</Name></ListBucketResult>"),
            Errc::too_large);
}

/// Writes down what it is told.
class Recorder final : public XmlHandler {
 public:
  std::string said;
  Result<void> start_element(std::string_view name, std::span<const XmlAttribute> attributes) override {
    said += "<" + std::string(name);
    for (const auto& a : attributes) said += " " + std::string(a.name) + "=" + std::string(a.value);
    said += ">";
    return name == "stop" ? Result<void>(fail(Errc::unsupported, "enough")) : Result<void>();
  }
  Result<void> text(std::string_view text) override {
    said += "(" + std::string(text) + ")";
    return {};
  }
  Result<void> end_element(std::string_view name) override {
    said += "</" + std::string(name) + ">";
    return {};
  }
};

TEST(XmlReader, GivesTextWholeHoweverTheDocumentIsCut) {
  const std::string xml = "<v:a xmlns:v='u' k='1&amp;2'>one &lt;<!-- no -->two<b/>\xC3\xA9</v:a>";
  for (std::size_t step = 1; step < xml.size(); ++step) {
    Recorder recorder;
    XmlReader reader(recorder);
    for (std::size_t at = 0; at < xml.size(); at += step)
      ASSERT_TRUE(reader.feed(xml.substr(at, step)).has_value());
    ASSERT_TRUE(reader.finish().has_value());
    EXPECT_EQ(recorder.said, "<a v=u k=1&2>(one <two)<b></b>(\xC3\xA9)</a>");
  }
}

TEST(XmlReader, EndsWithTheErrorOfItsHandlerAndRepeatsIt) {
  Recorder recorder;
  XmlReader reader(recorder);
  const auto fed = reader.feed("<a><stop/><b/>");
  ASSERT_FALSE(fed.has_value());
  EXPECT_EQ(fed.error().code, Errc::unsupported);
  EXPECT_EQ(recorder.said, "<a><stop>");
  EXPECT_EQ(reader.feed("</a>").error().code, Errc::unsupported);
  EXPECT_EQ(reader.finish().error().code, Errc::unsupported);
}

}  // namespace
}  // namespace astrofs
