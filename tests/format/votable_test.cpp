#include "backends/format/votable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/format/samples.h"

namespace astrofs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Cells = std::vector<std::string>;

/// Keeps what it is told; no value is "-".
struct Kept final : VoTableHandler {
  std::optional<VoTable> seen;
  std::vector<Cells> rows;

  Result<void> table(const VoTable& table) override {
    EXPECT_FALSE(seen.has_value());
    seen = table;
    return {};
  }
  Result<void> row(VoRow cells) override {
    EXPECT_TRUE(seen.has_value());
    Cells& kept = rows.emplace_back();
    for (const auto& cell : cells) kept.emplace_back(cell.value_or("-"));
    return {};
  }
};

struct Read {
  Kept kept;
  Result<VoOutcome> outcome{fail(Errc::internal, "not read")};
};

/// In pieces of that many bytes.
Read read(std::string_view xml, std::size_t step = 1 << 16, VoTableLimits limits = {}) {
  Read read;
  VoTableReader reader(read.kept, limits);
  for (std::size_t at = 0; at < xml.size(); at += step) {
    if (auto fed = reader.feed(xml.substr(at, step)); !fed) {
      EXPECT_FALSE(reader.finish().has_value());  // an error stays
      read.outcome = tl::unexpected(fed.error());
      return read;
    }
  }
  read.outcome = reader.finish();
  return read;
}

std::string document(std::string_view inside) {
  return "<?xml version='1.0'?><VOTABLE version='1.3' xmlns='http://www.ivoa.net/xml/VOTable/v1.3'>" +
         std::string(inside) + "</VOTABLE>";
}
std::string results(std::string_view inside) {
  return document("<RESOURCE type='results'>" + std::string(inside) + "</RESOURCE>");
}

/// A table of one column and the text of its cells.
Cells column_of(std::string_view field, std::string_view cells) {
  std::string rows;
  for (std::size_t at = 0; at <= cells.size();) {
    const auto end = std::min(cells.find('|', at), cells.size());
    rows += "<TR><TD>" + std::string(cells.substr(at, end - at)) + "</TD></TR>";
    at = end + 1;
  }
  const auto got = read(results("<TABLE><FIELD name='a' " + std::string(field) + "</FIELD><DATA><TABLEDATA>" +
                                rows + "</TABLEDATA></DATA></TABLE>"));
  EXPECT_TRUE(got.outcome.has_value()) << got.outcome.error().message;
  Cells out;
  for (const Cells& row : got.kept.rows) out.push_back(row.at(0));
  return out;
}

Error refused(std::string_view xml) {
  const auto got = read(xml);
  return got.outcome ? Error{} : got.outcome.error();
}

TEST(VoTable, ReadsTextAsItIsAndNumbersWithoutBlanks) {
  EXPECT_THAT(column_of("datatype='char' arraysize='*'>", " a |<![CDATA[<b>]]>|&amp;<!-- no --> c||é"),
              ElementsAre(" a ", "<b>", "& c", "-", "é"));
  EXPECT_THAT(column_of("datatype='int'>", " 12\n|0x1F||-3"), ElementsAre("12", "31", "-", "-3"));
  EXPECT_THAT(column_of("datatype='double'>", "NaN|1.5e3| +Inf"), ElementsAre("-", "1.5e3", "+Inf"));
  EXPECT_THAT(column_of("datatype='boolean'>", "T|f|1|0|true|False|?| "),
              ElementsAre("true", "false", "true", "false", "true", "false", "-", "-"));
  EXPECT_THAT(column_of("datatype='boolean' arraysize='3'>", "T F\n?"), ElementsAre("true false ?"));
  EXPECT_THAT(column_of("datatype='float' arraysize='2'>", " 1\n   2 |NaN 1"), ElementsAre("1 2", "NaN 1"));
  EXPECT_THAT(column_of(">", "no type|at all"), ElementsAre("no type", "at all"));
}

