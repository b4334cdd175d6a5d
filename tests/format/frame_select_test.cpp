// Selections: their text, and what they choose.
#include "backends/format/frame_select.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>

#include "backends/format/dkist_dataset.h"
#include "tests/format/asdf_bytes.h"
#include "tests/format/samples.h"

namespace astrofs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Table {
  std::map<std::string, ColumnValues> columns;
  std::map<std::string, int> reads;

  template <class T>
  Table& add(const std::string& name, std::vector<T> values, std::vector<std::size_t> missing = {}) {
    ColumnValues column;
    column.missing.assign(values.size(), false);
    for (const std::size_t i : missing) column.missing[i] = true;
    column.values = std::move(values);
    columns[name] = std::move(column);
    return *this;
  }
  FrameColumns source() {
    FrameColumns out;
    for (const auto& [name, values] : columns) {
      out.columns.push_back({name, values.type()});
      out.rows = values.size();
    }
    out.read = [this](std::string_view name) -> Result<ColumnValues> {
      ++reads[std::string(name)];
      return columns.at(std::string(name));
    };
    return out;
  }
  Result<std::vector<std::uint64_t>> ask(std::string_view text) {
    const auto conditions = parse_frame_select(text);
    if (!conditions) return tl::unexpected(conditions.error());
    return select_frames(*conditions, source());
  }
  /// For those that must be answered.
  std::vector<std::uint64_t> select(std::string_view text) {
    const auto frames = ask(text);
    EXPECT_TRUE(frames.has_value()) << text << ": " << frames.error().message;
    return frames.value_or(std::vector<std::uint64_t>{999});
  }
  Errc refused(std::string_view text) {
    const auto frames = ask(text);
    return frames ? Errc::internal : frames.error().code;
  }
};

TEST(FrameSelectText, ReadsConditionsWithEveryOperator) {
  const auto parsed = parse_frame_select("A<1,B<=2,C>3,D>=4,E==5,F=6,G!=7");
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
  using enum Comparison;
  EXPECT_THAT(*parsed, ElementsAre(FrameCondition{"A", less, "1"}, FrameCondition{"B", less_equal, "2"},
                                   FrameCondition{"C", greater, "3"}, FrameCondition{"D", greater_equal, "4"},
                                   FrameCondition{"E", equal, "5"}, FrameCondition{"F", equal, "6"},
                                   FrameCondition{"G", not_equal, "7"}));
}

TEST(FrameSelectText, ReadsBlanksQuotesAndHyphens) {
  const auto parsed =
      parse_frame_select(" DATE-AVG >= 2022-10-24T20:00 , OBJECT == 'a, b''s' , X=\" \"\"<\"");
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
  using enum Comparison;
  EXPECT_THAT(*parsed,
              ElementsAre(FrameCondition{"DATE-AVG", greater_equal, "2022-10-24T20:00"},
                          FrameCondition{"OBJECT", equal, "a, b's"}, FrameCondition{"X", equal, " \"<"}));
}

