// The stand-in of a Virtual Observatory archive.
#include "tests/support/vo_archive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/vo_table.h"

namespace astrofs::sim {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

VoRows small() {
  return {{{"name"}, {"n", VoKind::whole}, {"x", VoKind::real}},
          {{"b", "2", "1.5"}, {"a", "1", std::nullopt}, {std::nullopt, "2", "3"}, {"it's", "10", "0"}}};
}

std::string answer(std::string_view adql) {
  const auto rows = run_adql(adql, "ivoa.obscore", small());
  if (!rows) return rows.error().message;
  std::string out;
  for (const VoRow& row : rows->rows) {
    for (const VoCell& cell : row) out += cell.value_or("-") + ' ';
    out += '|';
  }
  return out;
}

TEST(VoQuery, AnswersWhatIsAskedOfObsCore) {
  EXPECT_EQ(answer("SELECT name FROM ivoa.ObsCore"), "b |a |- |it's |");
  EXPECT_EQ(answer("SELECT TOP 1 n, name FROM ivoa.obscore ORDER BY name"), "1 a |");
  EXPECT_EQ(answer("SELECT n, COUNT(*) AS k FROM ivoa.obscore GROUP BY n ORDER BY n"), "1 1 |2 2 |10 1 |");
  EXPECT_EQ(answer("SELECT COUNT(*) FROM ivoa.obscore WHERE name IS NULL OR name = 'it''s'"), "2 |");
  EXPECT_EQ(answer("SELECT name FROM ivoa.obscore WHERE (n = 2 OR n > 5) AND x >= 1.5"), "b |- |");
  EXPECT_EQ(answer("SELECT COUNT(*) AS n FROM ivoa.obscore WHERE n = 77"), "0 |");
}

TEST(VoQuery, RefusesTheRest) {
  EXPECT_THAT(answer("SELEKT name"), HasSubstr("Expected \"SELECT\""));
  EXPECT_THAT(answer("SELECT other FROM ivoa.obscore"), HasSubstr("other"));
  EXPECT_THAT(answer("SELECT name FROM nowhere"), HasSubstr("nowhere"));
  EXPECT_THAT(answer("SELECT name FROM ivoa.obscore WHERE n = '2'"), HasSubstr("type of n"));
  EXPECT_THAT(answer("SELECT name FROM ivoa.obscore WHERE name = 'x"), HasSubstr("unterminated"));
}

TEST(VoTableWriter, SaysOverflowBehindTheTable) {
  const std::string text = vo_table(small(), VoForm::text, true);
  EXPECT_LT(text.find("</TABLE>"), text.find("OVERFLOW"));
  EXPECT_THAT(text, HasSubstr("<TD>it's</TD><TD>10</TD>"));
  EXPECT_THAT(vo_table(small(), VoForm::binary, false), Not(HasSubstr("OVERFLOW")));
  EXPECT_THAT(vo_error("a < b"), HasSubstr("value=\"ERROR\">a &lt; b<"));
}

TEST(VoArchive, AnswersErrorsWithStatus200AndHangsAtHeadsWhenTold) {
  VoArchive archive({.plates = 2, .linked = 1, .stars = 0});
  HttpRequest request;
  request.method = "POST";
  request.path = "/vo/tap/sync";
  request.body = "query=SELECT+nothing+FROM+ivoa.obscore";
  EXPECT_EQ(archive.reply(request, "http://h", {}).status, 200);
  VoSettings settings;
  settings.silent_heads = true;
  archive.set(settings);
  request.method = "HEAD";
  request.path = "/vo/files/a.fits";
  EXPECT_TRUE(archive.reply(request, "http://h", {}).never);
  EXPECT_EQ(VoArchive::file("a.fits").size() % 2880, 0U);
}

}  // namespace
}  // namespace astrofs::sim