TEST(VoTable, KnowsTheValueThatMeansNone) {
  EXPECT_THAT(column_of("datatype='short'><VALUES null='-1'/>", "-1|1"), ElementsAre("-", "1"));
  EXPECT_THAT(column_of("datatype='float'><VALUES null='-999'/>", "-999.0|-9"), ElementsAre("-", "-9"));
  EXPECT_THAT(column_of("datatype='char' arraysize='*'><VALUES null='none'/>", "none|nothing"),
              ElementsAre("-", "nothing"));
}

TEST(VoTable, KnowsTheValueThatMeansNoneInAnotherColumn) {
  const auto rows_of = [](std::string_view before, std::string_view fields, VoTableLimits limits = {}) {
    return read(document("<RESOURCE>" + std::string(before) + "<TABLE>" + std::string(fields) +
                         "<DATA><TABLEDATA><TR><TD>-9</TD><TD>-9</TD><TD>-9</TD></TR></TABLEDATA></DATA>"
                         "</TABLE></RESOURCE>"),
                1 << 16, limits);
  };
  // In a column before it and in one behind it; what has its own keeps that.
  constexpr std::string_view kFields =
      "<FIELD name='a' datatype='int'><VALUES ref='n'/></FIELD>"
      "<FIELD name='b' datatype='int'><VALUES ID='n' null='-9'/></FIELD>";
  EXPECT_THAT(rows_of("", std::string(kFields) + "<FIELD name='c' datatype='short'><VALUES ref='n'/></FIELD>")
                  .kept.rows,
              ElementsAre(Cells{"-", "-", "-"}));
  EXPECT_THAT(
      rows_of("", std::string(kFields) + "<FIELD name='c' datatype='int'><VALUES null='-1' ref='n'/></FIELD>")
          .kept.rows,
      ElementsAre(Cells{"-", "-", "-9"}));
  // Of a parameter; of nobody; of one that says nothing.
  EXPECT_THAT(rows_of("<PARAM name='p' datatype='int' value='1'><VALUES ID='p' null='-9'/></PARAM>",
                      "<FIELD name='a' datatype='int'><VALUES ref='p'/></FIELD>"
                      "<FIELD name='b' datatype='int'><VALUES ref='q'/></FIELD>"
                      "<FIELD name='c' datatype='int'><VALUES ID='q'/></FIELD>")
                  .kept.rows,
              ElementsAre(Cells{"-", "-9", "-9"}));
  // More of them than there may be columns: which one is meant is not known of all.
  std::string parameters;
  for (const char* const id : {"p", "q", "r", "s", "t"})
    parameters += "<PARAM><VALUES ID='" + std::string(id) + "' null='-9'/></PARAM>";
  const auto meaning = [&](std::string_view id) {
    return rows_of(parameters,
                   "<FIELD name='a' datatype='int'><VALUES ref='" + std::string(id) +
                       "'/></FIELD><FIELD name='b' datatype='int'/><FIELD name='c' datatype='int'/>",
                   {.fields = 3});
  };
  EXPECT_THAT(meaning("p").kept.rows, ElementsAre(Cells{"-", "-9", "-9"}));
  ASSERT_FALSE(meaning("t").outcome.has_value());
  EXPECT_EQ(meaning("t").outcome.error().code, Errc::too_large);
}

TEST(VoTable, ReadsHexadecimalsWordByWord) {
  EXPECT_THAT(column_of("datatype='short' arraysize='2'>", "0x0A 0xfF|1\n0X10|7 8"),
              ElementsAre("10 255", "1 16", "7 8"));
  // What is none stays as it is, so that it is no value of its column and not one that is missing.
  EXPECT_THAT(column_of("datatype='short' arraysize='*'>", "0xZZ 0x1|0x 1|-0x1|0x10000000000000000"),
              ElementsAre("0xZZ 1", "0x 1", "-0x1", "0x10000000000000000"));
  EXPECT_THAT(column_of("datatype='int'>", "0xZZ|0x1F"), ElementsAre("0xZZ", "31"));
}

