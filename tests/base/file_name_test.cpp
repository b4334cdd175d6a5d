#include "base/file_name.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace astrofs {
namespace {

using namespace std::string_literals;

void expect_shown(const std::string& raw, const std::string& shown) {
  EXPECT_EQ(encode_file_name(raw), shown);
  EXPECT_EQ(decode_file_name(shown), raw);
}

TEST(FileName, OrdinaryNamesStayAsTheyAre) {
  expect_shown("tess2018292095939-s0004-1-1-0124-s_ffic.fits",
               "tess2018292095939-s0004-1-1-0124-s_ffic.fits");
  expect_shown("with space, comma & \\ quote\".fits", "with space, comma & \\ quote\".fits");
  expect_shown("Kühlung-星-🔭.fits", "Kühlung-星-🔭.fits");
  expect_shown(".hidden", ".hidden");
  expect_shown("...", "...");
}

TEST(FileName, DotsThatMeanDirectoriesAreEscaped) {
  expect_shown(".", "%2E");
  expect_shown("..", "%2E%2E");
}

TEST(FileName, SlashesNulAndControlCharactersAreEscaped) {
  expect_shown("../x", "..%2Fx");
  expect_shown("a/b", "a%2Fb");
  expect_shown("a\0b"s, "a%00b");
  expect_shown("a\nb\tc\x1b[31m\x7f", "a%0Ab%09c%1B%5B31m%7F");
  expect_shown("\xc2\x9b", "%C2%9B");    // U+009B starts a terminal's control sequence
  expect_shown("\xc2\xa0", "\xc2\xa0");  // U+00A0, the first that is no control
}

TEST(FileName, APercentIsEscapedOnlyWhereItWouldBeReadAsAnEscape) {
  expect_shown("100%", "100%");
  expect_shown("100%zz", "100%zz");
  expect_shown("a%2", "a%2");
  expect_shown("a%2Fb", "a%252Fb");
  expect_shown("a%2fb", "a%252fb");
  expect_shown("%%41", "%%2541");
  expect_shown("%2/", "%2%2F");
  expect_shown("%/", "%%2F");
}

TEST(FileName, EachByteOfInvalidUtf8IsEscaped) {
  expect_shown("a\xff", "a%FF");
  expect_shown("\xc3", "%C3");                // cut short
  expect_shown("\xe6\x98", "%E6%98");         // cut short
  expect_shown("\xc0\xaf", "%C0%AF");         // overlong '/'
  expect_shown("\xe0\x80\xaf", "%E0%80%AF");  // overlong '/'
  expect_shown("\xf0\x80\x80\xaf", "%F0%80%80%AF");
  expect_shown("\xed\xa0\x80", "%ED%A0%80");         // a surrogate
  expect_shown("\xf4\x90\x80\x80", "%F4%90%80%80");  // past U+10FFFF
  expect_shown("\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf");
}

TEST(FileName, WhatAFitsToolWouldExecuteIsEscapedWhereItWould) {
  expect_shown("a[1].fits", "a%5B1].fits");
  expect_shown("[bin x]", "%5Bbin x]");
  expect_shown("in.fits(out.fits)", "in.fits%28out.fits)");
  expect_shown("in.fits(out.fits) ", "in.fits%28out.fits)%20");
  expect_shown("half(open.fits", "half%28open.fits");
  expect_shown("a((b)c.fits", "a%28%28b)c.fits");
  expect_shown("a.fits+3", "a.fits%2B3");
  expect_shown("a.fits+", "a.fits%2B");
  expect_shown("a+1+12345", "a+1%2B12345");
  expect_shown("!a.fits", "%21a.fits");
  expect_shown("~root", "%7Eroot");
  expect_shown(" a ", "%20a%20");
  expect_shown("-", "%2D");
  expect_shown("-(a)b", "%2D(a)b");
  expect_shown("stdin.fits", "%73tdin.fits");
  expect_shown("StdIn", "%53tdIn");
  expect_shown("stdout", "%73tdout");
  expect_shown("mem:a", "%6Dem:a");
  expect_shown("file:a", "%66ile:a");
}

TEST(FileName, WhatAFitsToolTakesAsANameStays) {
  for (const std::string name : {"frame (1).fits", "(1)(2).fits", "a+b.fits", "a+3.fits", "m31+123456",
                                 "a+1b", "+x", "a!b", "wow!", "a]b)c.fits", "{a}.fits", "a;b|c.fits",
                                 "-55d33m.fits", "a~", "a  b", "http", "stdou", "stdout.fits"}) {
    expect_shown(name, name);
  }
}

TEST(FileName, EmptyAndOverlongNamesAreRefused) {
  EXPECT_EQ(encode_file_name(""), std::nullopt);
  EXPECT_TRUE(encode_file_name(std::string(255, 'x')).has_value());
  EXPECT_EQ(encode_file_name(std::string(256, 'x')), std::nullopt);
  EXPECT_TRUE(encode_file_name(std::string(85, '/')).has_value());
  EXPECT_EQ(encode_file_name(std::string(86, '/')), std::nullopt);  // 258 when encoded
}

std::string any_name() {
  // Letters that matter to the rule, among all bytes.
  const auto letter = rc::gen::weightedOneOf<char>({{3, rc::gen::elementOf("%/.2Ff\xc2\x9b\xe6\x98\x9f"s)},
                                                    {2, rc::gen::elementOf("[](){}+!;|~- 12"s)},
                                                    {2, rc::gen::arbitrary<char>()}});
  return *rc::gen::nonEmpty(rc::gen::container<std::string>(letter));
}

RC_GTEST_PROP(FileName, DecodingGivesBackWhatWasEncoded, ()) {
  const std::string raw = any_name();
  const auto shown = encode_file_name(raw);
  RC_PRE(shown.has_value());
  RC_ASSERT(decode_file_name(*shown) == raw);
}

RC_GTEST_PROP(FileName, AShownNameIsSafeInADirectory, ()) {
  const auto shown = encode_file_name(any_name());
  RC_PRE(shown.has_value());
  RC_ASSERT(!shown->empty() && shown->size() <= 255U);
  RC_ASSERT(*shown != "." && *shown != "..");
  for (const char letter : *shown) {
    const auto code = static_cast<unsigned char>(letter);
    RC_ASSERT(code >= 0x20 && code != 0x7f && code != '/');
  }
}

}  // namespace
}  // namespace astrofs
