// Directory pages as the servers themselves wrote them (the seeds), and pages as no server should.
#include "backends/format/html_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "tests/format/samples.h"

namespace astrofs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAreArray;

constexpr SysSeconds kMinute = std::chrono::sys_days(std::chrono::year(2021) / 5 / 11) +
                               std::chrono::hours(10) + std::chrono::minutes(22);
constexpr std::string_view kFfi = "tess2018292095939-s0004-1-1-0124-s_ffic.fits";

HtmlIndex index_of(std::string_view html, std::string_view url = "http://h/data/") {
  auto index = parse_html_index(html, url);
  EXPECT_TRUE(index.has_value()) << index.error().message;
  return index ? *std::move(index) : HtmlIndex{};
}

std::vector<std::string> names_of(const HtmlIndex& index) {
  std::vector<std::string> names;
  for (const Entry& entry : index.entries) names.push_back(entry.name);
  return names;
}

Entry entry_of(const HtmlIndex& index, std::string_view name) {
  for (const Entry& entry : index.entries) {
    if (entry.name == name) return entry;
  }
  ADD_FAILURE() << "no entry " << name;
  return {};
}

/// What lay in the folder that the recorded servers showed.
std::vector<std::string> recorded_names() {
  return {"s0004",         "sub dir",         "a b&c.fits",      "back\\slash", "co:lon",
          "latin\xE9.txt", "lt<gt>\"q'.txt",  "new\nline",       "per%41cent",  "plain.fits",
          "que?ry#x",      std::string(kFfi), "utf-\xC3\xA9.txt"};
}

void expect_recorded(const HtmlIndex& index) {
  EXPECT_THAT(names_of(index), UnorderedElementsAreArray(recorded_names()));
  EXPECT_EQ(index.dropped, 0U);
  EXPECT_TRUE(index.recognised);
  EXPECT_EQ(entry_of(index, "s0004").kind, EntryKind::directory);
  EXPECT_EQ(entry_of(index, "s0004").locator, "s0004/");
  EXPECT_EQ(entry_of(index, "sub dir").locator, "sub%20dir/");
  EXPECT_EQ(entry_of(index, kFfi).kind, EntryKind::file);
  EXPECT_EQ(entry_of(index, kFfi).locator, kFfi);
  EXPECT_EQ(entry_of(index, "per%41cent").locator, "per%2541cent");
  EXPECT_FALSE(entry_of(index, "s0004").size.has_value());
}

TEST(HtmlIndex, ReadsThePageOfNginxWithExactSizes) {
  const auto index = index_of(testing::seed("html_index/nginx.html"));
  expect_recorded(index);
  EXPECT_EQ(entry_of(index, kFfi).size, 355478U);
  EXPECT_EQ(entry_of(index, "plain.fits").size, 5760U);
  EXPECT_EQ(entry_of(index, kFfi).mtime, kMinute);
  EXPECT_EQ(entry_of(index, "sub dir").mtime, kMinute);
}

TEST(HtmlIndex, ReadsTheFancyPageOfApacheAndTakesNoRoundedSize) {
  const auto index = index_of(testing::seed("html_index/apache_fancy.html"), "http://h/fancy/");
  expect_recorded(index);
  EXPECT_FALSE(entry_of(index, kFfi).size.has_value());          // 347K
  EXPECT_FALSE(entry_of(index, "plain.fits").size.has_value());  // 5.6K
  EXPECT_EQ(entry_of(index, "a b&c.fits").size, 12U);            // below 1 K Apache writes bytes
  EXPECT_EQ(entry_of(index, kFfi).mtime, kMinute);
}

TEST(HtmlIndex, ReadsTheTableOfApache) {
  const auto index = index_of(testing::seed("html_index/apache_table.html"), "https://h/table/?C=N;O=A");
  expect_recorded(index);
  EXPECT_FALSE(entry_of(index, kFfi).size.has_value());
  EXPECT_EQ(entry_of(index, "latin\xE9.txt").size, 3U);
  EXPECT_EQ(entry_of(index, "s0004").mtime, kMinute);
}

TEST(HtmlIndex, ReadsThePlainListOfApache) {
  const auto index = index_of(testing::seed("html_index/apache_list.html"), "http://h/");
  expect_recorded(index);
  EXPECT_EQ(entry_of(index, kFfi).mtime, SysSeconds{});
}

