// Tables as FITS files: what cards and cells must look like. That cfitsio and fitsverify think so too is
// tried through the mount.
#include "backends/format/fits_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "backends/format/csv.h"
#include "backends/format/fits_checksum.h"
#include "backends/format/fits_layout.h"
#include "backends/format/votable.h"
#include "tests/format/samples.h"

namespace astrofs {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Cell = std::optional<std::string_view>;

const std::vector<FitsColumn> kColumns{
    {"id", FitsType::int64, 1, "", "meta.id"}, {"flag", FitsType::int16, 1, "", ""},
    {"n", FitsType::int32, 1, "", ""},         {"mag", FitsType::float32, 1, "mag", ""},
    {"ra", FitsType::float64, 1, "deg", ""},   {"when", FitsType::text, 6, "", ""},
    {"good", FitsType::logical, 1, "", ""}};
constexpr std::size_t kWidth = 8 + 2 + 4 + 4 + 8 + 6 + 1;
constexpr std::size_t kHeaders = 2 * 2880;

std::string table_of(const std::vector<std::vector<Cell>>& rows) {
  FitsTable table("source", kColumns);
  for (const auto& row : rows) {
    const auto added = table.add_row(row);
    EXPECT_TRUE(added) << (added ? "" : added.error().message);
  }
  return std::move(table).finish();
}

TEST(FitsTable, WritesEachTypeBigEndianAndEachNullAsItsOwn) {
  const std::string file = table_of({{"258", "-2", "3", "1.5", "-0.5", "abc", "t"},
                                     {Cell(), Cell(), Cell(), Cell(), Cell(), Cell(), Cell()}});
  ASSERT_EQ(file.size(), kHeaders + 2880);
  const std::string row = file.substr(kHeaders, kWidth);
  using namespace std::string_literals;
  EXPECT_EQ(row, "\0\0\0\0\0\0\1\2\xff\xfe\0\0\0\3\x3f\xc0\0\0\xbf\xe0\0\0\0\0\0\0abc\0\0\0T"s);
  const std::string nulls = file.substr(kHeaders + kWidth, kWidth);
  EXPECT_EQ(nulls.substr(0, 14), "\x80\0\0\0\0\0\0\0\x80\0\x80\0\0\0"s);
  EXPECT_EQ(nulls.substr(14, 2), "\x7f\xc0");
  EXPECT_EQ(nulls.substr(26), "\0\0\0\0\0\0\0"s);
}

TEST(FitsTable, HasHeadersThatConformAndSumsThatFit) {
  const std::string file = table_of({{"1", "2", "3", "nan", "1e300", "x", "false"}});
  const auto primary = parse_fits_header(as_bytes(std::string_view(file)));
  ASSERT_TRUE(primary && primary->complete);
  EXPECT_EQ(primary->data_length, 0U);
  const auto table = parse_fits_header(as_bytes(std::string_view(file)).subspan(primary->header_length));
  ASSERT_TRUE(table && table->complete);
  EXPECT_EQ(table->data_length, 2880U);
  EXPECT_EQ(file.find("NAXIS2  =                    1"), file.find("NAXIS2"));
  for (const char* const card :
       {"TTYPE4  = 'mag     '", "TFORM6  = '6A      '", "TNULL2  =               -32768",
        "TNULL1  = -9223372036854775808", "TUNIT5  = 'deg     '", "TUCD1   = 'meta.id '"})
    EXPECT_THAT(file, HasSubstr(card));
  fits::WordSum all;
  all.add(std::string_view(file).substr(0, 2880));
  EXPECT_TRUE(all.is(0));
  fits::WordSum rest;
  rest.add(std::string_view(file).substr(2880));
  EXPECT_TRUE(rest.is(0));
}

TEST(FitsTable, WithoutRowsIsItsColumns) {
  const std::string file = table_of({});
  EXPECT_EQ(file.size(), kHeaders);
  EXPECT_THAT(file, HasSubstr("NAXIS2  =                    0"));
  EXPECT_THAT(file, HasSubstr("TFIELDS =                    7"));
}

TEST(FitsTable, RefusesWhatIsNoValueOfItsColumn) {
  const std::vector<Cell> good{"1", "2", "3", "4", "5", "x", "f"};
  for (const auto& [column, text] :
       std::vector<std::pair<std::size_t, const char*>>{{0, "9223372036854775808"},
                                                        {1, "32768"},
                                                        {1, "x"},
                                                        {2, "3000000000"},
                                                        {3, "1.5mag"},
                                                        {4, "--"},
                                                        {5, "longer than six"},
                                                        {6, "maybe"}}) {
    std::vector<Cell> row = good;
    row[column] = text;
    FitsTable table("t", kColumns);
    const auto added = table.add_row(row);
    ASSERT_FALSE(added) << text;
    EXPECT_EQ(added.error().code, Errc::corrupt);
  }
  FitsTable table("t", kColumns);
  EXPECT_FALSE(table.add_row(std::vector<Cell>{"1"}));
}

TEST(FitsTable, WhatIsTooNearToZeroIsZeroAndWhatIsTooLargeIsNoValue) {
  using namespace std::string_literals;
  const std::string zero(8, '\0');
  const std::string tiny = "0." + std::string(400, '0') + "1";
  for (const FitsType type : {FitsType::float32, FitsType::float64}) {
    const std::vector<FitsColumn> columns{{"x", type}};
    const std::size_t width = type == FitsType::float32 ? 4 : 8;
    for (const std::string& text :
         {"1.0e-325"s, "1e-400"s, "+1E-400"s, tiny, "12345e-999"s, "1e-99999999999999999999"s}) {
      for (const bool is_negative : {false, true}) {
        if (is_negative && text.front() == '+') continue;
        const std::string written = (is_negative ? "-" : "") + text;
        FitsTable table("t", columns);
        ASSERT_TRUE(table.add_row(std::vector<Cell>{written})) << written;
        const std::string file = std::move(table).finish();
        EXPECT_EQ(file.substr(kHeaders, width), (is_negative ? "\x80"s : "\0"s) + zero.substr(1, width - 1))
            << written;
      }
    }
    const std::string huge = "1" + std::string(400, '0');
    for (const std::string& text : {"1e400"s, "-1.5E+400"s, huge, huge + "e1", "0.1e999"s,
                                    "1e99999999999999999999"s, "1e-400x"s, "+-1e-400"s}) {
      FitsTable table("t", columns);
      EXPECT_FALSE(table.add_row(std::vector<Cell>{text})) << text;
    }
  }
  // What a double holds and a single does not.
  FitsTable table("t", {{"x", FitsType::float32}, {"y", FitsType::float64}});
  ASSERT_TRUE(table.add_row(std::vector<Cell>{"-1e-60", "5e-324"}));
  EXPECT_EQ(std::move(table).finish().substr(kHeaders, 12), "\x80\0\0\0\0\0\0\0\0\0\0\1"s);
}

TEST(FitsTable, WithoutNullsTheLeastIntegerIsAValue) {
  using namespace std::string_literals;
  FitsColumn all{"all", FitsType::int16};
  all.has_null = false;
  FitsColumn said{"said", FitsType::int16};
  said.has_null = false;
  said.null = -1;
  FitsColumn many{"many", FitsType::int16};
  many.variable = true;
  FitsTable table("t", {all, said, many});
  ASSERT_TRUE(table.add_row(std::vector<Cell>{"-32768", Cell(), Cell()}));
  // Whoever promised that there are none is held to it.
  FitsTable broken("t", {all});
  const auto added = broken.add_row(std::vector<Cell>{Cell()});
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, Errc::internal);
  const std::string file = std::move(table).finish();
  EXPECT_EQ(file.substr(kHeaders, 4), "\x80\0\xff\xff"s);
  EXPECT_THAT(file, Not(HasSubstr("TNULL1")));
  EXPECT_THAT(file, HasSubstr("TNULL2  =                   -1"));
  EXPECT_THAT(file, Not(HasSubstr("TNULL3")));
}

