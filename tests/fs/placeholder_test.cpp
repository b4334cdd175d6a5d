// What fs/placeholder promises: sizes, ranges, marks, determinism, refusals.
#include "fs/placeholder.h"

#include <algorithm>
#include <array>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fs/placeholder_fixture.h"

namespace astrofs {
namespace {

using fake::contents;
using fake::ffi_shape;
using fake::find;
using fake::kBlock;
using fake::kFrameName;
using fake::parse;
using fake::synthetic_sibling;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr std::uint64_t kImageUnit = 17'755'200;  // 2136 x 2078 float32, padded
// Byte offset of the first pixel of every sector there is.
constexpr std::array<std::uint64_t, 7> kOffsets = {14'400, 17'280, 20'160, 23'040, 25'920, 28'800, 31'680};

std::uint64_t ffi_size(std::uint64_t offset) {
  return 2 * offset - kBlock + 2 * kImageUnit;
}

Result<Placeholder> make(const FrameShape& shape, const std::optional<SiblingHeader>& sibling,
                         std::optional<std::uint64_t> size,
                         MissingCause cause = MissingCause::denied_by_archive) {
  return Placeholder::make(shape, sibling, size, cause, kFrameName);
}

std::vector<std::byte> bytes_of(const FrameShape& shape, const std::optional<SiblingHeader>& sibling,
                                std::optional<std::uint64_t> size = std::nullopt) {
  const auto placeholder = make(shape, sibling, size);
  EXPECT_TRUE(placeholder.has_value()) << placeholder.error().message;
  return placeholder ? contents(*placeholder) : std::vector<std::byte>{};
}

/// Both images begin where those of the real frame do, and the whole has its size.
void expect_real_offsets(const std::optional<SiblingHeader>& sibling) {
  for (const std::uint64_t offset : kOffsets) {
    SCOPED_TRACE(offset);
    const auto placeholder = make(ffi_shape(2136, 2078), sibling, ffi_size(offset));
    ASSERT_TRUE(placeholder.has_value()) << placeholder.error().message;
    EXPECT_EQ(placeholder->size(), ffi_size(offset));
    const auto hdus = parse(contents(*placeholder));
    ASSERT_EQ(hdus.size(), 3U);
    EXPECT_EQ(hdus[1].data_at, offset);
    EXPECT_EQ(hdus[2].data_at, 2 * offset - kBlock + kImageUnit);
  }
}

TEST(Placeholder, HasEveryRealSizeWithoutASibling) {
  expect_real_offsets(std::nullopt);
}

TEST(Placeholder, HasEveryRealSizeWithASyntheticSibling) {
  expect_real_offsets(synthetic_sibling({}));
  fake::Frame without;
  without.has_pointing = false;
  expect_real_offsets(synthetic_sibling(without));
}

TEST(Placeholder, HasEveryRealSizeWithARecordedSibling) {
  const auto sibling = fake::recorded_sibling();
  if (!sibling) GTEST_SKIP() << "ASTROFS_SAMPLES does not name the recorded headers";
  expect_real_offsets(sibling);
}

TEST(Placeholder, HasTheSiblingsLengthsWhenTheSizeIsNotKnown) {
  const auto sibling = fake::recorded_sibling();
  if (!sibling) GTEST_SKIP() << "ASTROFS_SAMPLES does not name the recorded headers";
  EXPECT_EQ(make(ffi_shape(2136, 2078), sibling, std::nullopt)->size(), 35'547'840U);
}

TEST(Placeholder, FitsSmallFramesWhoseSiblingTellsTheAxes) {
  fake::Frame frame;
  frame.width = 64;
  frame.height = 48;
  const auto sibling = synthetic_sibling(frame);
  const std::uint64_t unit = (64 * 48 * 4 + kBlock - 1) / kBlock * kBlock;
  const std::uint64_t size = kBlock + 2 * (17'280 + unit);
  const auto placeholder =
      make(ffi_shape(2136, 2078), sibling, size);  // the name alone would say 2136 x 2078
  ASSERT_TRUE(placeholder.has_value()) << placeholder.error().message;
  const auto hdus = parse(contents(*placeholder));
  ASSERT_EQ(hdus.size(), 3U);
  EXPECT_THAT(find(hdus[1], "NAXIS1"), HasSubstr(" 64 "));
  EXPECT_EQ(hdus[1].data_at, kBlock + 17'280U);
  EXPECT_EQ(hdus[2].data_at + unit, size);
}

TEST(Placeholder, LeavesASiblingAsideThatContradictsTheSize) {
  fake::Frame frame;
  frame.width = 4096;
  frame.height = 4096;
  const auto placeholder = make(ffi_shape(2136, 2078), synthetic_sibling(frame), 35'547'840);
  ASSERT_TRUE(placeholder.has_value()) << placeholder.error().message;
  const auto hdus = parse(contents(*placeholder));
  EXPECT_THAT(find(hdus[1], "NAXIS1"), HasSubstr(" 2136 "));
  EXPECT_THAT(find(hdus[1], "REGION7"), IsEmpty());
}

TEST(Placeholder, LeavesASiblingAsideWhosePixelsAreOfAnotherType) {
  fake::Frame raw;
  raw.bitpix = 32;  // in which two images have the very same size
  const auto hdus = parse(bytes_of(ffi_shape(2136, 2078), synthetic_sibling(raw), 35'547'840));
  EXPECT_THAT(find(hdus[1], "BITPIX"), HasSubstr(" -32 "));
  EXPECT_THAT(find(hdus[1], "BLANK"), IsEmpty());
  EXPECT_THAT(find(hdus[1], "REGION7"), IsEmpty());
}

TEST(Placeholder, KeepsAxesThatAreCertain) {
  fake::Frame turned;
  turned.width = 2078;
  turned.height = 2136;
  FrameShape shape = ffi_shape(2136, 2078);
  EXPECT_TRUE(agrees(shape, synthetic_sibling(turned))) << "a name alone is no more than a guess";
  for (HduShape& hdu : shape.hdus) hdu.are_axes_certain = true;
  EXPECT_FALSE(agrees(shape, synthetic_sibling(turned)));
  EXPECT_TRUE(agrees(shape, synthetic_sibling({})));
  const auto hdus = parse(bytes_of(shape, synthetic_sibling(turned), 35'547'840));
  EXPECT_THAT(find(hdus[1], "NAXIS1"), HasSubstr(" 2136 "));
}

TEST(Placeholder, BorrowsTheHeaderOfAnUnreadHduFromTheImageBefore) {
  fake::Frame frame;
  frame.images = 1;
  const auto hdus = parse(bytes_of(ffi_shape(2136, 2078), synthetic_sibling(frame), 35'547'840));
  ASSERT_EQ(hdus.size(), 3U);
  EXPECT_THAT(find(hdus[2], "EXTNAME"), HasSubstr("'CAMERA.CCD 1.1 uncert'"));
  EXPECT_THAT(find(hdus[2], "REGION7"), HasSubstr("7"));
  EXPECT_EQ(hdus[2].header_size, 17'280U);
}

TEST(Placeholder, DropsThePointingFirstWhenTheFrameHadAShortHeader) {
  const auto hdus = parse(bytes_of(ffi_shape(2136, 2078), synthetic_sibling({}), ffi_size(14'400)));
  EXPECT_THAT(find(hdus[1], "CRVAL1"), IsEmpty());
  EXPECT_THAT(find(hdus[1], "ASTROWCS"), IsEmpty());
  EXPECT_THAT(find(hdus[1], "CTYPE1P"), HasSubstr("RAWX"));
  EXPECT_THAT(find(hdus[1], "REGION99"), HasSubstr("99"));
}

TEST(Placeholder, SaysWhatTheNameTellsAndNotWhatTheSiblingWas) {
  const auto hdus = parse(bytes_of(ffi_shape(2136, 2078), synthetic_sibling({}), 35'547'840));
  EXPECT_THAT(find(hdus[0], "DATE-OBS"), HasSubstr("'2018-10-19T09:59:39.000Z' / TSTART as UTC"));
  EXPECT_THAT(find(hdus[0], "SCCONFIG"), HasSubstr("124"));
  EXPECT_THAT(find(hdus[0], "TSTART"), IsEmpty());
  EXPECT_THAT(find(hdus[1], "CAMERA"), HasSubstr("1 / Camera number"));
  EXPECT_THAT(find(hdus[1], "TSTART"), IsEmpty());
  EXPECT_THAT(find(hdus[1], "DATE-OBS"), IsEmpty());
  EXPECT_THAT(find(hdus[1], "NUM_FRM"), HasSubstr("900"));
  EXPECT_THAT(find(hdus[1], "IMAGTYPE"), HasSubstr("'cal     '"));
}

TEST(Placeholder, IsMarkedInEveryHdu) {
  for (const auto cause : {MissingCause::denied_by_archive, MissingCause::not_fetched}) {
    const auto placeholder =
        make(ffi_shape(64, 48), synthetic_sibling({.width = 64, .height = 48}), {}, cause);
    ASSERT_TRUE(placeholder.has_value());
    for (const auto& hdu : parse(contents(*placeholder))) {
      EXPECT_THAT(find(hdu, "ASTROFS"), StartsWith("ASTROFS = 'PLACEHOLDER'"));
      EXPECT_THAT(find(hdu, "ASTROWHY"),
                  HasSubstr(cause == MissingCause::not_fetched ? "'NOT FETCHED'" : "'DENIED BY ARCHIVE'"));
      EXPECT_THAT(find(hdu, "HISTORY"), EndsWith(kFrameName));
      EXPECT_THAT(find(hdu, "SIMDATA"), HasSubstr("= " + std::string(19, ' ') + "F"));
      EXPECT_EQ(hdu.cards.back().substr(0, 8), "END     ");
    }
  }
}

TEST(Placeholder, MarksBorrowedPointing) {
  const auto hdus = parse(bytes_of(ffi_shape(2136, 2078), synthetic_sibling({}), 35'547'840));
  EXPECT_THAT(find(hdus[1], "CRVAL1"), HasSubstr("12.5"));
  EXPECT_THAT(find(hdus[1], "ASTROWCS"), HasSubstr("'SIBLING "));
  EXPECT_THAT(find(hdus[0], "ASTROWCS"), IsEmpty());
}

TEST(Placeholder, WritesNaNInEveryFloatPixelAndZerosBehindThem) {
  const auto file = bytes_of(ffi_shape(5, 3), std::nullopt);
  const auto hdus = parse(file);
  ASSERT_EQ(hdus.size(), 3U);
  constexpr std::array<unsigned char, 4> kNaN = {0x7F, 0xC0, 0, 0};
  for (std::uint64_t i = 0; i < kBlock; ++i) {
    const unsigned expected = i < 5 * 3 * 4 ? kNaN[i % 4] : 0U;
    ASSERT_EQ(static_cast<unsigned>(file[hdus[1].data_at + i]), expected) << i;
  }
}

TEST(Placeholder, WritesBlankIntegersWithoutAnUnsignedOffset) {
  fake::Frame frame{.width = 5, .height = 3, .bitpix = 16};
  frame.extra = {{"BZERO", "32768", ""}, {"BSCALE", "1", ""}};
  const auto file = bytes_of(ffi_shape(5, 3, 16), synthetic_sibling(frame));
  const auto hdus = parse(file);
  EXPECT_THAT(find(hdus[1], "BITPIX"), HasSubstr(" 16 "));
  EXPECT_THAT(find(hdus[1], "BLANK"), HasSubstr(" -32768 "));
  EXPECT_THAT(find(hdus[1], "BZERO"), IsEmpty());
  EXPECT_EQ(file[hdus[1].data_at], std::byte{0x80});
  EXPECT_EQ(file[hdus[1].data_at + 1], std::byte{0x00});
}

TEST(Placeholder, UsesTheSiblingsOwnBlank) {
  fake::Frame frame{.width = 5, .height = 3, .bitpix = 32};
  frame.extra = {{"BLANK", "-2", ""}};
  const auto file = bytes_of(ffi_shape(5, 3, 32), synthetic_sibling(frame));
  const auto hdus = parse(file);
  EXPECT_THAT(find(hdus[1], "BLANK"), HasSubstr(" -2 "));
  EXPECT_EQ(file[hdus[1].data_at + 3], std::byte{0xFE});
}

TEST(Placeholder, ReadsAnyRangeAsPartOfTheWhole) {
  for (const int bitpix : {8, 16, 32, 64, -32, -64}) {
    const auto placeholder = make(ffi_shape(61, 47, bitpix), std::nullopt, std::nullopt);
    ASSERT_TRUE(placeholder.has_value());
    const auto whole = contents(*placeholder);
    ASSERT_EQ(whole.size(), placeholder->size());
    std::mt19937_64 random(static_cast<std::uint64_t>(bitpix + 100));
    for (int round = 0; round < 500; ++round) {
      const std::uint64_t offset = random() % (whole.size() + 10);
      std::vector<std::byte> part(random() % (round % 2 == 0 ? 40 : 9000));
      const std::uint64_t expected =
          offset >= whole.size() ? 0 : std::min<std::uint64_t>(part.size(), whole.size() - offset);
      ASSERT_EQ(placeholder->read(offset, part), expected);
      ASSERT_TRUE(std::equal(
          part.begin(), part.begin() + static_cast<std::ptrdiff_t>(expected),
          whole.begin() + static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(offset, whole.size()))))
          << offset << " + " << part.size();
    }
  }
}

TEST(Placeholder, IsTheSameEveryTime) {
  const auto sibling = synthetic_sibling({});
  const auto first = bytes_of(ffi_shape(2136, 2078), sibling, 35'547'840);
  const auto second = bytes_of(ffi_shape(2136, 2078), sibling, 35'547'840);
  EXPECT_TRUE(first == second);
}

TEST(Placeholder, RefusesSizesThatNoHeaderCanMake) {
  for (const std::uint64_t size :
       {std::uint64_t{0}, std::uint64_t{2880}, 2 * kImageUnit, 2 * kImageUnit + 2 * kBlock,
        std::uint64_t{35'547'841}, std::uint64_t{35'547'840 + 80}, std::uint64_t{1} << 40U,
        ~std::uint64_t{0}}) {
    for (const auto& sibling : {std::optional<SiblingHeader>{}, std::optional(synthetic_sibling({}))}) {
      const auto placeholder = make(ffi_shape(2136, 2078), sibling, size);
      ASSERT_FALSE(placeholder.has_value()) << size;
      EXPECT_EQ(placeholder.error().code, Errc::unsupported) << size;
    }
  }
}

TEST(Placeholder, FitsIntoTheShortestFileThatCanHoldItsImages) {
  const auto hdus =
      parse(bytes_of(ffi_shape(2136, 2078), synthetic_sibling({}), 2 * kImageUnit + 3 * kBlock));
  ASSERT_EQ(hdus.size(), 3U);
  EXPECT_THAT(find(hdus[1], "ASTROFS"), HasSubstr("PLACEHOLDER"));
  EXPECT_THAT(find(hdus[1], "REGION7"), IsEmpty());
}

TEST(Placeholder, RefusesTables) {
  auto sibling = synthetic_sibling({});
  sibling.hdu_cards[1][0] = fake::card("XTENSION", "'BINTABLE'");
  const auto placeholder = make(FrameShape{}, sibling, 35'547'840);
  ASSERT_FALSE(placeholder.has_value());
  EXPECT_EQ(placeholder.error().code, Errc::unsupported);
}

TEST(Placeholder, RefusesAShapeThatSaysNothing) {
  EXPECT_EQ(make(FrameShape{}, std::nullopt, std::nullopt).error().code, Errc::unsupported);
}

TEST(Placeholder, RefusesAxesThatOverflow) {
  const auto placeholder = make(ffi_shape(1ULL << 40U, 1ULL << 40U), std::nullopt, std::nullopt);
  EXPECT_EQ(placeholder.error().code, Errc::unsupported);
}

TEST(Placeholder, SurvivesHostileSiblings) {
  const std::string naxis = fake::card("NAXIS1", "-5");
  auto negative = synthetic_sibling({});
  negative.hdu_cards[1][3] = naxis;
  auto garbage = synthetic_sibling({});
  for (auto& card : garbage.hdu_cards[1]) card.assign(7, '\x01');
  auto unclosed = synthetic_sibling({});
  unclosed.hdu_cards[1][20] = "ODD     = 'never closed" + std::string(57, ' ');
  for (const auto& sibling : {negative, garbage, unclosed, SiblingHeader{}, SiblingHeader{{{}, {}, {}}}}) {
    const auto placeholder = make(ffi_shape(2136, 2078), sibling, 35'547'840);
    ASSERT_TRUE(placeholder.has_value()) << placeholder.error().message;
    EXPECT_EQ(placeholder->size(), 35'547'840U);
  }
}

TEST(Placeholder, KeepsLongNamesPrintable) {
  const std::string name = "caf\xC3\xA9\n" + std::string(240, 'x') + ".fits";
  const auto placeholder =
      Placeholder::make(ffi_shape(8, 8), std::nullopt, std::nullopt, MissingCause::not_fetched, name);
  ASSERT_TRUE(placeholder.has_value());
  for (const auto& hdu : parse(contents(*placeholder))) {
    for (const auto& card : hdu.cards) {
      EXPECT_TRUE(std::ranges::all_of(card, [](char letter) { return letter >= ' ' && letter <= '~'; }))
          << card;
    }
  }
}

}  // namespace
}  // namespace astrofs
