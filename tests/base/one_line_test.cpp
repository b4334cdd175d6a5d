#include "base/one_line.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace astrofs {
namespace {

TEST(OneLine, WhatCanBeShownStaysAsItIs) {
  for (const std::string text :
       {"", "plain text", "tab-less, with \\ and % and {}", "\xc3\xbc \xe2\x82\xac", "\xc2\xa0"}) {
    EXPECT_EQ(one_line(text), text);
  }
}

TEST(OneLine, ControlCharactersAreWrittenOut) {
  EXPECT_EQ(one_line("a\nb\r\tc"), "a\\nb\\x0d\\x09c");
  EXPECT_EQ(one_line("\x1b]0;title\x07"), "\\x1b]0;title\\x07");
  EXPECT_EQ(one_line(std::string("\0\x7f", 2)), "\\x00\\x7f");
}

TEST(OneLine, SoAreThoseThatUtf8WritesWithTwoBytes) {
  EXPECT_EQ(one_line("\xc2\x9b"
                     "31m"),
            "\\u009b31m");
  EXPECT_EQ(one_line("\xc2\x80\xc2\x9f\xc2"), "\\u0080\\u009f\xc2");
}

RC_GTEST_PROP(OneLine, NothingThatSteersATerminalIsLeft, (const std::string& text)) {
  const std::string line = one_line(text);
  for (std::size_t i = 0; i < line.size(); ++i) {
    const auto code = static_cast<unsigned char>(line[i]);
    RC_ASSERT(code >= 0x20 && code != 0x7f);
    const auto next = static_cast<unsigned char>(i + 1 < line.size() ? line[i + 1] : 0);
    RC_ASSERT(!(code == 0xc2 && next >= 0x80 && next < 0xa0));
  }
  RC_ASSERT(one_line(line) == line);
}

}  // namespace
}  // namespace astrofs
