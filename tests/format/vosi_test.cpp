// Capabilities of services of the Virtual Observatory as they write them.
#include "backends/format/vosi.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/format/samples.h"

namespace astrofs::vosi {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kTap = "ivo://ivoa.net/std/TAP";

const Interface* of(const std::vector<Interface>& all, std::string_view standard) {
  for (const Interface& each : all) {
    if (each.standard_id == standard) return &each;
  }
  return nullptr;
}

TEST(Vosi, ReadsWhoMayAskWhere) {
  const auto all = parse_capabilities(
      "<v:capabilities xmlns:v='v'><capability standardID=' ivo://ivoa.net/std/TAP "
      "'><description>a<b>c</b></description>"
      "<interface role='std'><securityMethod/><accessURL use='base'>\n https://a/tap </accessURL>"
      "<accessURL>https://mirror/tap</accessURL><securityMethod standardID='ivo://ivoa.net/sso#BasicAA'/>"
      "</interface><interface><accessURL>https://a/auth-tap</accessURL></interface>"
      "<other><securityMethod standardID='not here'/></other></capability>"
      "<capability><interface/></capability></v:capabilities>");
  ASSERT_TRUE(all) << all.error().message;
  ASSERT_THAT(*all, SizeIs(3));
  EXPECT_EQ((*all)[0].standard_id, kTap);
  EXPECT_EQ((*all)[0].url, "https://a/tap");
  EXPECT_THAT((*all)[0].methods, ElementsAre("", "ivo://ivoa.net/sso#BasicAA"));
  EXPECT_EQ((*all)[1].url, "https://a/auth-tap");
  EXPECT_THAT((*all)[1].methods, IsEmpty());
  EXPECT_EQ((*all)[2].standard_id, "");
}

TEST(Vosi, NamesMethodsByTheirLastWord) {
  EXPECT_EQ(method_name("ivo://ivoa.net/sso#tls-with-password"), "tls-with-password");
  EXPECT_EQ(method_name("vos://x~auth/token"), "vos://x~auth/token");
  EXPECT_EQ(method_name("odd#"), "odd#");
}

TEST(Vosi, RefusesWhatIsNoSuchDocument) {
  for (const char* const text : {"", "<html><body/></html>", "<capabilities>", "{}"}) {
    const auto all = parse_capabilities(text);
    ASSERT_FALSE(all) << text;
    EXPECT_EQ(all.error().code, Errc::corrupt) << text;
  }
  std::string bomb = "<!DOCTYPE c [<!ENTITY a 'x'>]><capabilities>&a;</capabilities>";
  EXPECT_FALSE(parse_capabilities(bomb));
  std::string deep = "<capabilities>";
  for (int i = 0; i < 100; ++i) deep += "<x>";
  EXPECT_FALSE(parse_capabilities(deep));
}

TEST(VosiSamples, ReadsWhatRealServicesSay) {
  NEEDS_SAMPLES();
  const auto read = [](const char* name) {
    const auto all = parse_capabilities(testing::content_of(*testing::samples() / "vo" / name));
    EXPECT_TRUE(all) << name << ": " << all.error().message;
    return all.value_or(std::vector<Interface>{});
  };
  const auto cadc = read("astroquery/cadc/tap_caps.xml");
  ASSERT_NE(of(cadc, kTap), nullptr);
  EXPECT_THAT(of(cadc, kTap)->methods,
              ElementsAre("", "ivo://ivoa.net/sso#cookie", "ivo://ivoa.net/sso#tls-with-certificate"));
  const auto images = read("pyvo/sia2/capabilities-basicauth.xml");
  ASSERT_NE(of(images, "ivo://ivoa.net/std/SIA#query-2.0"), nullptr);
  EXPECT_THAT(of(images, "ivo://ivoa.net/std/SIA#query-2.0")->methods,
              ElementsAre("ivo://ivoa.net/sso#BasicAA"));
  const auto dachs = read("dachs_exchanges/01_tap_capabilities.xml");
  ASSERT_NE(of(dachs, kTap), nullptr);
  EXPECT_EQ(of(dachs, kTap)->url, "http://localhost:18099/tap");
  EXPECT_THAT(of(dachs, kTap)->methods, IsEmpty());
  EXPECT_NE(of(read("daiquiri/capabilities.xml"), kTap), nullptr);
}

}  // namespace
}  // namespace astrofs::vosi
