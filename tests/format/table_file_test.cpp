// Rows of a VOTable as files: what becomes of types, units, descriptions and of what has no value.
#include "backends/format/table_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/format/csv.h"
#include "backends/format/fits_layout.h"
#include "tests/format/samples.h"

namespace astrofs {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::string_literals;

constexpr std::uint64_t kMost = 1 << 20;

std::string document(std::string_view fields, std::string_view rows) {
  return "<VOTABLE><RESOURCE type='results'><TABLE name='t'>" + std::string(fields) + "<DATA><TABLEDATA>" +
         std::string(rows) + "</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>";
}

Result<std::string> made(TableForm form, std::string_view xml, std::uint64_t most = kMost) {
  TableMeasure measure(most);
  if (const auto read = read_votable(xml, measure); !read) return tl::unexpected(read.error());
  return write_table(form, measure, {"http://h/tap", "SELECT '<&>'"}, most,
                     [xml](VoTableHandler& rows) { return read_votable(xml, rows); });
}
std::string made_well(TableForm form, std::string_view xml) {
  auto file = made(form, xml);
  EXPECT_TRUE(file) << (file ? "" : file.error().message);
  return file.value_or("");
}
/// The data of the second HDU.
std::string data_of(const std::string& file) {
  const auto table = parse_fits_header(as_bytes(std::string_view(file)).subspan(2880));
  EXPECT_TRUE(table && table->complete);
  return table ? file.substr(2880 + table->header_length) : "";
}

constexpr std::string_view kFields =
    "<FIELD name='n' datatype='int' unit='m'><DESCRIPTION>How many &lt; 5</DESCRIPTION><VALUES "
    "null='-9'/></FIELD>"
    "<FIELD name='b' datatype='unsignedByte'/><FIELD name='x' datatype='float' ucd='phot.mag'/>"
    "<FIELD name='s' datatype='char' arraysize='*' unit='ignored'/><FIELD name='ok' datatype='boolean'/>";

TEST(TableFile, FitsKeepsTypesUnitsDescriptionsAndWhatHasNoValue) {
  const std::string file = made_well(
      TableForm::fits, document(kFields,
                                "<TR><TD>258</TD><TD>255</TD><TD>1.5</TD><TD>it's</TD><TD>T</TD></TR>"
                                "<TR><TD>-9</TD><TD/><TD/><TD/><TD/></TR>"));
  for (const char* const card :
       {"TTYPE1  = 'n       '", "TFORM1  = 'J       '", "TNULL1  =                   -9",
        "TUNIT1  = 'm       '", "TCOMM1  = 'How many < 5'", "TFORM2  = 'I       '", "TFORM3  = 'E       '",
        "TUCD3   = 'phot.mag'", "TFORM4  = '4A      '", "TFORM5  = 'L       '",
        "NAXIS2  =                    2", "ADQL    = 'SELECT ''<&>'''", "SERVICE = 'http://h/tap'"})
    EXPECT_THAT(file, HasSubstr(card));
  EXPECT_THAT(file, Not(HasSubstr("ignored")));
  const std::string data = data_of(file);
  EXPECT_EQ(data.substr(0, 15), "\0\0\1\2\0\xff\x3f\xc0\0\0it'sT"s);
  EXPECT_EQ(data.substr(15, 15), "\xff\xff\xff\xf7\x80\0\x7f\xc0\0\0\0\0\0\0\0"s);
}

TEST(TableFile, FitsHasArraysOfOneLengthAndOfMany) {
  const std::string xml = document(
      "<FIELD name='v' datatype='short' arraysize='2x2'/><FIELD name='w' datatype='float' arraysize='*'/>"
      "<FIELD name='c' datatype='floatComplex'/><FIELD name='l' datatype='boolean' arraysize='2'/>",
      "<TR><TD>1 2 3 4</TD><TD>1 NaN 3</TD><TD>1 2</TD><TD>T ?</TD></TR>"
      "<TR><TD/><TD/><TD/><TD/></TR><TR><TD>5 6 7 8</TD><TD>4</TD><TD>3 4</TD><TD>F F</TD></TR>");
  const std::string file = made_well(TableForm::fits, xml);
  for (const char* const card :
       {"TFORM1  = '4I      '", "TDIM1   = '(2,2)   '", "TFORM2  = '1PE(3)  '", "TFORM3  = 'C       '",
        "TFORM4  = '2L      '", "PCOUNT  =                   16"})
    EXPECT_THAT(file, HasSubstr(card));
  const std::string data = data_of(file);
  constexpr std::size_t kRow = 8 + 8 + 8 + 2;
  EXPECT_EQ(data.substr(0, 16), "\0\1\0\2\0\3\0\4\0\0\0\3\0\0\0\0"s);
  EXPECT_EQ(data.substr(16, 10), "\x3f\x80\0\0\x40\0\0\0T\0"s);
  EXPECT_EQ(data.substr(kRow, 16), "\x80\0\x80\0\x80\0\x80\0\0\0\0\0\0\0\0\x0c"s);
  EXPECT_EQ(data.substr(2 * kRow, 16), "\0\5\0\6\0\7\0\x08\0\0\0\1\0\0\0\x0c"s);
  EXPECT_EQ(data.substr(3 * kRow, 16), "\x3f\x80\0\0\x7f\xc0\0\0\x40\x40\0\0\x40\x80\0\0"s);
  // A cell with another number of elements is none.
  const auto wrong = made(
      TableForm::fits, document("<FIELD name='v' datatype='int' arraysize='2'/>", "<TR><TD>1 2 3</TD></TR>"));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, Errc::corrupt);
}