TEST(VoTable, ReadsItsColumns) {
  const auto got = read(results(
      "<TABLE name='t' nrows='7'><FIELD ID='x' name='A' datatype='float' ucd='pos' utype='obscore:Char.X' "
      "unit='deg' xtype='point' arraysize='2x3*'><DESCRIPTION> A &amp;\n  B </DESCRIPTION></FIELD><FIELD "
      "ID='only_id' datatype='unicodeChar' arraysize='8*'/></TABLE>"));
  ASSERT_TRUE(got.outcome.has_value());
  ASSERT_TRUE(got.kept.seen.has_value());  // a table without DATA is one
  const auto& [name, fields, rows] = *got.kept.seen;
  EXPECT_EQ(name, "t");
  EXPECT_EQ(rows, 7U);
  ASSERT_EQ(fields.size(), 2U);
  EXPECT_EQ(fields[0].type, VoType::float32);
  EXPECT_EQ(fields[0].count, 2U);
  EXPECT_TRUE(fields[0].variable);
  EXPECT_EQ(fields[0].ucd + fields[0].unit + fields[0].xtype, "posdegpoint");
  EXPECT_EQ(fields[0].description, "A & B");
  EXPECT_EQ(fields[1].name, "only_id");
  EXPECT_EQ(fields[1].count, 1U);
  EXPECT_EQ(got.kept.seen->column("a"), 0U);
  EXPECT_EQ(got.kept.seen->column("access_url", "char.x"), 0U);
  EXPECT_EQ(got.kept.seen->column("access_url", "Access.Reference"), std::nullopt);
}

TEST(VoTable, TheLastStatusCounts) {
  const std::string table = "<TABLE><FIELD name='a' datatype='int'/><DATA><TABLEDATA/></DATA></TABLE>";
  const auto info = [](std::string_view value) {
    return "<INFO name='QUERY_STATUS' value='" + std::string(value) + "'>because</INFO>";
  };
  EXPECT_FALSE(read(results(table)).outcome->stated);
  EXPECT_EQ(read(results(info("OK") + table)).outcome->status, VoStatus::ok);
  EXPECT_EQ(read(results(info("OK") + table + info("OVERFLOW"))).outcome->status, VoStatus::overflow);
  const auto failed = read(results(info("OK") + table + info("ERROR"))).outcome;
  EXPECT_EQ(failed->status, VoStatus::error);
  EXPECT_EQ(failed->message, "because");
  EXPECT_TRUE(failed->has_table);
  // What a description of another service says is not said of this answer.
  EXPECT_EQ(read(document("<RESOURCE type='meta'>" + info("ERROR") + "</RESOURCE>")).outcome->status,
            VoStatus::ok);
  EXPECT_EQ(read(document("<INFO name='Error' value='bad'/>")).outcome->message, "bad");
  EXPECT_EQ(read(results(table + "<INFO name='Error' value='x'/>")).outcome->status, VoStatus::ok);
}

TEST(VoTable, ReadsTheTableThatIsNoMetadata) {
  const std::string one =
      "<TABLE><FIELD name='a' "
      "datatype='int'/><DATA><TABLEDATA><TR><TD>1</TD></TR></TABLEDATA></DATA></TABLE>";
  const std::string two =
      "<TABLE><FIELD name='b' "
      "datatype='int'/><DATA><TABLEDATA><TR><TD>2</TD></TR></TABLEDATA></DATA></TABLE>";
  const auto got = read(document("<RESOURCE type='meta'><RESOURCE>" + one +
                                 "</RESOURCE></RESOURCE><RESOURCE>" + two + one + "</RESOURCE>"));
  EXPECT_THAT(got.kept.rows, ElementsAre(Cells{"2"}));
  EXPECT_EQ(got.outcome->rows, 1U);
}

