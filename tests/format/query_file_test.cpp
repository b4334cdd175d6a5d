// Names of files and the queries that they stand for: what fits, what is put in where, and that no name can
// say anything else than values.
#include "backends/format/query_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace astrofs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

QueryFile file(std::string_view name, std::string_view adql) {
  auto parsed = QueryFile::parse(name, adql);
  EXPECT_TRUE(parsed) << name << ": " << (parsed ? "" : parsed.error().message);
  return parsed ? std::move(*parsed) : QueryFile{*NamePattern::parse("none"), *QueryText::parse(""), {}};
}
std::string refused(std::string_view name, std::string_view adql) {
  const auto parsed = QueryFile::parse(name, adql);
  if (parsed) return "taken";
  EXPECT_EQ(parsed.error().code, Errc::invalid);
  return parsed.error().message;
}

TEST(NamePattern, FieldsTakeTheirPiecesOfAName) {
  const auto pattern = *NamePattern::parse("near_{ra}_{dec}_{radius}.fits");
  EXPECT_THAT(pattern.fields(), ElementsAre("ra", "dec", "radius"));
  EXPECT_THAT(*pattern.match("near_10.5_-41_0.1.fits"),
              ElementsAre(Pair("dec", "-41"), Pair("ra", "10.5"), Pair("radius", "0.1")));
  for (const char* const other : {"near_1_2.fits", "near_1_2_3.csv", "far_1_2_3.fits", "near_1__3.fits", "",
                                  "near_1_2_.fits", "near_{ra}_{dec}_{radius}"})
    EXPECT_FALSE(pattern.match(other)) << other;
  const auto fixed = *NamePattern::parse("bright.csv");
  EXPECT_TRUE(fixed.fields().empty());
  EXPECT_TRUE(fixed.match("bright.csv"));
  EXPECT_FALSE(fixed.match("bright.csv2"));
}

TEST(NamePattern, ATextTakesAsLittleAsItCanAndANumberWhatIsOne) {
  auto pattern = *NamePattern::parse("{star}_{r}.fits");
  EXPECT_THAT(*pattern.match("M_31_5.fits"), ElementsAre(Pair("r", "31_5"), Pair("star", "M")));
  pattern.want_numbers({"r"});
  EXPECT_THAT(*pattern.match("M_31_5.fits"), ElementsAre(Pair("r", "5"), Pair("star", "M_31")));
  EXPECT_THAT(*pattern.match("M31_0.5.fits"), ElementsAre(Pair("r", "0.5"), Pair("star", "M31")));
  EXPECT_FALSE(pattern.match("M31_x.fits"));
}

TEST(NamePattern, KnowsAPlainNumber) {
  for (const char* const number : {"0", "12", "-12.5", "+3", ".5", "-.5e3", "1e5", "1.5E-10", "007"})
    EXPECT_TRUE(is_plain_number(number)) << number;
  for (const char* const none : {"", "-", "+", ".", "1.", "e5", "1e", "1e+", "--1", "1-2", "0x1F", "nan",
                                 "inf", "1 ", " 1", "1,5", "1.2.3", "1e5.0", "\xd9\xa1"})
    EXPECT_FALSE(is_plain_number(none)) << none;
}

TEST(NamePattern, RefusesWhatIsNoPattern) {
  for (const char* const bad : {"a{", "a}", "{}", "{a b}", "{1a}", "{a}{b}", "{a}_{a}", "{a", "a/b", "", ".a",
                                "a\nb", "a[1]", "a%20b", "{{a}}", ".."})
    EXPECT_FALSE(NamePattern::parse(bad)) << bad;
}

TEST(NamePattern, FindsANameThatFitsTwo) {
  const auto both = [](const char* a, const char* b) {
    return NamePattern::name_of_both(*NamePattern::parse(a), *NamePattern::parse(b)).value_or("none");
  };
  EXPECT_EQ(both("a_{x}.csv", "b_{x}.csv"), "none");
  EXPECT_EQ(both("{x}.csv", "{x}.fits"), "none");
  EXPECT_EQ(both("a_{x}.csv", "{y}_b.csv"), "a_b.csv");
  EXPECT_EQ(both("all.csv", "{y}.csv"), "all.csv");
  EXPECT_EQ(both("all.csv", "alle.csv"), "none");
  EXPECT_EQ(both("{x}_{y}.csv", "{z}.csv"), "0_0.csv");
  auto number = *NamePattern::parse("star_{n}.csv");
  number.want_numbers({"n"});
  EXPECT_FALSE(NamePattern::name_of_both(number, *NamePattern::parse("star_all.csv")));
  EXPECT_EQ(NamePattern::name_of_both(number, *NamePattern::parse("star_1e{x}.csv")), "star_1e0.csv");
}

TEST(QueryFile, PutsNumbersInAsTheyAre) {
  const QueryFile cone = file("near_{ra}_{dec}_{r}.fits",
                              "SELECT * FROM t WHERE 1=CONTAINS(POINT(ra,dec),CIRCLE({ra},{dec},{r}))");
  EXPECT_EQ(cone.form, TableForm::fits);
  EXPECT_EQ(cone.adql_of("near_+10.5_-41_1e-3.fits"),
            "SELECT * FROM t WHERE 1=CONTAINS(POINT(ra,dec),CIRCLE(10.5,-41,1e-3))");
  for (const char* const bad : {"near_a_b_c.fits", "near_1_2_3)) OR 1=1 --.fits", "near_1_2_3,4.fits",
                                "near_1_2_3\n.fits", "near_1_2_ 3.fits", "near_1_2_3;.fits"})
    EXPECT_FALSE(cone.adql_of(bad)) << bad;
}