TEST(TableFile, ALongDescriptionGoesOnInFurtherCards) {
  const std::string words(200, '\'');
  const std::string file = made_well(
      TableForm::fits,
      document("<FIELD name='n' datatype='int'><DESCRIPTION>" + words + "</DESCRIPTION></FIELD>", ""));
  std::string read;
  for (std::size_t at = file.find("TCOMM1  = '"); at != std::string::npos;) {
    std::string text = file.substr(at + 11, 69);
    text.erase(text.find_last_not_of(' '));  // the closing quote with it
    text.erase(text.find_last_not_of(' ') + 1);
    const bool more = text.ends_with('&');
    for (std::size_t i = 0; i + (more ? 1 : 0) < text.size(); i += 2) read += '\'';
    at = more ? at + 80 : std::string::npos;
    if (more) {
      EXPECT_EQ(file.substr(at, 11), "CONTINUE  '");
    }
  }
  EXPECT_EQ(read, words);
}

TEST(TableFile, VotableIsReadAsTheSameTable) {
  const std::string xml =
      document(kFields,
               "<TR><TD>258</TD><TD>255</TD><TD>1.5</TD><TD>\xc3\xa9 &lt;&amp;</TD><TD>T</TD></TR>"
               "<TR><TD>-9</TD><TD/><TD/><TD/><TD/></TR>");
  const std::string file = made_well(TableForm::votable, xml);
  EXPECT_THAT(file, HasSubstr("value=\"SELECT '&#60;&#38;&#62;'\""));
  EXPECT_THAT(file, HasSubstr("<TABLE nrows=\"2\">"));
  struct Kept final : VoTableHandler {
    std::string all;
    Result<void> table(const VoTable& table) override {
      for (const VoField& field : table.fields)
        all += field.name + "," + field.unit + "," + field.ucd + "," + field.description + "," +
               field.null.value_or("") + "," + std::to_string(static_cast<int>(field.is_text())) + ";";
      return {};
    }
    Result<void> row(VoRow cells) override {
      for (const auto& cell : cells) all += std::string(cell.value_or("NULL")) + "|";
      return {};
    }
  };
  Kept given;
  Kept again;
  ASSERT_TRUE(read_votable(xml, given));
  const auto outcome = read_votable(file, again);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_TRUE(outcome->stated);
  EXPECT_EQ(again.all, given.all);
  EXPECT_THAT(again.all, HasSubstr("258|255|1.5|\xc3\xa9 <&|true|NULL|NULL|NULL|NULL|NULL|"));
  EXPECT_EQ(made_well(TableForm::votable, xml), file);
}

TEST(TableFile, CsvHasALineOfNamesAndNothingForNoValue) {
  EXPECT_EQ(made_well(TableForm::csv,
                      document(kFields, "<TR><TD>1</TD><TD/><TD>NaN</TD><TD>a,\"b\"</TD><TD>F</TD></TR>")),
            "n,b,x,s,ok\n1,,,\"a,\"\"b\"\"\",false\n");
  EXPECT_EQ(made_well(TableForm::csv, document(kFields, "")), "n,b,x,s,ok\n");
}

