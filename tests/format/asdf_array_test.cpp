// Columns: what the tree says of them, and their values.
#include "backends/format/asdf_array.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "backends/format/asdf_tree.h"
#include "tests/format/asdf_bytes.h"
#include "tests/support/asdf_writer.h"

namespace astrofs {
namespace {

using sim::AsdfColumnForm;
using sim::AsdfWriter;
using testing::AsdfBytes;
using ::testing::ElementsAre;

/// The values of the array at key `a` of a tree.
Result<ColumnValues> values_of(const AsdfWriter& writer, const std::string& array, std::uint64_t first = 0,
                               std::uint64_t count = UINT64_MAX) {
  AsdfBytes file(writer.file("a: " + array + "\n"));
  const auto open = open_asdf(file.reader(), file.size());
  if (!open) return tl::unexpected(open.error());
  const auto parsed = parse_asdf_array(open->tree.root()["a"]);
  if (!parsed) return tl::unexpected(parsed.error());
  const auto rows = asdf_rows(*open->blocks, *parsed);
  if (!rows) return tl::unexpected(rows.error());
  return read_asdf_values(*open->blocks, *parsed, first, count == UINT64_MAX ? *rows : count);
}

Errc refused(const std::string& array) {
  AsdfWriter writer;
  writer.add_block(std::string(64, 'x'));
  const auto values = values_of(writer, array);
  return values ? Errc::internal : values.error().code;
}

TEST(AsdfArray, ReadsEveryTypeInBothByteOrders) {
  for (const bool big : {false, true}) {
    const AsdfColumnForm form{.big_endian = big};
    AsdfWriter writer;
    const auto integers =
        values_of(writer, writer.int64s({1, -2, std::numeric_limits<std::int64_t>::min()}, form));
    ASSERT_TRUE(integers.has_value()) << integers.error().message;
    EXPECT_THAT(std::get<0>(integers->values), ElementsAre(1, -2, std::numeric_limits<std::int64_t>::min()));
    AsdfWriter reals;
    EXPECT_THAT(std::get<1>(values_of(reals, reals.float64s({0.15, -1e30}, form))->values),
                ElementsAre(0.15, -1e30));
    AsdfWriter bools;
    EXPECT_THAT(std::get<2>(values_of(bools, bools.bools({true, false}, form))->values),
                ElementsAre(true, false));
    AsdfWriter texts;
    const auto words =
        values_of(texts, texts.texts({"STOKES", "", "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"}, form));
    EXPECT_THAT(std::get<3>(words->values),
                ElementsAre("STOKES", "", "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"));
    EXPECT_THAT(words->missing, ElementsAre(false, false, false));
  }
}

TEST(AsdfArray, ReadsTheNarrowTypesToo) {
  const auto values = [](const std::string& type, std::string_view data, std::size_t rows) {
    AsdfWriter writer;
    writer.add_block(data);
    const auto read = values_of(writer, "!core/ndarray-1.1.0 {source: 0, datatype: " + type +
                                            ", byteorder: big, shape: [" + std::to_string(rows) + "]}");
    EXPECT_TRUE(read.has_value()) << type;
    return read ? *read : ColumnValues{};
  };
  using namespace std::string_view_literals;
  EXPECT_THAT(std::get<0>(values("int8", "\xFF\x01", 2).values), ElementsAre(-1, 1));
  EXPECT_THAT(std::get<0>(values("uint8", "\xFF\x01", 2).values), ElementsAre(255, 1));
  EXPECT_THAT(std::get<0>(values("int16", "\xFF\xFE\0\1"sv, 2).values), ElementsAre(-2, 1));
  EXPECT_THAT(std::get<0>(values("uint32", "\xFF\xFF\xFF\xFF", 1).values), ElementsAre(4294967295));
  EXPECT_THAT(std::get<0>(values("uint64", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 1).values),
              ElementsAre(std::numeric_limits<std::int64_t>::max()));
  EXPECT_THAT(std::get<1>(values("float32", "\x3F\x80\0\0"sv, 1).values), ElementsAre(1.0));
  EXPECT_THAT(std::get<3>(values("[ascii, 3]", "ab\0c\0\0"sv, 2).values), ElementsAre("ab", "c"));
  EXPECT_THAT(std::get<3>(values("[ucs4, 1]", "\0\x11\0\0"sv, 1).values), ElementsAre("\xEF\xBF\xBD"));
  EXPECT_THAT(std::get<3>(values("[ucs4, 0]", "", 2).values), ElementsAre("", ""));
}

TEST(AsdfArray, ReadsSomeRowsByReadingOnlyThose) {
  AsdfWriter writer;
  std::vector<std::int64_t> numbers(100'000);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<std::int64_t>(i);
  const std::string array = writer.int64s(numbers);
  AsdfBytes file(writer.file("a: " + array));
  const auto open = open_asdf(file.reader(), file.size());
  const auto parsed = parse_asdf_array(open->tree.root()["a"]);
  file.asked.clear();
  EXPECT_THAT(std::get<0>(read_asdf_values(*open->blocks, *parsed, 77'000, 2)->values),
              ElementsAre(77'000, 77'001));
  EXPECT_LE(file.bytes_asked(), 54U + 16U);
}

TEST(AsdfArray, FollowsOffsetsAndStrides) {
  AsdfWriter writer;
  writer.add_block("..a.b.c");
  const auto values =
      values_of(writer, "{source: 0, datatype: uint8, byteorder: big, shape: [3], offset: 2, strides: [2]}");
  EXPECT_THAT(std::get<0>(values->values), ElementsAre('a', 'b', 'c'));
}

TEST(AsdfArray, MarksWhatIsMasked) {
  AsdfWriter writer;
  std::string array = writer.float64s({0.1, 0.2, 0.3});
  array.insert(array.size() - 1, ", mask: " + writer.bools({false, true, false}));
  EXPECT_THAT(values_of(writer, array)->missing, ElementsAre(false, true, false));
  EXPECT_THAT(values_of(writer, array, 1, 1)->missing, ElementsAre(true));

  AsdfWriter value;
  std::string marked = value.int64s({5, -999});
  marked.insert(marked.size() - 1, ", mask: -999");
  EXPECT_THAT(values_of(value, marked)->missing, ElementsAre(false, true));
}

TEST(AsdfArray, ReadsValuesThatStandInTheTree) {
  const AsdfWriter writer;
  EXPECT_THAT(std::get<0>(values_of(writer, "[1, 2]")->values), ElementsAre(1, 2));
  EXPECT_THAT(
      std::get<1>(
          values_of(writer, "!core/ndarray-1.0.0 {data: [1, 2.5], datatype: float64, shape: [2]}")->values),
      ElementsAre(1, 2.5));
  EXPECT_THAT(std::get<2>(values_of(writer, "[true, false]")->values), ElementsAre(true, false));
  const auto words = values_of(writer, "[a, null, '1']", 1, 2);
  EXPECT_THAT(std::get<3>(words->values), ElementsAre("", "1"));
  EXPECT_THAT(words->missing, ElementsAre(true, false));
}

TEST(AsdfArray, CountsTheRowsOfAStreamedBlock) {
  AsdfWriter writer;
  writer.add_block(std::string(27, 'x'), {.streamed = true});
  AsdfBytes file(writer.file("a: {source: -1, datatype: int64, shape: ['*']}", sim::AsdfIndex::none));
  const auto open = open_asdf(file.reader(), file.size());
  const auto parsed = parse_asdf_array(open->tree.root()["a"]);
  EXPECT_EQ(asdf_rows(*open->blocks, *parsed), 3U);
}

TEST(AsdfArray, RefusesWhatNoHeaderHasAndWhatIsNotThere) {
  const std::string head = "{source: 0, byteorder: little, ";
  EXPECT_EQ(refused(head + "datatype: complex64, shape: [1]}"), Errc::unsupported);
  EXPECT_EQ(refused(head + "datatype: float16, shape: [1]}"), Errc::unsupported);
  EXPECT_EQ(refused(head + "datatype: [{name: a, datatype: int8}], shape: [1]}"), Errc::unsupported);
  EXPECT_EQ(refused(head + "datatype: int8, shape: [1, 2]}"), Errc::unsupported);
  EXPECT_EQ(refused(head + "datatype: int8, shape: [2], strides: [-1]}"), Errc::unsupported);
  EXPECT_EQ(refused("{source: other.asdf, datatype: int8, shape: [2]}"), Errc::unsupported);
  EXPECT_EQ(refused("[[1], [2]]"), Errc::unsupported);
  EXPECT_EQ(refused("word"), Errc::unsupported);
  EXPECT_EQ(refused("{source: 1, datatype: int8, shape: [2]}"), Errc::corrupt);
  EXPECT_EQ(refused(head + "datatype: int8, shape: [65]}"), Errc::corrupt);
  EXPECT_EQ(refused(head + "datatype: int8, shape: [-1]}"), Errc::corrupt);
  EXPECT_EQ(refused(head + "datatype: int8, shape: [1], offset: 64}"), Errc::corrupt);
  EXPECT_EQ(refused(head + "datatype: int8, shape: [1], offset: -1}"), Errc::corrupt);
  EXPECT_EQ(refused(head + "datatype: int8, shape: [9000000000]}"), Errc::too_large);
  EXPECT_EQ(refused(head + "datatype: [ucs4, 9000000000], shape: [1]}"), Errc::too_large);
  EXPECT_EQ(refused(head + "datatype: [ucs4, 60000], shape: [4000000]}"), Errc::too_large);
  EXPECT_EQ(refused(head + "datatype: int8, shape: [2], strides: [9000000000000000000]}"), Errc::too_large);
}

}  // namespace
}  // namespace astrofs