TEST(HtmlIndex, TakesDatesFromTheSecondLinkWhereIconsAreLinksAndNoSizeFromADescription) {
  const auto index = index_of(testing::seed("html_index/apache_icon_links.html"), "http://h/icons2/");
  expect_recorded(index);
  EXPECT_EQ(entry_of(index, kFfi).mtime, kMinute);
  EXPECT_FALSE(entry_of(index, "plain.fits").size.has_value());  // "42 things" is a description
}

TEST(HtmlIndex, ReadsThePageOfLighttpd) {
  const auto index = index_of(testing::seed("html_index/lighttpd.html"), "http://h/");
  expect_recorded(index);
  EXPECT_EQ(entry_of(index, kFfi).mtime, kMinute + std::chrono::seconds(33));
  EXPECT_EQ(entry_of(index, "s0004").mtime, kMinute + std::chrono::seconds(33));
  EXPECT_FALSE(entry_of(index, kFfi).size.has_value());
}

TEST(HtmlIndex, ReadsThePageOfPython) {
  const auto index = index_of(testing::seed("html_index/python.html"), "http://h/");
  EXPECT_EQ(index.entries.size(), 13U);  // Python itself spoils the name that is not UTF-8
  EXPECT_EQ(entry_of(index, "lt<gt>\"q'.txt").locator, "lt%3Cgt%3E%22q%27.txt");
  EXPECT_TRUE(index.recognised);
}

TEST(HtmlIndex, TakesPlainBytesOfALighttpdThatWritesThem) {
  const auto index =
      index_of(R"(<h2>Index of /data/</h2><table><tr><td class="n"><a href="x.fits">x.fits</a></td>
      <td class="m">2021-May-11 10:22:33</td><td class="s">35547840</td><td class="t">application/fits</td></tr></table>)");
  EXPECT_EQ(entry_of(index, "x.fits").size, 35547840U);
}

TEST(HtmlIndex, ResolvesEveryFormOfAReferenceToAChild) {
  const auto index = index_of(
      R"(<a href="one">x</a> <a href=./two>x</a> <A HREF='/data/three'>x</A> <a href="//H:80/data/four">x</a>
      <a href="HTTP://h/data/five/">x</a> <a href="../data/six">x</a> <a class="c" href="se%76en" id=1>x</a> <a href=" eight ">x</a>
      <a href="/d%61ta/nine">x</a> <a href="&#116;en">x</a>)");
  EXPECT_THAT(names_of(index),
              ElementsAre("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"));
  EXPECT_EQ(entry_of(index, "five").kind, EntryKind::directory);
  EXPECT_EQ(entry_of(index, "seven").locator, "se%76en");
}

TEST(HtmlIndex, IgnoresWhatIsNoChild) {
  for (const char* href : {"?C=N",
                           "#top",
                           "javascript:alert(1)",
                           "mailto:a@b",
                           "./",
                           ".",
                           "../",
                           "..",
                           "/",
                           "/data/",
                           "/data",
                           "http://other/data/x",
                           "//other/data/x",
                           "https://h/data/x",
                           "http://h:8080/data/x",
                           "http:x",
                           "deep/er",
                           "a//",
                           "//",
                           "/other/x",
                           "x?y=1",
                           "x#y",
                           "",
                           " "}) {
    const auto index = index_of("<a href=\"" + std::string(href) + "\">x</a>");
    EXPECT_THAT(index.entries, IsEmpty()) << href;
    EXPECT_EQ(index.dropped, 0U) << href;
  }
  EXPECT_THAT(index_of("<a>x</a><a name='x'>x</a><!-- <a href='x'>x</a> -->").entries, IsEmpty());
  EXPECT_THAT(index_of("<script>\"<a href='x'>x</a>\"</script><textarea><a href='x'>x</a>").entries,
              IsEmpty());
}

TEST(HtmlIndex, ReadsAReferenceWhereverThePageIsDividedForTheParser) {
  const std::string name(600, 'm');
  for (const char* reference : {"&#39;", "&#x27;", "&#X27;", "&amp;"}) {
    const std::string decoded = std::string_view(reference) == "&amp;" ? "&" : "'";
    for (std::size_t before = 3300; before < 3420; ++before) {
      const auto index =
          index_of(std::string(before, ' ') + "<a href=\"" + name + reference + "b\">x</a> <a title='" +
                   name + reference + "' href=c>x</a><a href=d>x</a>");
      ASSERT_THAT(names_of(index), ElementsAre(name + decoded + "b", "c", "d")) << reference << before;
    }
  }
}