TEST(FrameSelectText, SaysWhatIsWrongAndWhere) {
  for (const char* text : {"", ",", "A", "A<", "A<,B<1", "<1", "A<1,", "A!1", "A<1<2", "A<'x", "A<'x'y",
                           "'A'<1", "A<>1", "A===1"}) {
    const auto parsed = parse_frame_select(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_EQ(parsed.error().code, Errc::invalid) << text;
  }
  EXPECT_THAT(parse_frame_select("A<1,B").error().message, HasSubstr("at letter 6"));
  EXPECT_THAT(parse_frame_select("A<1,B<2<3").error().message, HasSubstr("a second operator"));
  EXPECT_THAT(parse_frame_select("A<1,B<2<3").error().message, HasSubstr("at letter 8"));
  std::string many = "A=1";
  for (int i = 0; i < 64; ++i) many += ",A=1";
  EXPECT_EQ(parse_frame_select(many).error().code, Errc::too_large);
  EXPECT_EQ(parse_frame_select(std::string(5'000, 'A')).error().code, Errc::too_large);
}

TEST(FrameSelect, ComparesNumbersAsNumbers) {
  Table table;
  table.add<double>("ATMOS_R0", {0.05, 0.15, 0.2, 1e30, -1}).add<std::int64_t>("DINDEX4", {1, 2, 10, 1, 9});
  EXPECT_THAT(table.select("ATMOS_R0<0.15"), ElementsAre(0, 4));
  EXPECT_THAT(table.select("ATMOS_R0<=.15"), ElementsAre(0, 1, 4));
  EXPECT_THAT(table.select("atmos_r0>1"), ElementsAre(3));
  EXPECT_THAT(table.select("DINDEX4==1"), ElementsAre(0, 3));
  EXPECT_THAT(table.select("DINDEX4=1.0"), ElementsAre(0, 3));
  EXPECT_THAT(table.select("DINDEX4>=9"), ElementsAre(2, 4));  // not as text
  EXPECT_THAT(table.select("DINDEX4!=1"), ElementsAre(1, 2, 4));
  EXPECT_THAT(table.select("DINDEX4<1.5"), ElementsAre(0, 3));
  EXPECT_THAT(table.select("DINDEX4==1,ATMOS_R0<0.15"), ElementsAre(0));
  EXPECT_THAT(table.select("ATMOS_R0>0,ATMOS_R0<0.2"), ElementsAre(0, 1));
}

TEST(FrameSelect, ComparesLargeIntegersExactly) {
  Table table;
  table.add<std::int64_t>("N", {9007199254740993, 9007199254740992});
  EXPECT_THAT(table.select("N==9007199254740993"), ElementsAre(0));
}

TEST(FrameSelect, WhatIsMissingSatisfiesNothing) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Table table;
  table.add<double>("R", {0.1, nan, 0.3}, {2})
      .add<std::string>("T", {"a", "b", "c"}, {0})
      .add<std::int64_t>("N", {1, 2, 3}, {1});
  for (const char* text : {"R<9", "R>-9", "R!=7", "R>=0,R<=1"})
    EXPECT_THAT(table.select(text), ElementsAre(0)) << text;
  EXPECT_THAT(table.select("T!=z"), ElementsAre(1, 2));
  EXPECT_THAT(table.select("N!=7"), ElementsAre(0, 2));
}

TEST(FrameSelect, ComparesTruthAndText) {
  Table table;
  table.add<bool>("AO_LOCK", {true, false, true}).add<std::string>("OBJECT", {"sunspot", "quiet Sun", ""});
  EXPECT_THAT(table.select("AO_LOCK==T"), ElementsAre(0, 2));
  EXPECT_THAT(table.select("AO_LOCK!=true"), ElementsAre(1));
  EXPECT_THAT(table.select("AO_LOCK=0"), ElementsAre(1));
  EXPECT_THAT(table.select("OBJECT==quiet Sun"), ElementsAre(1));
  EXPECT_THAT(table.select("OBJECT=''"), ElementsAre(2));
  EXPECT_THAT(table.select("OBJECT>r"), ElementsAre(0));
}

TEST(FrameSelect, ATimeIsThePeriodThatItIsWrittenFor) {
  Table table;
  table.add<std::string>("DATE-AVG",
                         {"2022-10-23T23:59:59.9", "2022-10-24T00:00:00", "2022-10-24T20:00:30.123456",
                          "2022-10-24T20:01:00Z", "2022-10-25", "none"});
  EXPECT_THAT(table.select("DATE-AVG>=2022-10-24T20:00,DATE-AVG<2022-10-26"), ElementsAre(2, 3, 4));
  EXPECT_THAT(table.select("DATE-AVG==2022-10-24"), ElementsAre(1, 2, 3));
  EXPECT_THAT(table.select("DATE-AVG!=2022-10-24,DATE-AVG<=2022-10-25"), ElementsAre(0, 4));
  EXPECT_THAT(table.select("DATE-AVG<2022-10-24"), ElementsAre(0));
  EXPECT_THAT(table.select("DATE-AVG<=2022-10-24"), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(table.select("DATE-AVG==2022-10-24T20:00"), ElementsAre(2));
  EXPECT_THAT(table.select("DATE-AVG==2022-10-24 20:01:00.000"), ElementsAre(3));
  EXPECT_THAT(table.select("DATE-AVG==2022-10-25T00:00:00"), ElementsAre(4));
  EXPECT_THAT(table.select("DATE-AVG>2022-10-24T20:00:30.1,DATE-AVG<2023"), ElementsAre(3, 4));
  EXPECT_THAT(table.select("DATE-AVG==2022"), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(table.select("DATE-AVG==none"), ElementsAre(5));
}

TEST(FrameSelect, YearsAndOtherNumbersInTextsAreNoTimes) {
  Table table;
  table.add<std::string>("CODE", {"2022", "20221024", "2023"});
  EXPECT_THAT(table.select("CODE==2022"), ElementsAre(0));
  EXPECT_THAT(table.select("CODE>2022"), ElementsAre(1, 2));
}

TEST(FrameSelect, FindsStokesAlongTheAxisThatSaysSo) {
  Table table;
  table.add<std::string>("DTYPE3", {"SPATIAL", "SPATIAL", "SPATIAL", "SPATIAL", "STOKES"})
      .add<std::string>("DTYPE5", {"STOKES", "STOKES", "STOKES", "STOKES", "TEMPORAL"})
      .add<std::int64_t>("DINDEX3", {1, 1, 1, 1, 3})
      .add<std::int64_t>("DINDEX5", {1, 2, 3, 4, 1}, {3});
  EXPECT_THAT(table.select("stokes==I"), ElementsAre(0));
  EXPECT_THAT(table.select("STOKES=q"), ElementsAre(1));
  EXPECT_THAT(table.select("stokes==U"), ElementsAre(2, 4));
  EXPECT_THAT(table.select("stokes!=I"), ElementsAre(1, 2, 4));
  EXPECT_EQ(table.refused("stokes==X"), Errc::invalid);
}

TEST(FrameSelect, PrefersAColumnNamedStokes) {
  Table table;
  table.add<std::string>("STOKES", {"V", "I"})
      .add<std::string>("DTYPE3", {"STOKES", "STOKES"})
      .add<std::int64_t>("DINDEX3", {1, 4});
  EXPECT_THAT(table.select("stokes==I"), ElementsAre(1));
  Table numbers;
  numbers.add<std::int64_t>("STOKES", {4, 1});
  EXPECT_THAT(numbers.select("stokes==I"), ElementsAre(1));
}

TEST(FrameSelect, AnUnknownColumnNamesTheOthers) {
  Table table;
  table.add<double>("ATMOS_R0", {0.1}).add<std::int64_t>("DINDEX4", {1});
  const auto frames = table.ask("SEEING<1");
  ASSERT_FALSE(frames.has_value());
  EXPECT_EQ(frames.error().code, Errc::not_found);
  EXPECT_THAT(frames.error().message, HasSubstr("ATMOS_R0 DINDEX4"));
  EXPECT_EQ(table.refused("stokes==I"), Errc::not_found);
}

TEST(FrameSelect, RefusesValuesThatAColumnCannotHave) {
  Table table;
  table.add<double>("R", {0.1}).add<std::int64_t>("N", {1}).add<bool>("B", {true});
  for (const char* text : {"R<abc", "N==x", "R==nan", "N==''", "B==maybe", "B<T", "R<1e", "N<0x10"}) {
    EXPECT_EQ(table.refused(text), Errc::invalid) << text;
  }
}

TEST(FrameSelect, ReadsEachColumnOnceAndPassesItsErrorsOn) {
  Table table;
  table.add<double>("R", {0.1, 0.2});
  EXPECT_THAT(table.select("R>0,r<1,R!=0.2"), ElementsAre(0));
  EXPECT_EQ(table.reads["R"], 1);
  FrameColumns failing = table.source();
  failing.read = [](std::string_view) -> Result<ColumnValues> { return fail(Errc::timed_out, "slow"); };
  EXPECT_EQ(select_frames(*parse_frame_select("R>0"), failing).error().code, Errc::timed_out);
}

TEST(FrameSelect, ChoosesFramesOfAWholeDataset) {
  NEEDS_SAMPLES();
  testing::AsdfBytes file(testing::content_of(
      *testing::samples() / "dkist/full_BEOGN/VISP_L1_20221024T194714_BEOGN_metadata.asdf.gz"));
  const auto dataset = DkistDataset::open(file.reader(), file.size());
  ASSERT_TRUE(dataset.has_value());
  const FrameColumns columns = columns_of(dataset->headers());
  const auto select = [&](std::string_view text) {
    return *select_frames(*parse_frame_select(text), columns);
  };
  const auto stokes_i = select("stokes==I");
  EXPECT_EQ(stokes_i.size(), 1'000U);
  EXPECT_EQ(stokes_i, select("DINDEX4==1"));
  const auto r0 = dataset->headers().column("ATMOS_R0");
  std::vector<std::uint64_t> good;
  for (const std::uint64_t i : stokes_i) {
    if (!r0->missing[i] && std::get<std::vector<double>>(r0->values)[i] < 0.15) good.push_back(i);
  }
  EXPECT_FALSE(good.empty());
  EXPECT_LT(good.size(), stokes_i.size());
  EXPECT_EQ(select("stokes==I,ATMOS_R0<0.15"), good);
  for (const std::uint64_t i : stokes_i)
    EXPECT_THAT(std::string(dataset->frame_name(i)), HasSubstr("_I_BEOGN"));
}

}  // namespace
}  // namespace astrofs