TEST(FitsTable, NamesOfStrangersCannotBreakACard) {
  FitsTable table(std::string(200, '\''), {{"a'b\nc\xff", FitsType::int16, 1, std::string(100, 'u'), ""}});
  const std::string file = std::move(table).finish();
  EXPECT_EQ(file.size() % 2880, 0U);
  EXPECT_THAT(file, HasSubstr("TTYPE1  = 'a''b?c? '"));
  EXPECT_TRUE(parse_fits_header(as_bytes(std::string_view(file)).subspan(2880)));
}

/// Fields as the service describes them, rows as it writes them.
std::string recorded_table(const std::string& name) {
  struct Fields final : VoTableHandler {
    std::vector<FitsColumn> columns;
    Result<void> table(const VoTable& table) override {
      for (const VoField& field : table.fields) {
        const FitsType type = field.type == VoType::int16     ? FitsType::int16
                              : field.type == VoType::int32   ? FitsType::int32
                              : field.type == VoType::int64   ? FitsType::int64
                              : field.type == VoType::float32 ? FitsType::float32
                              : field.type == VoType::float64 ? FitsType::float64
                                                              : FitsType::text;
        columns.push_back({field.name, type, field.name == "pos" ? 64U : 32U, field.unit, field.ucd});
      }
      return {};
    }
    Result<void> row(VoRow) override { return {}; }
  } fields;
  const auto content = [](const std::string& file) {
    return testing::content_of(*testing::samples() / "vo/daiquiri" / file);
  };
  EXPECT_TRUE(read_votable(content(name + ".sync.xml"), fields));
  FitsTable table(name, fields.columns);
  bool names = true;
  const auto read = read_csv(content(name + ".csv"),
                             [&](CsvRow cells) -> Result<void> {
                               return std::exchange(names, false) ? Result<void>() : table.add_row(cells);
                             },
                             {.null = "NULL"});
  EXPECT_TRUE(read) << (read ? "" : read.error().message);
  return std::move(table).finish();
}

TEST(FitsTableSamples, TakesTheTablesOfDaiquiri) {
  NEEDS_SAMPLES();
  // As many bytes to a row as the service's own FITS has.
  EXPECT_THAT(recorded_table("source_9537"), HasSubstr("NAXIS1  =                  284"));
  const std::string calibrated = recorded_table("source_calib_9537");
  EXPECT_THAT(calibrated, HasSubstr("NAXIS1  =                  354"));
  EXPECT_THAT(calibrated, HasSubstr("NAXIS2  =                    9"));
  EXPECT_THAT(calibrated, HasSubstr("(2.15954894000376 , 1.08279210416252)"));
}

}  // namespace
}  // namespace astrofs
