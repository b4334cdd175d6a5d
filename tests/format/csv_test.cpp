// Comma-separated values, whole and in pieces.
#include "backends/format/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/format/samples.h"

namespace astrofs {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;
using Row = std::vector<std::string>;

/// Rows of a text, fed in pieces of that many bytes; what is NULL reads as "(null)".
Result<std::vector<Row>> rows_of(std::string_view text, CsvTerms terms = {}, std::size_t piece = 1000) {
  std::vector<Row> rows;
  CsvReader reader(
      [&rows](CsvRow cells) -> Result<void> {
        Row& row = rows.emplace_back();
        for (const auto& cell : cells) row.emplace_back(cell.value_or("(null)"));
        return {};
      },
      std::move(terms));
  for (std::size_t at = 0; at < text.size(); at += piece) {
    if (auto fed = reader.feed(text.substr(at, piece)); !fed) return tl::unexpected<Error>(fed.error());
  }
  const auto count = reader.finish();
  if (!count) return tl::unexpected<Error>(count.error());
  EXPECT_EQ(*count, rows.size());
  return rows;
}

TEST(Csv, ReadsQuotesLineBreaksAndEitherEndOfLine) {
  const std::string text = "a,b,c\r\n1,\"two, \"\"2\"\"\",\r\n\"\",\"x\ny\r\n\",\"NULL\"\n";
  for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{1000}}) {
    const auto rows = rows_of(text, {.null = "NULL"}, piece);
    ASSERT_TRUE(rows) << rows.error().message;
    EXPECT_THAT(*rows,
                ElementsAre(Row{"a", "b", "c"}, Row{"1", "two, \"2\"", ""}, Row{"", "x\ny\r\n", "NULL"}));
  }
}

TEST(Csv, TellsNullFromTheWordInQuotesAndFromOtherWords) {
  EXPECT_THAT(*rows_of("NULL,NULLS,\"NULL\",\n", {.null = "NULL"}),
              ElementsAre(Row{"(null)", "NULLS", "NULL", ""}));
  EXPECT_THAT(*rows_of("NULL,\n"), ElementsAre(Row{"NULL", ""}));
}

TEST(Csv, IsNeverAShorterTable) {
  for (const char* const text : {"a,b\n1\n", "a,b\n1,2,3\n", "a,b\n1,2", "a,b\n1,\"2", "a,b\n1,2\r",
                                 "a,b\n\n", "a\n\"b\"c\n", "a\rb\n"}) {
    const auto rows = rows_of(text);
    ASSERT_FALSE(rows) << text;
    EXPECT_EQ(rows.error().code, Errc::corrupt) << text;
  }
  EXPECT_THAT(*rows_of(""), SizeIs(0));
}

TEST(Csv, BoundsWhatARowMayBe) {
  EXPECT_EQ(rows_of(std::string(200, 'a') + "\n", {.row = 100}).error().code, Errc::too_large);
  EXPECT_EQ(rows_of(std::string(200, ',') + "\n", {.cells = 100}).error().code, Errc::too_large);
}

TEST(Csv, StopsWhenItsTakerDoes) {
  int taken = 0;
  CsvReader reader([&taken](CsvRow) -> Result<void> {
    ++taken;
    return fail(Errc::interrupted, "enough");
  });
  EXPECT_EQ(reader.feed("a\nb\n").error().code, Errc::interrupted);
  EXPECT_EQ(reader.feed("c\n").error().code, Errc::interrupted);
  EXPECT_EQ(reader.finish().error().code, Errc::interrupted);
  EXPECT_EQ(taken, 1);
}

TEST(Csv, WritesWhatItReads) {
  std::string line;
  for (const char* const cell : {"plain", "a,b", "say \"x\"", "", "two\nlines"}) {
    if (!line.empty()) line += ',';
    append_csv_cell(line, cell);
  }
  EXPECT_THAT(*rows_of(line + "\n"), ElementsAre(Row{"plain", "a,b", "say \"x\"", "", "two\nlines"}));
  EXPECT_TRUE(line.starts_with("plain,\"a,b\","));
}

TEST(CsvSamples, ReadsTheTablesOfDaiquiri) {
  NEEDS_SAMPLES();
  const auto table = [](const char* name) {
    return rows_of(testing::content_of(*testing::samples() / "vo/daiquiri" / name), {.null = "NULL"}, 7);
  };
  const auto sources = table("source_9537.csv");
  ASSERT_TRUE(sources) << sources.error().message;
  ASSERT_THAT(*sources, SizeIs(10));
  EXPECT_THAT(sources->front(), SizeIs(51));
  EXPECT_EQ(sources->at(1).front(), "40351400000001");
  EXPECT_EQ(sources->at(1)[23], "(null)");
  const auto calibrated = table("source_calib_9537.csv");
  ASSERT_TRUE(calibrated) << calibrated.error().message;
  EXPECT_EQ(calibrated->at(1).back(), "(2.15954894000376 , 1.08279210416252)");
}

}  // namespace
}  // namespace astrofs