TEST(QueryFile, ANumberBehindAMinusBeginsNoComment) {
  EXPECT_EQ(file("{a}.csv", "SELECT x-{a} FROM t").adql_of("-5.csv"), "SELECT x- -5 FROM t");
  EXPECT_EQ(file("{a}.csv", "SELECT x-{a} FROM t").adql_of("5.csv"), "SELECT x-5 FROM t");
}

TEST(QueryFile, PutsTextsIntoQuotesAndDoublesThose) {
  const QueryFile star =
      file("{star}.csv", "SELECT * FROM t WHERE name = '{star}' OR name LIKE 'V* {star}%'");
  EXPECT_EQ(star.form, TableForm::csv);
  EXPECT_EQ(star.adql_of("M31.csv"), "SELECT * FROM t WHERE name = 'M31' OR name LIKE 'V* M31%'");
  EXPECT_EQ(star.adql_of("Barnard's.csv"),
            "SELECT * FROM t WHERE name = 'Barnard''s' OR name LIKE 'V* Barnard''s%'");
  EXPECT_EQ(star.adql_of("' OR 1=1 --.csv"),
            "SELECT * FROM t WHERE name = ''' OR 1=1 --' OR name LIKE 'V* '' OR 1=1 --%'");
  for (const std::string& bad :
       {std::string("a\0b.csv", 7), std::string("a\nb.csv"), std::string("a\tb.csv"), std::string("a\\b.csv"),
        std::string("a\x7f.csv"), std::string("\xca\xbc.csv"), std::string("\xff.csv"), std::string(".csv")})
    EXPECT_FALSE(star.adql_of(bad)) << bad;
}

TEST(QueryFile, AFieldThatIsOnceANumberIsOneEverywhere) {
  const QueryFile both = file("{n}.vot", "SELECT {n} AS a FROM t WHERE b = 'x{n}'");
  EXPECT_EQ(both.form, TableForm::votable);
  EXPECT_EQ(both.adql_of("7.vot"), "SELECT 7 AS a FROM t WHERE b = 'x7'");
  EXPECT_FALSE(both.adql_of("seven.vot"));
}

TEST(QueryFile, RefusesFieldsThatStandWhereNoValueMay) {
  EXPECT_THAT(refused("{a}.csv", "SELECT \"{a}\" FROM t"), HasSubstr("in the name of a table"));
  EXPECT_THAT(refused("{a}.csv", "SELECT 1 -- {a}\nFROM t"), HasSubstr("in a comment"));
  EXPECT_THAT(refused("{a}.csv", "SELECT * FROM gaiadr{a}.source"), HasSubstr("part of a word"));
  EXPECT_THAT(refused("{a}_{b}.csv", "SELECT {a}{b} FROM t"), HasSubstr("part of a word"));
  EXPECT_THAT(refused("{a}.csv", "SELECT 'a'{a} FROM t"), HasSubstr("part of a word"));
  EXPECT_THAT(refused("{a}.csv", "SELECT 3e-{a} FROM t"), HasSubstr("part of a word"));
  EXPECT_EQ(file("{a}.csv", "SELECT 3-{a}, 3e1-{a} FROM t").adql_of("7.5.csv"),
            "SELECT 3-7.5, 3e1-7.5 FROM t");
  EXPECT_THAT(refused("{a}.csv", "SELECT '{a} FROM t"), HasSubstr("not closed"));
  EXPECT_THAT(refused("{a}.csv", "SELECT {a} /* ' */ FROM t"), HasSubstr("/*"));
  EXPECT_THAT(refused("{a}.csv", "SELECT '\\' FROM t WHERE x='{a}'"), HasSubstr("'\\'"));
  EXPECT_THAT(refused("{a}.csv", "SELECT {a b} FROM t"), HasSubstr("no field"));
  EXPECT_THAT(refused("a.csv", "SELECT } FROM t"), HasSubstr("'}'"));
  EXPECT_TRUE(QueryFile::parse("{a}.csv", "SELECT 'it''s' -- it's\n FROM t WHERE b<={a}"));
}

TEST(QueryFile, RefusesANameAndAQueryOfOtherFields) {
  EXPECT_THAT(refused("{a}.fits", "SELECT 1"), HasSubstr("{a} that the query does not use"));
  EXPECT_THAT(refused("a.fits", "SELECT {b} FROM t"), HasSubstr("{b} that the name has not"));
  EXPECT_THAT(refused("a.txt", "SELECT 1"), HasSubstr(".fits, .vot or .csv"));
  EXPECT_THAT(refused(".fits", "SELECT 1"), HasSubstr(".fits, .vot or .csv"));
  EXPECT_THAT(refused("{x}.FITS", "SELECT {x}"), HasSubstr(".fits, .vot or .csv"));
  EXPECT_THAT(refused("a.fits", " \n"), HasSubstr("no query"));
}

TEST(QueryFile, TwoThatMeanOneNameAreRefused) {
  const std::vector<QueryFile> others{file("all.csv", "SELECT 1"), file("x_{a}.csv", "SELECT {a}")};
  EXPECT_TRUE(check_apart(file("y_{a}.csv", "SELECT {a}"), others));
  const auto clash = check_apart(file("{a}.csv", "SELECT '{a}'"), others);
  ASSERT_FALSE(clash);
  EXPECT_THAT(clash.error().message, HasSubstr("\"all.csv\" is a name of \"all.csv\" too"));
}

}  // namespace
}  // namespace astrofs