TEST(HtmlIndex, TakesNoReferenceForTheEndOfAName) {
  for (const char* reference : {"&#0;", "&#1;", "&#x1b;", "&#xD800;", "&#99999999999;", "&#;", "&#x;", "&#"})
    EXPECT_THAT(index_of(std::string("<a href='a") + reference + "b'>x</a>").entries, IsEmpty()) << reference;
}

TEST(HtmlIndex, DropsAndCountsNamesThatAreNoComponent) {
  for (const char* href : {"a%2Fb", "%2e%2e", "%2E/", "nul%00", "..%2f..%2fetc", "a<b>c"}) {
    const auto index = index_of("<a href=\"" + std::string(href) + "\">x</a>");
    EXPECT_THAT(index.entries, IsEmpty()) << href;
    EXPECT_EQ(index.dropped, 1U) << href;
  }
  // Decoded once it is a name like any other.
  EXPECT_THAT(names_of(index_of("<a href='%252e%252e'>x</a>")), ElementsAre("%2e%2e"));
}

TEST(HtmlIndex, KeepsHostileBytesOfANameForTheDirectoryToEncode) {
  using namespace std::string_literals;
  const auto index =
      index_of("<a href=\"raw\xE9\xFF\">x</a> <a href=\"sp ace\">x</a> <a href='tab%09'>x</a> <a href=\""s +
               std::string(300, 'n') + "\">x</a>");
  EXPECT_THAT(names_of(index), ElementsAre("raw\xE9\xFF", "sp ace", "tab\t", std::string(300, 'n')));
  EXPECT_EQ(index.entries[0].locator, "raw%E9%FF");
  EXPECT_EQ(index.entries[1].locator, "sp%20ace");
}

TEST(HtmlIndex, LetsTheFirstOfTwoWinAndADirectoryBeatAFile) {
  const auto index = index_of(R"(<pre><a href="x">x</a> 11-May-2021 10:22 1
<a href="%78">x</a> 12-May-2021 10:22 2
<a href="y">y</a> 11-May-2021 10:22 3
<a href="y/">y/</a> 11-May-2021 10:22 -
</pre>)");
  ASSERT_THAT(names_of(index), ElementsAre("x", "y"));
  EXPECT_EQ(index.entries[0].size, 1U);
  EXPECT_EQ(index.entries[0].mtime, kMinute);
  EXPECT_EQ(index.entries[1].kind, EntryKind::directory);
  EXPECT_EQ(index.entries[1].locator, "y/");
}

TEST(HtmlIndex, TakesNoSizeThatIsNotExact) {
  const auto index = index_of(
      "<pre><a href=a>a</a> 11-May-2021 10:22 34M\n<a href=b>b</a> 11-May-2021 10:22 1.2K\n<a href=c>c</a> "
      "11-May-2021 10:22 -\n"
      "<a href=d>d</a> 12345\n<a href=e>e</a> 11-May-2021 10:22 99999999999999999999\n<a href=f>f</a> "
      "31-Feb-2021 10:22 5\n");
  for (const Entry& entry : index.entries) EXPECT_FALSE(entry.size.has_value()) << entry.name;
  EXPECT_EQ(index.entries.size(), 6U);
  EXPECT_EQ(entry_of(index, "a").mtime, kMinute);
  EXPECT_EQ(entry_of(index, "f").mtime, SysSeconds{});
}

TEST(HtmlIndex, TakesNoSizeWithAUnitBehindABlank) {
  // As h5ai writes it for those who run no scripts.
  const auto index = [](const std::string& size) {
    return index_of(
        "<table><tr><td class=\"fb-n\"><a href=\"/data/x.fits\">x.fits</a></td>"
        "<td class=\"fb-d\">2021-05-11 10:22</td><td class=\"fb-s\">" +
        size + "</td></tr></table>");
  };
  for (const char* const unit :
       {"KB", "kB", "K", "KiB", "mb", "M", "MiB", "GB", "g", "GiB", "TB", "T", "tib"}) {
    const Entry entry = entry_of(index(std::string("35547 ") + unit), "x.fits");
    EXPECT_FALSE(entry.size.has_value()) << unit;
    EXPECT_EQ(entry.mtime, kMinute);
  }
  for (const char* const parts : {"<b>12</b>.5K", "<span>1</span>,234", "<span>12</span>&nbsp;KB"})
    EXPECT_FALSE(entry_of(index(parts), "x.fits").size.has_value()) << parts;
  for (const char* const unit : {"", " B", " bytes", " Kodak"})
    EXPECT_EQ(entry_of(index(std::string("35547") + unit), "x.fits").size, 35547U) << unit;
}

