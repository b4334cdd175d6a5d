// What fs/placeholder promises of frames whose image is compressed: sizes, ranges, cards, refusals.
#include "fs/compressed_image.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "fs/fits_card.h"
#include "tests/fs/placeholder_fixture.h"

namespace astrofs {
namespace {

using fake::contents;
using fake::find;
using fake::kBlock;
using fake::observation_shape;
using fake::parse;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr std::uint64_t kRealSize = 2'592'000;  // of the frame of the VISP in the samples
const std::vector<std::uint64_t> kRealAxes = {2555, 976, 1};

Result<Placeholder> make(const FrameShape& shape, std::optional<std::uint64_t> size,
                         MissingCause cause = MissingCause::not_logged_in) {
  return Placeholder::make(shape, std::nullopt, size, cause, "VISP_x_BEOGN_L1.fits");
}

/// As many cards as a DKIST header has.
std::vector<FitsCard> long_row(std::size_t cards = 300) {
  std::vector<FitsCard> row;
  for (std::size_t i = 0; i < cards; ++i)
    row.push_back({fmt::format("KEY{}", i), fmt::to_string(i), "a key"});
  return row;
}

/// The cards of the compressed image's HDU, which begins behind an empty primary one.
fake::ParsedHdu image_hdu(const Placeholder& placeholder) {
  return parse(contents(placeholder)).at(1);
}

std::uint64_t number(const fake::ParsedHdu& hdu, std::string_view keyword) {
  return static_cast<std::uint64_t>(fits::integer_value(find(hdu, keyword) + "  ").value_or(-1));
}

TEST(CompressedImage, HasExactlyTheSizeOfTheRealFrame) {
  const auto placeholder = make(observation_shape(kRealAxes, -64, long_row()), kRealSize);
  ASSERT_TRUE(placeholder.has_value()) << placeholder.error().message;
  EXPECT_EQ(placeholder->size(), kRealSize);
  const auto hdu = image_hdu(*placeholder);
  EXPECT_EQ(hdu.data_at + number(hdu, "NAXIS1") * number(hdu, "NAXIS2") + number(hdu, "PCOUNT"), kRealSize);
  EXPECT_THAT(find(hdu, "KEY299"), HasSubstr("299 / a key"));
}

TEST(CompressedImage, TellsTheShapeOfTheImageAndNotOfTheTable) {
  const auto hdu = image_hdu(make(observation_shape(kRealAxes, -64), kRealSize).value());
  EXPECT_THAT(find(hdu, "XTENSION"), HasSubstr("'BINTABLE'"));
  EXPECT_THAT(find(hdu, "EXTNAME"), HasSubstr("'observation'"));
  EXPECT_EQ(fits::integer_value(find(hdu, "ZBITPIX")), -64);
  EXPECT_EQ(number(hdu, "ZNAXIS"), 3U);
  EXPECT_EQ(number(hdu, "ZNAXIS1"), 2555U);
  EXPECT_EQ(number(hdu, "ZTILE2"), 976U);
  EXPECT_EQ(number(hdu, "ZNAXIS3"), 1U);
}

TEST(CompressedImage, SaysInBothHeadersWhyItIsNotReal) {
  const auto placeholder = make(observation_shape({100, 1}, -32), std::nullopt);
  ASSERT_TRUE(placeholder.has_value()) << placeholder.error().message;
  for (const auto& hdu : parse(contents(*placeholder))) {
    EXPECT_THAT(find(hdu, "ASTROFS"), HasSubstr("'PLACEHOLDER'"));
    EXPECT_THAT(find(hdu, "ASTROWHY"), HasSubstr("'NOT LOGGED IN'"));
    EXPECT_THAT(find(hdu, "ASTROWHY"), EndsWith("after a login"));
    EXPECT_THAT(find(hdu, "HISTORY"), EndsWith("VISP_x_BEOGN_L1.fits"));
    if (hdu.data_at > 3 * kBlock) break;  // behind the last header the parser sees a heap
  }
}

TEST(CompressedImage, LeavesOutWhatATableOfHeadersShouldNotSay) {
  const std::vector<FitsCard> row = {{"SIMPLE", "T", ""},        {"BITPIX", "-64", ""},
                                     {"NAXIS", "3", ""},         {"NAXIS2", "976", ""},
                                     {"PCOUNT", "7", ""},        {"ZCMPTYPE", "'RICE_1'", ""},
                                     {"ZTILE1", "256", ""},      {"ZDATASUM", "'1'", ""},
                                     {"ZHECKSUM", "'x'", ""},    {"DATASUM", "'2'", ""},
                                     {"TTYPE2", "'ZSCALE'", ""}, {"ATMOS_R0", "nan", ""},
                                     {"LIGHTLVL", "inf", ""},    {"MASKED", "", ""},
                                     {"NOVALUE", "--", ""},      {"lower", "1", ""},
                                     {"TOOLONGKEY", "1", ""},    {"UNCLOSED", "'x", ""},
                                     {"AO_LOCK", "T", "lock"},   {"AO_LOCK", "F", "once only"},
                                     {"SMALL", "1.5e-05", ""},   {"EXTNAME", "'other'", ""}};
  const auto hdu = image_hdu(make(observation_shape(kRealAxes, -64, row), kRealSize).value());
  for (const char* keyword : {"SIMPLE", "NAXIS3", "ZTILE4", "ZDATASUM", "ZHECKSUM", "TTYPE2", "ATMOS_R0",
                              "LIGHTLVL", "MASKED", "NOVALUE", "lower", "TOOLONGK", "UNCLOSED"}) {
    EXPECT_THAT(find(hdu, keyword), IsEmpty()) << keyword;
  }
  EXPECT_EQ(number(hdu, "BITPIX"), 8U);
  EXPECT_EQ(number(hdu, "NAXIS2"), 1U);
  EXPECT_THAT(find(hdu, "ZCMPTYPE"), HasSubstr("GZIP_1"));
  EXPECT_THAT(find(hdu, "AO_LOCK"), EndsWith("T / lock"));
  EXPECT_THAT(find(hdu, "SMALL"), EndsWith("1.5E-05"));
  EXPECT_THAT(find(hdu, "EXTNAME"), HasSubstr("observation"));
  for (const char* keyword : {"AO_LOCK", "EXTNAME", "DATASUM", "NAXIS2", "ZTILE1"}) {
    EXPECT_EQ(std::ranges::count(hdu.cards, keyword, [](const auto& card) { return fits::keyword_of(card); }),
              1)
        << keyword;
  }
}

TEST(CompressedImage, ContinuesLongStrings) {
  const std::vector<FitsCard> row = {{"CAL_URL", "'" + std::string(100, 'u') + "'", "where"}};
  const auto hdu = image_hdu(make(observation_shape(kRealAxes, -64, row), kRealSize).value());
  EXPECT_THAT(find(hdu, "CAL_URL"), EndsWith("u&'"));
  EXPECT_THAT(find(hdu, "CONTINUE"), EndsWith("u' / where"));
}

TEST(CompressedImage, GoesWithoutItsLastCardsWhereTheFrameWasSmall) {
  const FrameShape shape = observation_shape({100, 1}, -32, long_row());
  const std::uint64_t natural = make(shape, std::nullopt)->size();
  for (std::uint64_t size = natural - kBlock; size >= 4 * kBlock; size -= kBlock) {
    const auto placeholder = make(shape, size);
    ASSERT_TRUE(placeholder.has_value()) << placeholder.error().message;
    ASSERT_EQ(placeholder->size(), size);
    const auto hdu = image_hdu(*placeholder);
    EXPECT_EQ(hdu.cards.size() % fits::kCardsPerBlock, 0U) << "room for a card that is left out";
    EXPECT_THAT(find(hdu, "KEY299"), IsEmpty());
    if (size > 5 * kBlock) {
      EXPECT_THAT(find(hdu, "KEY0"), HasSubstr("a key"));
    }
    EXPECT_THAT(find(hdu, "EXTNAME"), HasSubstr("observation"));
    EXPECT_THAT(find(hdu, "ASTROWHY"), HasSubstr("LOGGED"));
  }
}

TEST(CompressedImage, HasASizeOfItsOwnThatDoesNotDependOnWhatIsKnown) {
  FrameShape untold = observation_shape(kRealAxes, -64);
  untold.hdus[1].usual_cards = 360;
  FrameShape told = observation_shape(kRealAxes, -64, long_row());
  told.hdus[1].usual_cards = 360;
  const std::uint64_t size = make(untold, std::nullopt)->size();
  EXPECT_EQ(size, make(told, std::nullopt)->size());
  EXPECT_EQ(size, kBlock + 10 * kBlock + (8 + 38'834 + kBlock - 1) / kBlock * kBlock);
  EXPECT_THAT(find(image_hdu(make(told, size).value()), "KEY299"), HasSubstr("a key"));
}

TEST(CompressedImage, TakesALongStringAwayAsAWhole) {
  std::vector<FitsCard> row = long_row(20);
  for (int i = 0; i < 30; ++i) {
    row.push_back({fmt::format("LONG{}", i), "'" + std::string(200, 'x') + "'", ""});
  }
  const FrameShape shape = observation_shape({100, 1}, -32, row);
  for (std::uint64_t size = make(shape, std::nullopt)->size(); size >= 4 * kBlock; size -= kBlock) {
    const auto hdu = image_hdu(make(shape, size).value());
    std::size_t open = 0;
    for (const std::string& card : hdu.cards) {
      const bool goes_on = card.find("&'") != std::string::npos;
      EXPECT_EQ(card.starts_with("CONTINUE"), open > 0) << card;
      open = goes_on ? 1 : 0;
    }
    EXPECT_EQ(open, 0U);
  }
}

TEST(CompressedImage, RefusesSizesItCannotHave) {
  const FrameShape shape = observation_shape(kRealAxes, -64, long_row());
  // Both headers in one block each, and a descriptor and the compressed NaN.
  const std::uint64_t smallest = 2 * kBlock + (8 + 38'834 + kBlock - 1) / kBlock * kBlock;
  EXPECT_TRUE(make(shape, smallest).has_value());
  for (const std::uint64_t size : {std::uint64_t{0}, kBlock, smallest - kBlock, kRealSize + 1, kRealSize - 80,
                                   std::uint64_t{kBlock} << 50U, ~std::uint64_t{0}}) {
    const auto placeholder = make(shape, size);
    ASSERT_FALSE(placeholder.has_value()) << size;
    EXPECT_EQ(placeholder.error().code, Errc::unsupported) << size;
  }
}

TEST(CompressedImage, RefusesImagesThatNobodyCompresses) {
  const std::vector<std::vector<std::uint64_t>> axes = {
      {}, {0, 5}, {1ULL << 40U, 2}, {1ULL << 40U, 1ULL << 40U}, {40'000, 40'000}, {2, 2, 2, 2, 2, 2, 2}};
  for (const auto& one : axes) {
    EXPECT_EQ(make(observation_shape(one, -32), std::nullopt).error().code, Errc::unsupported);
  }
  EXPECT_EQ(make(observation_shape({4, 4}, 64), std::nullopt).error().code, Errc::unsupported);
  EXPECT_EQ(make(observation_shape({4, 4}, 7), std::nullopt).error().code, Errc::invalid);
}

TEST(CompressedImage, LeavesSiblingsAside) {
  const FrameShape shape = observation_shape(kRealAxes, -64, long_row());
  const auto alone = make(shape, kRealSize);
  const auto beside = Placeholder::make(shape, fake::synthetic_sibling({}), kRealSize,
                                        MissingCause::not_logged_in, "VISP_x_BEOGN_L1.fits");
  ASSERT_TRUE(beside.has_value()) << beside.error().message;
  EXPECT_TRUE(contents(*alone) == contents(*beside));
}

TEST(CompressedImage, IsTheSameEveryTime) {
  const FrameShape shape = observation_shape({4096, 4096}, -32, long_row());
  EXPECT_TRUE(contents(make(shape, 20'160'000).value()) == contents(make(shape, 20'160'000).value()));
}

RC_GTEST_PROP(CompressedImage, HasTheSizeAskedForAndEveryRangeIsPartOfTheWhole, ()) {
  const int bitpix = *rc::gen::element(8, 16, 32, -32, -64);
  const auto axes = *rc::gen::resize(4, rc::gen::nonEmpty(rc::gen::container<std::vector<std::uint64_t>>(
                                            rc::gen::inRange<std::uint64_t>(1, 70))));
  RC_PRE(axes.size() <= 6U);  // no reader takes more
  const FrameShape shape = observation_shape(axes, bitpix, long_row(*rc::gen::inRange<std::size_t>(0, 200)));
  const auto natural = make(shape, std::nullopt);
  RC_ASSERT(natural.has_value());
  RC_ASSERT(natural->size() % kBlock == 0U);
  const std::uint64_t size = natural->size() + *rc::gen::inRange<std::uint64_t>(0, 300) * kBlock;
  const auto placeholder = make(shape, size);
  RC_ASSERT(placeholder.has_value());
  RC_ASSERT(placeholder->size() == size);
  const auto whole = contents(*placeholder);
  RC_ASSERT(whole.size() == size);
  for (int i = 0; i < 20; ++i) {
    const auto offset = *rc::gen::inRange<std::uint64_t>(0, size + 10);
    std::vector<std::byte> part(*rc::gen::inRange<std::size_t>(0, 9000));
    const auto expected = offset >= size ? 0 : std::min<std::uint64_t>(part.size(), size - offset);
    RC_ASSERT(placeholder->read(offset, part) == expected);
    RC_ASSERT(std::equal(part.begin(), part.begin() + static_cast<std::ptrdiff_t>(expected),
                         whole.begin() + static_cast<std::ptrdiff_t>(std::min(offset, size))));
  }
}

}  // namespace
}  // namespace astrofs