TEST(TableFile, CsvHasALineThatIsNotEmptyForEachRowOfOneCell) {
  const std::string file = made_well(
      TableForm::csv,
      document("<FIELD name='n' datatype='int'/>", "<TR><TD>1</TD></TR><TR><TD/></TR><TR><TD>2</TD></TR>"));
  EXPECT_EQ(file, "n\n1\n\"\"\n2\n");
  std::string all;
  const auto rows = read_csv(file, [&all](CsvRow cells) -> Result<void> {
    EXPECT_EQ(cells.size(), 1U);
    all += std::string(cells[0].value_or("NULL")) + "|";
    return {};
  });
  EXPECT_EQ(rows.value_or(0), 4U);
  EXPECT_EQ(all, "n|1||2|");
  EXPECT_EQ(made_well(TableForm::csv, document("<FIELD name='' datatype='char' arraysize='*'/>",
                                               "<TR><TD> \t</TD></TR><TR><TD> x</TD></TR>")),
            "\"\"\n\" \t\"\n x\n");
}

TEST(TableFile, WhatIsTooLargeIsNoFile) {
  std::string rows;
  for (int i = 0; i < 1000; ++i) rows += "<TR><TD>1</TD></TR>";
  const std::string small = document("<FIELD name='n' datatype='long'/>", rows);
  for (const TableForm form : {TableForm::fits, TableForm::votable, TableForm::csv}) {
    const auto file = made(form, small, 1500);
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().code, Errc::too_large);
  }
  // A row of one cell without value may have any number of elements.
  const auto bomb =
      made(TableForm::fits,
           document("<FIELD name='n' datatype='double' arraysize='99999999999'/>", "<TR><TD/></TR>"));
  ASSERT_FALSE(bomb);
  EXPECT_EQ(bomb.error().code, Errc::too_large);
  std::string fields;
  for (int i = 0; i < 1000; ++i) fields += "<FIELD name='c' datatype='int'/>";
  const auto wide = made(TableForm::fits, document(fields, ""));
  ASSERT_FALSE(wide);
  EXPECT_EQ(wide.error().code, Errc::unsupported);
  EXPECT_TRUE(made(TableForm::csv, document(fields, "")));
}

TEST(TableFile, AValueThatWouldMeanNoneIsNotTakenForIt) {
  const auto file = made(TableForm::fits, document("<FIELD name='n' datatype='short'/>",
                                                   "<TR><TD>-32768</TD></TR><TR><TD/></TR>"));
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, Errc::unsupported);
  EXPECT_TRUE(made(TableForm::fits,
                   document("<FIELD name='n' datatype='int'/>", "<TR><TD>-32768</TD></TR><TR><TD/></TR>")));
  // In an array as well, and written in another way.
  const auto array = made(TableForm::fits, document("<FIELD name='n' datatype='short' arraysize='2'/>",
                                                    "<TR><TD>5 -032768</TD></TR><TR><TD/></TR>"));
  ASSERT_FALSE(array);
  EXPECT_EQ(array.error().code, Errc::unsupported);
}

TEST(TableFile, TheLeastIntegerIsAValueWhereNothingMeansNone) {
  const std::string file =
      made_well(TableForm::fits,
                document("<FIELD name='n' datatype='short'/><FIELD name='a' datatype='short' arraysize='2'/>"
                         "<FIELD name='v' datatype='short' arraysize='*'/><FIELD name='e' datatype='short'/>"
                         "<FIELD name='s' datatype='short'><VALUES null='7'/></FIELD>",
                         "<TR><TD>-32768</TD><TD>1 -32768</TD><TD>-32768</TD><TD/><TD>1</TD></TR>"
                         "<TR><TD>2</TD><TD>3 4</TD><TD/><TD>6</TD><TD>2</TD></TR>"));
  // A cell of an array of any length needs no number that means none: it has none at all.
  for (const char* const keyword : {"TNULL1", "TNULL2", "TNULL3"}) EXPECT_THAT(file, Not(HasSubstr(keyword)));
  EXPECT_THAT(file, HasSubstr("TNULL4  =               -32768"));
  EXPECT_THAT(file, HasSubstr("TNULL5  =                    7"));
  EXPECT_EQ(data_of(file).substr(0, 6), "\x80\0\0\1\x80\0"s);
}

TEST(TableFile, AHexadecimalThatIsNoneIsAnErrorAndNotMissing) {
  const auto file =
      made(TableForm::fits, document("<FIELD name='n' datatype='int'/>", "<TR><TD>0xZZ</TD></TR>"));
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, Errc::corrupt);
}

}  // namespace
}  // namespace astrofs