TEST(VoTable, ReadsServicesBesideTheTable) {
  const auto got = read(document(
      "<RESOURCE type='results'><TABLE><FIELD ID='did' name='a' datatype='char' "
      "arraysize='*'/></TABLE></RESOURCE>"
      "<RESOURCE type='meta' utype='adhoc:service' ID='links'><GROUP name='inputParams'>"
      "<PARAM name='ID' datatype='char' arraysize='*' value='' ref='did'/></GROUP>"
      "<PARAM name='accessURL' datatype='char' arraysize='*' value='http://h/links?a=1&amp;b=2'/>"
      "<PARAM name='standardID' datatype='char' arraysize='*' value='ivo://ivoa.net/std/DataLink#links-1.0'/>"
      "</RESOURCE>"));
  ASSERT_EQ(got.outcome->services.size(), 1U);
  const VoService& service = got.outcome->services[0];
  EXPECT_EQ(service.access_url, "http://h/links?a=1&b=2");
  EXPECT_THAT(service.standard_id, HasSubstr("DataLink"));
  ASSERT_EQ(service.inputs.size(), 1U);
  EXPECT_EQ(service.inputs[0].ref, "did");
}

/// One column of BINARY.
Read binary(std::string_view field, std::string_view base64, std::string_view form = "BINARY",
            std::string_view stream = "encoding='base64'", std::size_t step = 1 << 16,
            VoTableLimits limits = {}) {
  const std::string tag(form);
  return read(
      results("<TABLE><FIELD name='a' " + std::string(field) + "/><DATA><" + tag + "><STREAM " +
              std::string(stream) + ">" + std::string(base64) + "</STREAM></" + tag + "></DATA></TABLE>"),
      step, limits);
}

