// Answers of MAST's portal: real ones, and what may be wrong with one.
#include "backends/format/mast_json.h"

#include <gtest/gtest.h>

#include "tests/format/samples.h"

namespace astrofs::mast {
namespace {

constexpr const char* kFields =
    R"("fields":[{"name":"obsid","type":"string"},{"name":"s_ra","type":"float"}])";

Answer parsed(const std::string& json) {
  auto answer = parse_answer(json);
  EXPECT_TRUE(answer) << json << ": " << (answer ? "" : answer.error().message);
  return answer.value_or(Answer{});
}

Errc error_of(const std::string& json) {
  const auto answer = parse_answer(json);
  EXPECT_FALSE(answer) << json;
  return answer ? Errc::internal : answer.error().code;
}

TEST(MastJson, ReadsTheRowsWhateverTheOrderOfKeys) {
  const std::string rows = R"("data":[{"obsid":2003585980,"s_ra":23.11810},{"s_ra":null,"obsid":"7"}])";
  for (const std::string& json :
       {R"({"status" : "COMPLETE",)" + rows + "," + kFields + "}",
        "{" + rows + "," + kFields + R"(,"status":"COMPLETE"})",
        "{" + std::string(kFields) + R"(,"msg":null,"status":"COMPLETE",)" + rows + "}"}) {
    const Answer answer = parsed(json);
    ASSERT_TRUE(answer.complete);
    ASSERT_EQ(answer.table.rows.size(), 2U);
    const auto number = answer.table.column("obsID");
    const auto place = answer.table.column("s_ra");
    ASSERT_TRUE(number && place);
    EXPECT_EQ(answer.table.text(0, number), "2003585980") << "a number";
    EXPECT_EQ(answer.table.text(1, number), "7") << "or a string";
    EXPECT_EQ(answer.table.text(0, place), "23.11810") << "as it was written";
    EXPECT_FALSE(answer.table.rows[1][*place]) << "null is no text";
  }
}

TEST(MastJson, TellsWhatIsStillExecutingFromWhatHasFailed) {
  const Answer answer = parsed(R"({"status":"EXECUTING","msg":"","data":null,"percentComplete":0.5})");
  EXPECT_FALSE(answer.complete);
  const auto failed = parse_answer(R"({"status":"ERROR","msg":"Incorrect syntax\nnear '*'"})");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Errc::unavailable);
  EXPECT_EQ(failed.error().message, "MAST says: Incorrect syntax\\nnear '*'");
}

TEST(MastJson, AnEmptyBodyIsNoEmptyTable) {
  EXPECT_EQ(error_of(""), Errc::unavailable);
  EXPECT_EQ(error_of(" \r\n"), Errc::unavailable);
  EXPECT_TRUE(parsed(R"({"status":"COMPLETE","data":[]})").table.rows.empty());
}

TEST(MastJson, RefusesWhatIsNoAnswerOrOnlyAPart) {
  const std::string whole = std::string(R"({"status":"COMPLETE","data":[{"obsid":1}],)") + kFields + "}";
  for (std::size_t length = 1; length < whole.size(); ++length)
    EXPECT_EQ(error_of(whole.substr(0, length)), Errc::corrupt) << length;
  for (const char* const json :
       {"<html>503</html>", "[]", "null", "\"COMPLETE\"", "{}", R"({"status":"DONE"})", R"({"status":1})",
        R"({"status":"COMPLETE"}{"status":"COMPLETE"})"})
    EXPECT_EQ(error_of(json), Errc::corrupt) << json;
}

TEST(MastJson, BoundsDepthColumnsAndCells) {
  EXPECT_EQ(error_of(std::string(100'000, '[')), Errc::corrupt);
  EXPECT_EQ(error_of("{\"data\":" + std::string(100'000, '[')), Errc::too_large);
  std::string wide = R"({"status":"COMPLETE","data":[{)";
  for (int i = 0; i < 1000; ++i) wide += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":1";
  EXPECT_EQ(error_of(wide + "}]}"), Errc::too_large);
  std::string fields;
  for (int i = 0; i < 500; ++i)
    fields += (i == 0 ? R"({"name":")" : R"(,{"name":")") + std::to_string(i) + "\"}";
  std::string many = R"({"status":"COMPLETE","fields":[)" + fields + R"(],"data":[{})";
  for (int i = 0; i < 30'000; ++i) many += ",{}";
  EXPECT_EQ(error_of(many + "]}"), Errc::too_large);
}

TEST(MastJson, WritesCsvInTheOrderOfTheFieldsWithoutThePortalsOwnMark) {
  const Answer answer = parsed(
      R"({"status":"COMPLETE","data":[{"b":"x,\"y\"","_selected_":null,"a":1.50},{"a":null,"b":"two\nlines"}],)"
      R"("fields":[{"name":"a"},{"name":"_selected_"},{"name":"b"},{"name":"c"}]})");
  EXPECT_EQ(to_csv(answer.table), "a,b,c\n1.50,\"x,\"\"y\"\"\",\n,\"two\nlines\",\n");
}

TEST(MastJson, SaysHowManyPagesThereAre) {
  EXPECT_EQ(parsed(R"({"paging":{"page":1,"pagesFiltered":7},"status":"COMPLETE","data":[]})").pages, 7U);
  EXPECT_EQ(parsed(R"({"status":"COMPLETE","data":[]})").pages, 1U);
}

TEST(MastJson, ReadsWhatMastHasSent) {
  NEEDS_SAMPLES();
  const auto table = [](const char* name) {
    return parsed(testing::content_of(*testing::samples() / "tess/mast_json" / name)).table;
  };
  const Table observations = table("caom.json");
  EXPECT_EQ(observations.rows.size(), 19U);
  EXPECT_EQ(observations.text(0, observations.column("obsid")), "2003585980");
  EXPECT_EQ(observations.text(0, observations.column("t_obs_release")), "50121.79450");
  const Table products = table("products.json");
  EXPECT_EQ(products.rows.size(), 22U);
  EXPECT_EQ(products.text(0, products.column("obsid")), "2003738726");
  EXPECT_EQ(products.text(0, products.column("dataURI")), "mast:HST/product/u9o40504m_c3m.fits");
  const Table count = table("countsResp.json");
  EXPECT_EQ(count.text(0, count.column("Column1")), "599");
  EXPECT_FALSE(table("tic.json").rows.empty());
}

}  // namespace
}  // namespace astrofs::mast
