#include "backends/tap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <map>
#include <nlohmann/json.hpp>

#include "backends/format/numbers.h"
#include "tests/backends/http_stage.h"
#include "tests/format/samples.h"
#include "tests/support/gzip.h"

namespace astrofs::tap {
namespace {

using ::testing::HasSubstr;

http::Response answered(std::string body, int status = 200) {
  http::Response response;
  response.head.status = status;
  response.body = std::move(body);
  return response;
}

std::string table(std::string_view status, std::string_view rows = "<TR><TD>1</TD></TR>") {
  return "<VOTABLE><RESOURCE type='results'><TABLE><FIELD name='n' datatype='int'/><DATA><TABLEDATA>" +
         std::string(rows) + "</TABLEDATA></DATA></TABLE><INFO name='QUERY_STATUS' value='" +
         std::string(status) + "'/></RESOURCE></VOTABLE>";
}
std::string error(std::string_view message) {
  return "<VOTABLE><RESOURCE type='results'><INFO name='QUERY_STATUS' value='ERROR'>" + std::string(message) +
         "</INFO></RESOURCE></VOTABLE>";
}

Errc cause(std::string body, int status = 200) {
  const auto got = read_answer(Result<http::Response>(answered(std::move(body), status)));
  return got ? Errc::internal : got.error().code;
}

TEST(Tap, AsksByPost) {
  const auto request = sync_request("http://h/tap", {"SELECT 'a&b+c'", 10, "ADQL", {{"Authorization", "x"}}});
  EXPECT_EQ(request.method, http::Method::post);
  EXPECT_EQ(request.url, "http://h/tap/sync");
  EXPECT_EQ(request.body, "REQUEST=doQuery&LANG=ADQL&QUERY=SELECT%20%27a%26b%2Bc%27&MAXREC=10");
  EXPECT_EQ(request.headers.front().name, "Authorization");
  EXPECT_TRUE(request.body_decides);
}

TEST(Tap, QuotesTexts) {
  EXPECT_EQ(quoted("M 31"), "'M 31'");
  EXPECT_EQ(quoted("Barnard's star'; --"), "'Barnard''s star''; --'");
}

TEST(Tap, KeepsNoMoreRowsThanWereAskedFor) {
  const std::string two = table("OK", "<TR><TD>1</TD></TR><TR><TD>2</TD></TR>");
  const auto one = read_answer(Result<http::Response>(answered(two)), 1);
  ASSERT_TRUE(one) << one.error().message;
  EXPECT_EQ(one->rows.size(), 1U);
  EXPECT_EQ(one->text(0, 0), "1");
  EXPECT_TRUE(one->overflow);
  const auto both = read_answer(Result<http::Response>(answered(two)), 2);
  ASSERT_TRUE(both);
  EXPECT_EQ(both->rows.size(), 2U);
  EXPECT_FALSE(both->overflow);
}

TEST(Tap, ReadsRowsAndWhetherThereAreMore) {
  const auto all = read_answer(Result<http::Response>(answered(table("OK"))));
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_FALSE(all->overflow);
  EXPECT_EQ(all->text(0, all->table.column("N")), "1");
  EXPECT_EQ(all->text(0, all->table.column("other")), "");
  EXPECT_TRUE(read_answer(Result<http::Response>(answered(table("OVERFLOW"))))->overflow);
  const auto packed = read_answer(Result<http::Response>(answered(sim::gzip(table("OVERFLOW")))));
  ASSERT_TRUE(packed) << packed.error().message;
  EXPECT_TRUE(packed->overflow);
}

TEST(Tap, HearsTheBodyBeforeTheStatus) {
  EXPECT_EQ(cause(error("no such table")), Errc::invalid);
  EXPECT_EQ(cause(error("no such table"), 400), Errc::invalid);
  EXPECT_EQ(cause(error("Query timed out"), 400), Errc::unavailable);
  EXPECT_EQ(cause(error("Invalid token."), 403), Errc::denied);
  EXPECT_EQ(cause(table("ERROR")), Errc::invalid);  // rows before it count for nothing
  EXPECT_EQ(cause(table("OK"), 500), Errc::unavailable);
  EXPECT_EQ(cause(error("FATAL: sorry, too many clients already"), 200), Errc::unavailable);
  EXPECT_EQ(cause(error("FATAL: sorry, something else"), 500), Errc::unavailable);
  EXPECT_EQ(cause(error("ERROR: column \"x\" does not exist"), 500), Errc::invalid);
  const auto said = read_answer(Result<http::Response>(answered(error("line 1\nno such table"), 200)));
  EXPECT_THAT(said.error().message, HasSubstr("line 1\\nno such table"));
}

TEST(Tap, RefusesWhatIsNoAnswer) {
  EXPECT_EQ(cause("<VOTABLE/>"), Errc::corrupt);
  EXPECT_EQ(cause("<html><body>welcome</body></html>"), Errc::corrupt);
  EXPECT_EQ(cause("<html><form>Password</form></html>"), Errc::denied);
  EXPECT_EQ(cause("not found", 404), Errc::unavailable);  // of the service itself, not of a file
  const auto page = read_answer(Result<http::Response>(fail(Errc::not_found, "status 404")));
  EXPECT_EQ(page.error().code, Errc::unavailable);  // as the fetcher tells of a page that is no XML
  EXPECT_EQ(cause(error("no such table"), 404), Errc::unavailable);
  EXPECT_EQ(cause(error("NotFoundFault: no such ID"), 404), Errc::not_found);
  const std::string whole = table("OK");
  EXPECT_EQ(cause(whole.substr(0, whole.size() - 5)), Errc::corrupt);
  const std::string packed = sim::gzip(whole);
  EXPECT_EQ(cause(packed.substr(0, packed.size() / 2)), Errc::corrupt);
}

/// ask() blocks, so it gets a thread of its own while this one plays the network.
Result<Answer> asked(const std::string& body) {
  http::Stage stage([&](const http::Request&) {
    http::Scripted answer;
    answer.status = 200;
    answer.body = body;
    return answer;
  });
  auto answer = std::async(std::launch::async, [&] {
    return ask(*stage.fetcher, "http://h/tap", {"SELECT n FROM t", {}}, {});
  });
  while (answer.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready)
    stage.client.run_for(std::chrono::milliseconds(50));
  return answer.get();
}

TEST(Tap, AnAnswerThatDoesNotSayHowTheQueryWentMayBeHalfOfOne) {
  const auto told = asked(table("OK"));
  ASSERT_TRUE(told) << told.error().message;
  EXPECT_EQ(told->rows.size(), 1U);
  std::string silent = table("OK");
  const auto status = silent.find("<INFO");
  silent.erase(status, silent.find("/>", status) + 2 - status);
  const auto untold = asked(silent);
  ASSERT_FALSE(untold);
  EXPECT_EQ(untold.error().code, Errc::corrupt);
}

/// "10.0" in text is 10 in binary.
bool same_rows(const Answer& a, const Answer& b) {
  const auto same = [](const std::optional<std::string>& x, const std::optional<std::string>& y) {
    if (x == y) return true;
    const auto number = x && y ? number_in<double>(*x) : std::nullopt;
    return number && number == number_in<double>(*y);
  };
  return std::ranges::equal(a.rows, b.rows,
                            [&](const auto& x, const auto& y) { return std::ranges::equal(x, y, same); });
}

TEST(TapSamples, UnderstandsWhatARealServerAnswered) {
  NEEDS_SAMPLES();
  const auto folder = *testing::samples() / "vo/dachs_exchanges";
  std::map<std::string, Result<Answer>> got;
  for (const auto& exchange : nlohmann::json::parse(testing::content_of(folder / "index.json"))) {
    const auto& response = exchange["response"];
    if (!response.is_object() || !response.contains("body_file") || response["body_file"].is_null()) continue;
    http::Response answer = answered(testing::content_of(folder / std::string(response["body_file"])),
                                     response["status"].get<int>());
    got.emplace(exchange["name"], read_answer(Result<http::Response>(std::move(answer))));
  }
  for (const char* const name : {"sync_td", "sync_b2", "sync_mime"}) {
    ASSERT_TRUE(got.at(name)) << name;
    EXPECT_TRUE(same_rows(*got.at(name), *got.at("sync_default"))) << name;
    EXPECT_FALSE(got.at(name)->overflow);
  }
  EXPECT_GT(got.at("sync_default")->rows.size(), 10U);
  EXPECT_EQ(got.at("sync_default")->services.size(), 1U);
  for (const char* const name : {"sync_overflow", "sync_overflow_b2", "sync_maxrec0", "sia2_overflow"}) {
    ASSERT_TRUE(got.at(name)) << name;
    EXPECT_TRUE(got.at(name)->overflow) << name;
  }
  EXPECT_TRUE(got.at("sync_empty")->rows.empty());
  for (const char* const name :
       {"sync_syntax_error", "sync_no_table", "sync_no_query", "sia2_bad", "async_err_result"}) {
    ASSERT_FALSE(got.at(name)) << name;
    EXPECT_EQ(got.at(name).error().code, Errc::invalid) << got.at(name).error().message;
  }
  EXPECT_EQ(got.at("dl_one")->table.column("semantics").has_value(), true);
}

}  // namespace
}  // namespace astrofs::tap