TEST(VoTable, ReadsBinaryCutAnywhere) {
  for (const std::size_t step : {1U, 2U, 7U, 100'000U}) {
    // Two rows of "ab" and "" as variable text.
    const auto text = binary("datatype='char' arraysize='*'", "AA\nAAAm\r FiAAA AAA==", "BINARY", "", step);
    ASSERT_TRUE(text.outcome.has_value()) << text.outcome.error().message;
    EXPECT_THAT(text.kept.rows, ElementsAre(Cells{"ab"}, Cells{"-"}));
    // BINARY2: a flag byte before each; the first is null.
    const auto flags = binary("datatype='short'", "gAAAAP//", "BINARY2", "", step);
    ASSERT_TRUE(flags.outcome.has_value()) << flags.outcome.error().message;
    EXPECT_THAT(flags.kept.rows, ElementsAre(Cells{"-"}, Cells{"-1"}));
  }
  EXPECT_THAT(binary("datatype='bit' arraysize='10'", "qEA=").kept.rows,
              ElementsAre(Cells{"1 0 1 0 1 0 0 0 0 1"}));
  EXPECT_THAT(binary("datatype='unsignedByte'", "AP8=").kept.rows, ElementsAre(Cells{"0"}, Cells{"255"}));
  EXPECT_THAT(binary("datatype='unicodeChar' arraysize='3'", "AOnYNN0e").kept.rows,
              ElementsAre(Cells{"\xC3\xA9\xF0\x9D\x84\x9E"}));  // e with an accent, a clef in two halves
  EXPECT_THAT(binary("datatype='char' arraysize='4'", "6QAAYQ==").kept.rows,
              ElementsAre(Cells{"\xC3\xA9"}));  // Latin-1, and what stands behind the end of a text
}

TEST(VoTable, EachOfSeveralTextsEndsAtItsOwnNul) {
  // "ab" and "c" in fields of three, then none at all.
  for (const char* const form : {"datatype='char' arraysize='3x2'", "datatype='char' arraysize='3x1x2'"}) {
    EXPECT_THAT(binary(form, "YWIAYwAAAAAAAAAA").kept.rows, ElementsAre(Cells{"ab c  "}, Cells{"-"})) << form;
  }
  EXPECT_THAT(column_of("datatype='char' arraysize='3x2'>", "ab c  |"), ElementsAre("ab c  ", "-"));
  // Of any number: three, one, none.
  for (const char* const form : {"datatype='char' arraysize='2x*'", "datatype='char' arraysize='2x5*'"}) {
    for (const std::size_t step : {1U, 5U, 100'000U}) {
      const auto got = binary(form, "AAAABgAAYQBiYwAAAALpAAAAAAA=", "BINARY", "", step);
      ASSERT_TRUE(got.outcome.has_value()) << got.outcome.error().message;
      EXPECT_THAT(got.kept.rows, ElementsAre(Cells{"  a bc"}, Cells{"\xC3\xA9 "}, Cells{"-"})) << form;
    }
  }
  EXPECT_THAT(binary("datatype='unicodeChar' arraysize='2x2'", "AOkAAABiAGM=").kept.rows,
              ElementsAre(Cells{"\xC3\xA9 bc"}));
}

TEST(VoTable, ThePrimitivesOfAVariableArrayAreCounted) {
  for (const char* const form : {"datatype='short' arraysize='2x*'", "datatype='short' arraysize='2x3*'",
                                 "datatype='short' arraysize='*'", "datatype='short' arraysize='1x2x*'"}) {
    const auto got = binary(form, "AAAABAABAAIAAwAEAAAAAgAFAAY=");
    ASSERT_TRUE(got.outcome.has_value()) << got.outcome.error().message;
    EXPECT_THAT(got.kept.rows, ElementsAre(Cells{"1 2 3 4"}, Cells{"5 6"})) << form;
  }
  // One pair and a half; something of no width.
  for (const char* const form : {"datatype='short' arraysize='2x*'", "datatype='short' arraysize='0x*'"}) {
    const auto got = binary(form, "AAAAAwABAAIAAw==");
    ASSERT_FALSE(got.outcome.has_value()) << form;
    EXPECT_EQ(got.outcome.error().code, Errc::corrupt);
    EXPECT_THAT(got.outcome.error().message, HasSubstr("an array of 3 elements"));
  }
}

TEST(VoTable, AnElementWithoutValueKeepsItsPlace) {
  EXPECT_THAT(binary("datatype='boolean' arraysize='5'", "VCAARiA=").kept.rows,
              ElementsAre(Cells{"true ? ? false ?"}));
  EXPECT_THAT(binary("datatype='boolean'", "VCAARg==").kept.rows,
              ElementsAre(Cells{"true"}, Cells{"-"}, Cells{"-"}, Cells{"false"}));
}

TEST(VoTable, RefusesBinaryThatLies) {
  const auto error = [](const Read& read) { return read.outcome ? Error{} : read.outcome.error(); };
  EXPECT_EQ(error(binary("datatype='short'", "AAA")).code, Errc::internal);  // padding may be left out
  EXPECT_EQ(error(binary("datatype='short'", "A")).code, Errc::corrupt);
  EXPECT_EQ(error(binary("datatype='short'", "AA=")).code, Errc::corrupt);
  EXPECT_EQ(error(binary("datatype='short'", "AAA=AAA=")).code, Errc::corrupt);
  EXPECT_EQ(error(binary("datatype='short'", "A!AA")).code, Errc::corrupt);
  EXPECT_EQ(error(binary("datatype='int'", "AAA=")).code, Errc::corrupt);  // half a row
  EXPECT_EQ(error(binary("datatype='double' arraysize='*'", "/////w==")).code, Errc::too_large);
  EXPECT_EQ(error(binary("datatype='double' arraysize='99999999x99999999x99999999'", "AAAA")).code,
            Errc::too_large);
  EXPECT_EQ(error(binary("datatype='int' arraysize='0'", "AAAA")).code, Errc::corrupt);
  EXPECT_EQ(error(binary("datatype='mystery'", "AAAA")).code, Errc::unsupported);
  EXPECT_EQ(error(binary("datatype='int'", "", "BINARY", "href='http://h/data'")).code, Errc::unsupported);
  EXPECT_EQ(error(binary("datatype='int'", "AAAA", "BINARY", "encoding='gzip'")).code, Errc::unsupported);
  EXPECT_EQ(error(binary("datatype='int'", "AAAA", "FITS")).code, Errc::unsupported);
}

TEST(VoTable, RefusesWhatIsNoneOrCutOff) {
  const std::string whole = results(
      "<TABLE><FIELD name='a' "
      "datatype='int'/><DATA><TABLEDATA><TR><TD>1</TD></TR></TABLEDATA></DATA></TABLE>");
  ASSERT_TRUE(read(whole).outcome.has_value());
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_EQ(refused(whole.substr(0, length)).code, Errc::corrupt) << length;
  }
  EXPECT_THAT(refused("<html><body>Log in</body></html>").message, HasSubstr("html"));
  EXPECT_EQ(refused("\x1F\x8B\x08 and so on").code, Errc::unsupported);
  EXPECT_EQ(
      refused(document("<INFO name='QUERY_STATUS' value='ERROR'>a<INFO name='other'>b</INFO></INFO>")).code,
      Errc::internal);  // read, although no such thing should be
  EXPECT_EQ(refused("<!DOCTYPE v [<!ENTITY a 'b'>]><VOTABLE>&a;</VOTABLE>").code, Errc::corrupt);
  EXPECT_EQ(refused("<!DOCTYPE v SYSTEM 'http://h/v.dtd'><VOTABLE>&a;</VOTABLE>").code, Errc::corrupt);
  EXPECT_TRUE(read("<!DOCTYPE v SYSTEM 'http://h/v.dtd'><VOTABLE/>").outcome.has_value());
}

TEST(VoTable, RefusesRowsThatAreNotOnesOfItsColumns) {
  const auto rows = [](std::string_view cells) {
    return refused(
        results("<TABLE><FIELD name='a' datatype='int'/><FIELD name='b' datatype='int'/>"
                "<DATA><TABLEDATA><TR>" +
                std::string(cells) + "</TR></TABLEDATA></DATA></TABLE>"));
  };
  EXPECT_EQ(rows("<TD>1</TD><TD>2</TD>").code, Errc::internal);
  EXPECT_EQ(rows("<TD>1</TD>").code, Errc::corrupt);
  EXPECT_EQ(rows("<TD>1</TD><TD>2</TD><TD>3</TD>").code, Errc::corrupt);
}

TEST(VoTable, BoundsRowsColumnsAndLength) {
  const std::string long_cell = results(
      "<TABLE><FIELD name='a' datatype='char' arraysize='*'/><DATA><TABLEDATA>"
      "<TR><TD>" +
      std::string(2000, 'x') + "</TD></TR></TABLEDATA></DATA></TABLE>");
  EXPECT_TRUE(read(long_cell).outcome.has_value());
  EXPECT_EQ(read(long_cell, 100, {.row = 1000}).outcome.error().code, Errc::too_large);
  EXPECT_EQ(read(long_cell, 100, {.total = 1000}).outcome.error().code, Errc::too_large);
  EXPECT_EQ(read(results("<TABLE><FIELD name='a'/><FIELD name='b'/></TABLE>"), 100, {.fields = 1})
                .outcome.error()
                .code,
            Errc::too_large);
}

TEST(VoTable, TheHandlersErrorEndsIt) {
  struct Fussy final : VoTableHandler {
    Result<void> table(const VoTable&) override { return {}; }
    Result<void> row(VoRow) override { return fail(Errc::interrupted, "enough"); }
  } fussy;
  const auto got =
      read_votable(results("<TABLE><FIELD name='a' datatype='int'/><DATA><TABLEDATA><TR><TD>1</TD></TR>"
                           "<TR><TD>1</TD></TR></TABLEDATA></DATA></TABLE>"),
                   fussy);
  EXPECT_EQ(got.error().code, Errc::interrupted);
}

}  // namespace
}  // namespace astrofs