TEST(HtmlIndex, DoesNotRecogniseAPageThatIsNoDirectory) {
  EXPECT_FALSE(
      index_of("<title>Please log in</title><form action=/login><a href=help>help</a></form>").recognised);
  EXPECT_FALSE(index_of("").recognised);
  EXPECT_TRUE(index_of("<title>Index of /data/</title>").recognised);
  EXPECT_TRUE(index_of("<a href='..'>up</a>").recognised);
}

TEST(HtmlIndex, TellsAPageThatWasCutOff) {
  for (const char* page : {"nginx", "apache_fancy", "apache_table", "apache_list", "lighttpd", "python"}) {
    const std::string html = testing::seed("html_index/" + std::string(page) + ".html");
    EXPECT_TRUE(index_of(html).complete) << page;
    EXPECT_FALSE(index_of(std::string_view(html).substr(0, html.size() / 2)).complete) << page;
  }
  EXPECT_TRUE(index_of("<a href=x>x</a>").complete);  // a page that never opened it
  for (const char* cut : {"<a href=\"na", "<a href=na", "<a href=\"name.fits\"", "<a href"})
    EXPECT_THAT(index_of(std::string(cut)).entries, IsEmpty()) << cut;
}

TEST(HtmlIndex, RefusesAPageWithoutItsUrl) {
  for (const char* url : {"", "data/", "ftp://h/", "http:", "http:h/", "http://h//x/"}) {
    const auto index = parse_html_index("<a href=x>x</a>", url);
    ASSERT_FALSE(index.has_value()) << url;
    EXPECT_EQ(index.error().code, Errc::invalid);
  }
  EXPECT_THAT(names_of(index_of("<a href=x>x</a>", "http://h")), ElementsAre("x"));
}

TEST(HtmlIndex, SurvivesNestingThatGrowsWithoutEnd) {
  std::string html;
  for (int i = 0; i < 200'000; ++i) html += "<div><b><table>";
  html += "<a href=x>x</a>";
  EXPECT_THAT(names_of(index_of(html)), ElementsAre("x"));
}

TEST(HtmlIndex, GivesUpOnATagWithAttributesWithoutEnd) {
  std::string html = "<a";
  for (int i = 0; i < 300'000; ++i) html += " a" + std::to_string(i);
  const auto index = parse_html_index(html + ">", "http://h/");
  ASSERT_FALSE(index.has_value());
  EXPECT_EQ(index.error().code, Errc::too_large);
}

TEST(HtmlIndex, ReadsAHundredThousandNames) {
  std::string html = "<html><head><title>Index of /data/</title></head><body><pre><a href=\"../\">../</a>\n";
  for (int i = 0; i < 100'000; ++i) {
    const std::string name = "frame" + std::to_string(i) + ".fits";
    html += "<a href=\"" + name + "\">" + name + "</a>   11-May-2021 10:22    " + std::to_string(i) + "\n";
  }
  // A large page is parsed in pieces, and none begins in a comment.
  html += "<!-- <a href='comment'>" + std::string(3U << 20, ' ') + "<a href='comment'> -->";
  html += "<a href=last>last</a> 11-May-2021 10:22 7";
  const auto index = index_of(html);
  ASSERT_EQ(index.entries.size(), 100'001U);
  EXPECT_EQ(index.entries.back().name, "last");
  for (int i = 0; i < 100'000; ++i) {
    const auto& entry = index.entries[static_cast<std::size_t>(i)];
    ASSERT_EQ(entry.name, "frame" + std::to_string(i) + ".fits");
    ASSERT_EQ(entry.size, static_cast<std::uint64_t>(i)) << entry.name;
  }
}

}  // namespace
}  // namespace astrofs
