#include "backends/format/fits_layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/format/samples.h"

namespace astrofs {
namespace {

using ::testing::ElementsAre;

std::string card(std::string text) {
  text.resize(kFitsCard, ' ');
  return text;
}

/// A header of these cards, END and padding.
std::string header(const std::vector<std::string>& cards) {
  std::string out;
  for (const auto& text : cards) out += card(text);
  out += card("END");
  out.resize((out.size() + kFitsBlock - 1) / kFitsBlock * kFitsBlock, ' ');
  return out;
}

FitsHeader parsed(const std::string& text) {
  auto result = parse_fits_header(as_bytes(text));
  EXPECT_TRUE(result.has_value()) << result.error().message;
  return result ? *std::move(result) : FitsHeader{};
}

Errc refused(const std::vector<std::string>& cards) {
  const auto result = parse_fits_header(as_bytes(header(cards)));
  return result ? Errc::internal : result.error().code;
}

const std::string kSimple = "SIMPLE  =                    T";

TEST(FitsHeader, KnowsItsLengthAndThatOfItsData) {
  const auto h = parsed(header({"XTENSION= 'IMAGE   '", "BITPIX  =                  -32",
                                "NAXIS   =                    2", "NAXIS1  =                 2136",
                                "NAXIS2  =                 2078", "PCOUNT  =                    0",
                                "GCOUNT  =                    1", "EXTNAME = 'CAMERA.CCD 1.1 cal'"}) +
                        "more");
  EXPECT_TRUE(h.complete);
  EXPECT_EQ(h.header_length, 2880U);
  EXPECT_EQ(h.data_bytes, 17'754'432U);
  EXPECT_EQ(h.data_length, 17'755'200U);
  EXPECT_EQ(h.bitpix, -32);
  EXPECT_THAT(h.axes, ElementsAre(2136U, 2078U));
  EXPECT_EQ(h.extname, "CAMERA.CCD 1.1 cal");
  EXPECT_EQ(h.cards.size(), 8U);
  EXPECT_TRUE(h.is_image());
}

TEST(FitsHeader, CountsHeapsAndRandomGroups) {
  const auto table = parsed(testing::seed("fits_layout/three_hdus.fits").substr(8640));
  EXPECT_TRUE(table.tile_compressed);
  EXPECT_TRUE(table.is_image());
  EXPECT_EQ(table.data_bytes, 8U * 2 + 11);
  const auto groups = parsed(testing::seed("fits_layout/groups.fits"));
  EXPECT_TRUE(groups.groups);
  EXPECT_EQ(groups.data_bytes, 2U * 10 * (5 + 3 * 4));
  // PCOUNT and GCOUNT mean nothing in a plain primary header, and an axis of 0 no data.
  EXPECT_EQ(
      parsed(header({kSimple, "BITPIX  = 8", "NAXIS   = 1", "NAXIS1  = 7", "PCOUNT  = 1000", "GCOUNT  = 9"}))
          .data_bytes,
      7U);
  EXPECT_EQ(parsed(header({kSimple, "BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = 0", "NAXIS2  = 9"})).data_bytes,
            0U);
}

TEST(FitsHeader, IsNotCompleteBeforeItsEnd) {
  const std::string whole = header({kSimple, "BITPIX  = 8", "NAXIS   = 0"});
  for (std::size_t cut : {0U, 5U, 9U, 80U, 200U, 300U})
    EXPECT_FALSE(parsed(whole.substr(0, cut)).complete) << cut;
  EXPECT_EQ(parsed(whole.substr(0, 200)).cards.size(), 2U);
  EXPECT_TRUE(parsed(whole.substr(0, 320)).complete);  // END is there, its padding need not be
}

TEST(FitsHeader, RefusesAbsurdStructure) {
  EXPECT_EQ(refused({kSimple, "NAXIS   = 0"}), Errc::corrupt);
  EXPECT_EQ(refused({kSimple, "BITPIX  = 7", "NAXIS   = 0"}), Errc::corrupt);
  EXPECT_EQ(refused({kSimple, "BITPIX  = 8"}), Errc::corrupt);
  EXPECT_EQ(refused({kSimple, "BITPIX  = 8", "NAXIS   = 1000"}), Errc::corrupt);
  EXPECT_EQ(refused({kSimple, "BITPIX  = 8", "NAXIS   = -1"}), Errc::corrupt);
  EXPECT_EQ(refused({kSimple, "BITPIX  = 8", "NAXIS   = 1"}), Errc::corrupt);
  EXPECT_EQ(refused({kSimple, "BITPIX  = 8", "NAXIS   = 1", "NAXIS1  = -5"}), Errc::corrupt);
  EXPECT_EQ(refused({kSimple, "BITPIX  = 8", "NAXIS   = 1", "NAXIS1  = 9223372036854775808"}), Errc::corrupt);
  EXPECT_EQ(refused({kSimple, "BITPIX  = 64", "NAXIS   = 1", "NAXIS1  = 9223372036854775807"}),
            Errc::corrupt);
  EXPECT_EQ(refused({kSimple, "BITPIX  = 8", "NAXIS   = 3", "NAXIS1  = 4294967296", "NAXIS2  = 4294967296",
                     "NAXIS3  = 4294967296"}),
            Errc::corrupt);
  EXPECT_EQ(refused({"XTENSION= 'IMAGE   '", "BITPIX  = 8", "NAXIS   = 1", "NAXIS1  = 1", "PCOUNT  = -1"}),
            Errc::corrupt);
  EXPECT_EQ(refused({"XTENSION= 'IMAGE   '", "BITPIX  = 8", "NAXIS   = 1", "NAXIS1  = 1",
                     "GCOUNT  = 9223372036854775807"}),
            Errc::corrupt);
  EXPECT_EQ(refused({"BITPIX  = 8"}), Errc::corrupt);
  EXPECT_EQ(parse_fits_header(as_bytes("<!DOCTYPE html>")).error().code, Errc::corrupt);
}

TEST(FitsHeader, RefusesAHeaderWithoutEnd) {
  std::string endless = card(kSimple);
  while (endless.size() < kLongestFitsHeader) endless += card("COMMENT on and on");
  EXPECT_FALSE(parsed(endless.substr(0, kLongestFitsHeader - 1)).complete);
  EXPECT_EQ(parse_fits_header(as_bytes(endless)).error().code, Errc::corrupt);
}

TEST(FitsHeader, GivesTheValuesOfCards) {
  const auto h = parsed(header({kSimple, "BITPIX  =                    8 / bits", "NAXIS   = +0",
                                "OBJECT  = 'it''s / here  ' / a comment", "EMPTY   = ''",
                                "TEMP    = -1.5D+02/degrees", "FLAG    =                    F", "COMMENT = 5",
                                "NONE    =", "OPEN    = 'no end", "OBJECT  = 'second'", "HISTORY x"}));
  EXPECT_EQ(card_string(h, "OBJECT"), "it's / here");
  EXPECT_EQ(card_text(h, "OBJECT"), "'it''s / here  '");
  EXPECT_EQ(card_string(h, "EMPTY"), "");
  EXPECT_EQ(card_int(h, "BITPIX"), 8);
  EXPECT_EQ(card_int(h, "NAXIS"), 0);
  EXPECT_EQ(card_float(h, "TEMP"), -150.0);
  EXPECT_EQ(card_float(h, "BITPIX"), 8.0);
  EXPECT_EQ(card_bool(h, "SIMPLE"), true);
  EXPECT_EQ(card_bool(h, "FLAG"), false);
  EXPECT_EQ(card_string(h, "BITPIX"), std::nullopt);
  EXPECT_EQ(card_int(h, "TEMP"), std::nullopt);
  EXPECT_EQ(card_int(h, "OBJECT"), std::nullopt);
  EXPECT_EQ(card_text(h, "NONE"), std::nullopt);
  EXPECT_EQ(card_text(h, "OPEN"), std::nullopt);
  EXPECT_EQ(card_text(h, "ABSENT"), std::nullopt);
}

TEST(FitsLayout, KnowsAFitsFileByItsFirstBytes) {
  EXPECT_TRUE(looks_like_fits(as_bytes("SIMPLE  =                    T")));
  EXPECT_FALSE(looks_like_fits(as_bytes("SIMPLE  ")));
  EXPECT_FALSE(looks_like_fits(as_bytes("<html>...")));
}

TEST(FitsLayout, FollowsHeadersWhateverThePiecesAre) {
  const std::string file = testing::seed("fits_layout/three_hdus.fits");
  for (const std::size_t step : {1UL, 79UL, 2880UL, 5000UL, file.size()}) {
    FitsLayout layout(file.size());
    for (std::size_t at = 0; at < file.size(); at += step)
      ASSERT_TRUE(layout.feed(at, as_bytes(std::string_view(file).substr(at, step))).has_value());
    ASSERT_TRUE(layout.finished()) << step;
    ASSERT_EQ(layout.hdus().size(), 3U);
    EXPECT_EQ(layout.hdus()[1].header_offset, 2880U);
    EXPECT_EQ(layout.hdus()[1].data_offset, 5760U);
    EXPECT_EQ(layout.hdus()[1].extname, "CAMERA.CCD 1.1 cal");
    EXPECT_EQ(layout.hdus()[2].header_offset, 8640U);
    EXPECT_EQ(layout.next_header(), std::nullopt);
    EXPECT_EQ(layout.wanted(), std::nullopt);
  }
}

TEST(FitsLayout, SaysWhereTheNextHeaderBeginsAndHowLongItWillBe) {
  const std::uint64_t pixels = 17'755'200;
  std::vector<std::string> cards{"XTENSION= 'IMAGE   '", "BITPIX  = -32", "NAXIS   = 2", "NAXIS1  = 2136",
                                 "NAXIS2  = 2078",       "PCOUNT  = 0",   "GCOUNT  = 1"};
  while (cards.size() < 100) cards.emplace_back("COMMENT");
  const std::string image = header(cards);  // 101 cards: 3 blocks
  const std::string primary = header({kSimple, "BITPIX  = 8", "NAXIS   = 0"});
  FitsLayout layout(2880 + 2 * (image.size() + pixels));
  EXPECT_EQ(layout.next_header(), 0U);
  EXPECT_EQ(layout.wanted(), (ByteRange{0, 17'280}));
  ASSERT_TRUE(layout.feed(0, as_bytes(primary + image.substr(0, 100))).has_value());
  EXPECT_EQ(layout.next_header(), 2880U);
  EXPECT_EQ(layout.wanted(), (ByteRange{2980, 17'180}));
  ASSERT_TRUE(layout.feed(5760, as_bytes(image.substr(2880))).has_value());  // not what is wanted: ignored
  EXPECT_EQ(layout.hdus().size(), 1U);
  ASSERT_TRUE(layout.feed(0, as_bytes(primary + image)).has_value());
  ASSERT_EQ(layout.hdus().size(), 2U);
  EXPECT_EQ(layout.next_header(), 2880 + image.size() + pixels);
  EXPECT_EQ(layout.likely_header_length(), image.size());
  EXPECT_EQ(layout.wanted(), (ByteRange{2880 + image.size() + pixels, image.size()}));
  ASSERT_TRUE(layout.feed(*layout.next_header(), as_bytes(image)).has_value());
  EXPECT_TRUE(layout.finished());
}

TEST(FitsLayout, AsksForMoreOfAHeaderThatIsLongerThanLikely) {
  std::string long_header = card(kSimple) + card("BITPIX  = 8") + card("NAXIS   = 0");
  while (long_header.size() < 40 * kFitsBlock) long_header += card("COMMENT");
  FitsLayout layout(1'000'000);
  ASSERT_TRUE(layout.feed(0, as_bytes(long_header.substr(0, 17'280))).has_value());
  EXPECT_EQ(layout.wanted(), (ByteRange{17'280, 17'280}));
  ASSERT_TRUE(layout.feed(17'280, as_bytes(long_header.substr(17'280))).has_value());
  EXPECT_EQ(layout.next_header(), 0U);
  EXPECT_EQ(layout.wanted()->offset, long_header.size());
}

TEST(FitsLayout, EndsWhereNoExtensionFollows) {
  const std::string primary = header({kSimple, "BITPIX  = 8", "NAXIS   = 0"});
  FitsLayout layout(5760);
  ASSERT_TRUE(layout.feed(0, as_bytes(primary + std::string(2880, '\0'))).has_value());
  EXPECT_TRUE(layout.finished());
  EXPECT_EQ(layout.hdus().size(), 1U);
}

TEST(FitsLayout, ReportsAFileThatIsCutOff) {
  const std::string file = testing::seed("fits_layout/three_hdus.fits");
  for (const std::size_t cut : {100UL, 300UL, 3000UL, 5770UL, 8700UL}) {
    FitsLayout layout(cut);
    const auto fed = layout.feed(0, as_bytes(std::string_view(file).substr(0, cut)));
    if (cut == 300) {
      EXPECT_FALSE(fed.has_value());  // END lies behind
    }
    ASSERT_FALSE(fed.has_value()) << cut;
    EXPECT_EQ(fed.error().code, Errc::corrupt);
    EXPECT_FALSE(layout.finished());
    EXPECT_EQ(layout.next_header(), std::nullopt);
    EXPECT_EQ(layout.feed(0, as_bytes(file)).error().code, Errc::corrupt);
  }
  FitsLayout unpadded(file.size() - 2800);  // the last padding may be missing
  EXPECT_TRUE(unpadded.feed(0, as_bytes(std::string_view(file).substr(0, file.size() - 2800))).has_value());
  EXPECT_TRUE(unpadded.finished());
}

TEST(FitsLayout, RefusesAFileThatBeginsWithAnExtensionAndOneThatNeverEnds) {
  const std::string file = testing::seed("fits_layout/three_hdus.fits");
  FitsLayout headless(file.size() - 2880);
  EXPECT_EQ(headless.feed(0, as_bytes(std::string_view(file).substr(2880))).error().code, Errc::corrupt);

  const std::string empty = header({"XTENSION= 'IMAGE   '", "BITPIX  = 8", "NAXIS   = 0"});
  FitsLayout many(1ULL << 40);
  ASSERT_TRUE(many.feed(0, as_bytes(header({kSimple, "BITPIX  = 8", "NAXIS   = 0"}))).has_value());
  Result<void> fed;
  for (int i = 0; i < 20'000 && fed; ++i) fed = many.feed(*many.next_header(), as_bytes(empty));
  ASSERT_FALSE(fed.has_value());
  EXPECT_EQ(fed.error().code, Errc::too_large);
}

TEST(FitsLayout, GoesOnFromWhatItRemembers) {
  const std::string file = testing::seed("fits_layout/three_hdus.fits");
  for (const std::size_t seen : {std::size_t{3000}, std::size_t{9000}, file.size()}) {
    FitsLayout first(file.size());
    ASSERT_TRUE(first.feed(0, as_bytes(std::string_view(file).substr(0, seen))));
    FitsLayout second(file.size());
    ASSERT_TRUE(second.recall(first.remembered())) << first.remembered();
    EXPECT_EQ(second.remembered(), first.remembered());
    EXPECT_EQ(second.next_header(), first.next_header());
    EXPECT_EQ(second.finished(), first.finished());
    EXPECT_EQ(second.likely_header_length(), first.likely_header_length());
    ASSERT_TRUE(second.feed(0, as_bytes(file)));
    EXPECT_TRUE(second.finished());
    EXPECT_EQ(second.hdus().size(), 3U);
    EXPECT_FALSE(second.recall(first.remembered())) << "it knows better";
  }
}

TEST(FitsLayout, TheHeaderThatBeginsInARangeIsKnownExactly) {
  const std::string file = testing::seed("fits_layout/three_hdus.fits");
  FitsLayout layout(file.size());
  ASSERT_TRUE(layout.feed(0, as_bytes(file)));
  const FitsHdu& hdu = layout.hdus().at(1);
  const ByteRange header{hdu.header_offset, hdu.header_length};
  EXPECT_EQ(layout.header_in({header.offset, 1}), header);
  EXPECT_EQ(layout.header_in({header.offset - 100, 101}), header);
  EXPECT_EQ(layout.header_in({header.offset + 1, 100}), std::nullopt) << "it begins before";
  EXPECT_EQ(layout.header_in({0, 1}), std::nullopt) << "the first is known without a layout";
}

TEST(FitsLayout, WhatCannotBeOfThisFileIsNotRecalled) {
  for (const std::string line :
       {"", ".", "1", "1 0", "1 0i", "0 0;", "2 9;", "1 0;1", "x", "1 0;1 99999;", "-1 0;",
        "99999999999999999999 0;", "1 6405119470038038792;", "1 0; 1 0;", "5 0;", "4 1;1 0;"}) {
    FitsLayout layout(4 * kFitsBlock);
    EXPECT_FALSE(layout.recall(line)) << line;
    EXPECT_EQ(layout.next_header(), 0U);
  }
  FitsLayout layout(4 * kFitsBlock);
  EXPECT_TRUE(layout.recall("1 0;1 2i;."));
  EXPECT_TRUE(layout.finished());
}

TEST(FitsLayout, AgreesWithTheRealHeadersOfAFullFrameImage) {
  NEEDS_SAMPLES();
  const auto stem = *testing::samples() / "tess/ffi/tess2018292095940-s0004-1-1-0124-s_ffic.hdu";
  const auto part = [&](char n) { return testing::content_of(stem.string() + n + ".header.bin"); };
  const std::string primary = part('0');
  const std::string cal = part('1');
  ASSERT_EQ(cal.size(), 17'280U);
  FitsLayout layout(35'547'840);
  ASSERT_TRUE(layout.feed(0, as_bytes(primary + cal)).has_value());
  ASSERT_EQ(layout.hdus().size(), 2U);
  EXPECT_EQ(layout.hdus()[1].data_offset, 20'160U);
  EXPECT_EQ(layout.next_header(), 20'160U + 17'755'200U);
  EXPECT_EQ(layout.likely_header_length(), 17'280U);
  ASSERT_TRUE(layout.feed(*layout.next_header(), as_bytes(part('2'))).has_value());
  EXPECT_TRUE(layout.finished());
  EXPECT_EQ(layout.hdus()[2].extname, "CAMERA.CCD 1.1 uncert");
  const auto h = parsed(cal);
  EXPECT_EQ(card_int(h, "NUM_FRM"), 900);
  EXPECT_EQ(card_string(h, "DATE-OBS"), "2018-10-19T10:07:13.679Z");
  EXPECT_EQ(card_float(h, "EXPOSURE"), 0.016499995959);
  EXPECT_EQ(card_bool(parsed(primary), "CRMITEN"), true);
}

TEST(FitsLayout, AddsUpToTheSizeOfEveryRealFileAndRefusesTheDamagedOnes) {
  NEEDS_SAMPLES();
  std::size_t good = 0;
  std::size_t damaged = 0;
  for (const char* folder : {"tess/fits", "dkist/frames"}) {
    for (const auto& path : testing::sample_files(folder, ".fits")) {
      const std::string file = testing::content_of(path);
      FitsLayout layout(file.size());
      const auto fed = layout.feed(0, as_bytes(file));
      if (path.string().find("corrupted") != std::string::npos) {
        ASSERT_FALSE(fed.has_value()) << path;
        EXPECT_EQ(fed.error().code, Errc::corrupt);
        EXPECT_FALSE(fed.error().message.empty());
        ++damaged;
        continue;
      }
      ASSERT_TRUE(fed.has_value()) << path << ": " << fed.error().message;
      ASSERT_TRUE(layout.finished()) << path;
      std::uint64_t total = 0;
      for (const FitsHdu& hdu : layout.hdus()) {
        EXPECT_EQ(hdu.header_offset, total);
        total += hdu.header_length + hdu.data_length;
      }
      EXPECT_EQ(total, file.size()) << path;
      ++good;
    }
  }
  EXPECT_GE(good, 12U);
  EXPECT_EQ(damaged, 3U);
}

}  // namespace
}  // namespace astrofs
