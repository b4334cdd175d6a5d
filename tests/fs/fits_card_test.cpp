// Cards of a FITS header, and the checksum of the standard against its published example.
#include "fs/fits_card.h"

#include <gtest/gtest.h>

#include <random>
#include <span>
#include <string>

#include "backends/format/fits_checksum.h"

namespace astrofs::fits {
namespace {

std::string padded(std::string text) {
  text.resize(kCardSize, ' ');
  return text;
}

TEST(FitsCard, WritesNumbersInColumnThirty) {
  EXPECT_EQ(format_card({"NAXIS1", "2136", "length"}).value(),
            padded("NAXIS1  =                 2136 / length"));
}

TEST(FitsCard, PadsStringsToEightLetters) {
  EXPECT_EQ(format_card({"ORIGIN", "'a'", ""}).value(), padded("ORIGIN  = 'a       '"));
}

TEST(FitsCard, CutsACommentButRefusesALongValue) {
  EXPECT_EQ(format_card({"A", "1", std::string(200, 'c')}).value().size(), kCardSize);
  EXPECT_FALSE(format_card({"A", "'" + std::string(69, 'v') + "'", ""}).has_value());
  EXPECT_TRUE(format_card({"A", "'" + std::string(68, 'v') + "'", ""}).has_value());
}

TEST(FitsCard, RefusesWhatIsNoKeyword) {
  for (const char* keyword : {"lower", "TOOLONGKEY", "A B", "A=B"}) {
    EXPECT_FALSE(format_card({keyword, "1", ""}).has_value()) << keyword;
  }
}

TEST(FitsCard, RefusesAStringThatEndsEarly) {
  for (const char* value : {"'", "'open", "'a' b'", "'a'b"}) {
    EXPECT_FALSE(format_card({"A", value, ""}).has_value()) << value;
  }
}

TEST(FitsCard, SplitsAtTheSlashThatIsNotInAString) {
  const std::string card = padded("BUNIT   = 'it''s e/s'         / a / b");
  const auto parts = split_card(card);
  ASSERT_TRUE(parts.has_value());
  EXPECT_EQ(parts->value, "'it''s e/s'");
  EXPECT_EQ(parts->comment, "a / b");
}

TEST(FitsCard, SplitsCardsWithoutAValue) {
  const std::string undefined = padded("MH      =                      / metallicity");
  EXPECT_EQ(split_card(undefined)->value, "");
  EXPECT_EQ(split_card(undefined)->comment, "metallicity");
  EXPECT_FALSE(split_card(padded("COMMENT text")).has_value());
}

TEST(FitsCard, ReadsIntegersOnly) {
  EXPECT_EQ(integer_value(padded("A       =                  -12 / x")), -12);
  EXPECT_EQ(integer_value(padded("A       =                  +12")), 12);
  EXPECT_FALSE(integer_value(padded("A       =                 1.5")).has_value());
  EXPECT_FALSE(integer_value(padded("A       = '12      '")).has_value());
  EXPECT_FALSE(integer_value(padded("A       = 99999999999999999999")).has_value());
}

TEST(FitsCard, ContinuesALongString) {
  const std::string text(150, 'x');
  const auto cards = format_long_card({"CAL_URL", "'" + text + "'", "where"});
  ASSERT_TRUE(cards.has_value()) << cards.error().message;
  EXPECT_EQ(*cards, "CAL_URL = '" + text.substr(0, 67) + "&'" + "CONTINUE  '" + text.substr(0, 67) + "&'" +
                        padded("CONTINUE  'xxxxxxxxxxxxxxxx' / where"));
}

TEST(FitsCard, NeverCutsADoubledQuoteInTwo) {
  for (std::size_t before = 60; before < 72; ++before) {
    const std::string value = "'" + std::string(before, 'x') + "''" + std::string(60, 'y') + "'";
    const auto cards = format_long_card({"A", value, ""});
    ASSERT_TRUE(cards.has_value()) << cards.error().message;
    ASSERT_EQ(cards->size(), 2 * kCardSize);
    std::string joined = "'";
    for (const std::string_view card : {cards->substr(0, 80), cards->substr(80)}) {
      const auto end = card.find_last_not_of(' ');
      std::string part(card.substr(11, end - 11));
      EXPECT_EQ(std::ranges::count(part, '\'') % 2, 0) << before;
      if (part.ends_with('&')) part.pop_back();
      joined += part;
    }
    EXPECT_EQ(joined + "'", value);
  }
}

TEST(FitsCard, WritesShortStringsAndNumbersInOneCard) {
  EXPECT_EQ(format_long_card({"A", "'" + std::string(68, 'x') + "'", "no room"}).value().size(), kCardSize);
  EXPECT_EQ(format_long_card({"A", "12", "x"}).value(), format_card({"A", "12", "x"}).value());
  EXPECT_FALSE(format_long_card({"A", "'" + std::string(100, 'x'), ""}).has_value());
  EXPECT_FALSE(format_long_card({"no keyword", "'" + std::string(100, 'x') + "'", ""}).has_value());
}

TEST(FitsChecksum, EncodesTheExampleOfTheStandard) {
  WordSum sum;  // appendix J: an HDU that sums to 868229149
  sum.add(std::uint32_t{868229149});
  EXPECT_EQ(encode_checksum(sum), "hcHjjc9ghcEghc9g");
}

TEST(FitsChecksum, SumsAPatternAsItsBytes) {
  Pattern pattern{};
  for (std::size_t i = 0; i < pattern.size(); ++i) pattern[i] = static_cast<std::byte>(0xF1 - 29 * i);
  for (std::uint64_t length = 0; length < 100; ++length) {
    std::string bytes;
    for (std::uint64_t i = 0; i < length; ++i) bytes += static_cast<char>(pattern[i % 8]);
    bytes.resize((bytes.size() + 3) / 4 * 4, '\0');
    WordSum sum;
    sum.add(bytes);
    EXPECT_EQ(sum_of(pattern, length).value(), sum.value()) << length;
  }
}

TEST(FitsChecksum, SumsBytesAsWordsWhereverTheyAreCut) {
  std::string text(20'000, '\xFF');  // the largest sums, then any
  std::mt19937 random(4);
  for (std::size_t i = 8'000; i < text.size(); ++i) text[i] = static_cast<char>(random());
  WordSum words;
  words.add(text);
  const auto bytes = std::as_bytes(std::span(text));
  for (const std::size_t cut : {0UL, 1UL, 2UL, 3UL, 4UL, 2'049UL, 8'191UL, 17'953UL, 20'000UL}) {
    WordSum sum;
    sum.add(bytes.first(cut), 0);
    sum.add(bytes.subspan(cut), cut);
    EXPECT_EQ(sum.value(), words.value()) << cut;
  }
}

TEST(FitsChecksum, CarriesAroundForAnyNumberOfWords) {
  WordSum one_by_one;
  for (int i = 0; i < 100'000; ++i) one_by_one.add(0xFFC00001U);
  WordSum at_once;
  at_once.add(0xFFC00001U, 100'000);
  EXPECT_EQ(one_by_one.value(), at_once.value());
}

}  // namespace
}  // namespace astrofs::fits
