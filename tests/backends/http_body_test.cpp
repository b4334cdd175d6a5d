// fetch(), fetch_all() and probe() on a scripted client.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <functional>
#include <thread>
#include <utility>

#include "backends/tap_tables.h"
#include "tests/backends/http_stage.h"

namespace astrofs::http {
namespace {

/// What blocks gets a thread of its own while this one plays the network.
void play_while(Stage& stage, const std::function<void()>& asked) {
  std::atomic<bool> done{false};
  std::thread caller([&] {
    asked();
    done = true;
  });
  while (!done) {
    stage.client.run_for(milliseconds(50));
    std::this_thread::yield();
  }
  caller.join();
}
std::vector<Result<Response>> fetch_all(Stage& stage, std::vector<std::vector<Request>> jobs,
                                        std::stop_token stop = {}) {
  std::vector<Result<Response>> answers;
  play_while(stage, [&] { answers = stage.fetcher->fetch_all(std::move(jobs), std::move(stop)); });
  return answers;
}
Result<Response> fetch(Stage& stage, std::vector<Request> mirrors) {
  return std::move(fetch_all(stage, {std::move(mirrors)})[0]);
}

Scripted text(std::string body, int status = 200) {
  Scripted answer;
  answer.status = status;
  answer.body = std::move(body);
  return answer;
}

TEST(Fetch, BringsABodyWhole) {
  Stage stage([](const Request&) {
    Scripted answer = text("<html>Index of /");
    answer.piece = 3;
    return answer;
  });
  const auto got = fetch(stage, {get("http://a.example/")});
  ASSERT_TRUE(got);
  EXPECT_EQ(got->body, "<html>Index of /");
  EXPECT_EQ(got->head.status, 200);
}

TEST(Fetch, RetriesFromTheBeginning) {
  int calls = 0;
  Stage stage([&](const Request&) {
    Scripted answer = text("0123456789");
    if (++calls < 3) {
      answer.body = "01234";
      answer.broken = Error{Errc::unavailable, "reset"};
    }
    return answer;
  });
  const auto got = fetch(stage, {get("http://a.example/")});
  ASSERT_TRUE(got);
  EXPECT_EQ(got->body, "0123456789");
}

TEST(Fetch, Believes404AtOnceAndAsksTheNextMirror) {
  Stage stage([](const Request& request) {
    return request.url.find("a.example") != std::string::npos ? text("no", 404) : text("yes");
  });
  EXPECT_EQ(fetch(stage, {get("http://a.example/"), get("http://b.example/")})->body, "yes");
  EXPECT_EQ(stage.client.requests.size(), 2U);
  const auto gone = fetch(stage, {get("http://a.example/")});
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, Errc::not_found);
  EXPECT_EQ(stage.client.requests.size(), 3U);
}

TEST(Fetch, NamesWhoAnsweredAnErrorWithoutItsSecrets) {
  Stage stage([](const Request& request) {
    return text("no", request.url.find("b.example") != std::string::npos ? 403 : 404);
  });
  const auto got = fetch(stage, {get("http://a.example/list"), get("https://me:pw@b.example/list?token=s")});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().message, "status 403 from b.example:443/list");
}

TEST(Fetch, Takes304OnlyWhereItWasAskedFor) {
  Stage stage([](const Request&) { return text("", 304); });
  Request conditional = get("http://a.example/");
  conditional.headers.push_back({"If-None-Match", "\"x\""});
  const auto asked = fetch(stage, {conditional});
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->head.status, 304);
  const auto unasked = fetch(stage, {get("http://a.example/")});
  ASSERT_FALSE(unasked);
  EXPECT_EQ(unasked.error().code, Errc::corrupt);
}

TEST(Fetch, RefusesABodyBeyondItsBound) {
  FetcherOptions options;
  options.largest_body = 1000;
  for (const bool announced : {false, true}) {
    Stage stage(
        [announced](const Request&) {
          Scripted answer = text(std::string(1001, 'x'));
          answer.piece = 100;
          if (announced) answer.headers = {{"content-length", "1001"}};
          return answer;
        },
        options);
    const auto got = fetch(stage, {get("http://a.example/")});
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, Errc::too_large);
    EXPECT_EQ(stage.client.requests.size(), 1U);
  }
}

TEST(Fetch, AnswersInTheOrderAskedEachForItself) {
  FetcherOptions options;
  options.connections_per_origin = 3;
  Stage stage(
      [](const Request& request) {
        const std::string name = request.url.substr(request.url.rfind('/') + 1);
        Scripted answer = name == "7" ? text("", 403) : text(name);
        answer.delay = milliseconds(name.size() == 1 ? 90 - 10 * (name[0] - '0') : 5);
        return answer;
      },
      options);
  std::vector<std::vector<Request>> jobs;
  for (int i = 0; i < 20; ++i) jobs.push_back({get(fmt::format("http://a.example/{}", i))});
  const auto answers = fetch_all(stage, jobs);
  ASSERT_EQ(answers.size(), 20U);
  for (int i = 0; i < 20; ++i) {
    const auto& one = answers[static_cast<std::size_t>(i)];
    if (i == 7) {
      ASSERT_FALSE(one);
      EXPECT_EQ(one.error().code, Errc::denied);
    } else {
      ASSERT_TRUE(one);
      EXPECT_EQ(one->body, std::to_string(i));
    }
  }
  EXPECT_EQ(stage.client.most_running, 3U);
  EXPECT_TRUE(stage.fetcher->fetch_all({}).empty());
}

TEST(Fetch, DoesNotCountTheTimeInTheQueue) {
  FetcherOptions options;
  options.connections_per_origin = 1;
  options.body_timeout = milliseconds(1000);
  Stage stage(
      [](const Request&) {
        Scripted answer = text("x");
        answer.delay = milliseconds(600);
        return answer;
      },
      options);
  for (const auto& one : fetch_all(stage, std::vector<std::vector<Request>>(5, {get("http://a.example/")})))
    EXPECT_TRUE(one);
}

TEST(Fetch, IsNotRefusedForAPauseBecauseItHasQueued) {
  FetcherOptions options;
  options.connections_per_origin = 1;
  for (const auto& [pause, outcome] : {std::pair{"20", "ok"}, std::pair{"100", "unavailable"}}) {
    bool asked = false;
    Stage stage(
        [&](const Request&) {
          if (std::exchange(asked, true)) return text("x");
          Scripted answer = status_answer(429, {{"retry-after", pause}});
          answer.delay = milliseconds(50'000);  // the others have queued for most of a job's 60 s by then
          return answer;
        },
        options);
    const auto answers = fetch_all(stage, std::vector<std::vector<Request>>(3, {get("http://a.example/")}));
    ASSERT_FALSE(answers[0]) << "its own time began with its turn";
    EXPECT_EQ(answers[0].error().code, Errc::unavailable);
    for (const std::size_t i : {1U, 2U})
      EXPECT_EQ(answers[i] ? "ok" : name_of(answers[i].error().code), outcome) << i;
  }
}

/// What is given up by the client before the head of an answer has come.
Scripted late() {
  Scripted answer = broken_answer(Errc::timed_out);
  answer.delay = milliseconds(30'000);
  return answer;
}

TEST(Fetch, WhatIsSlowByNatureIsAskedOnceAndItsSilenceIsNoFailure) {
  for (const bool is_slow : {true, false}) {
    Stage stage([](const Request& request) { return request.url.ends_with("/sync") ? late() : text("x"); });
    Request query = get("http://a.example/tap/sync");
    query.is_slow = is_slow;
    // Four of the others are enough, for each is asked twice.
    for (const auto& one : fetch_all(stage, std::vector<std::vector<Request>>(is_slow ? 8 : 4, {query}))) {
      ASSERT_FALSE(one);
      EXPECT_EQ(one.error().code, Errc::timed_out);
    }
    EXPECT_EQ(stage.client.requests.size(), 8U);
    EXPECT_EQ(stage.fetcher->status()[0].breaker_open, !is_slow);
    if (is_slow) {
      EXPECT_TRUE(fetch(stage, {get("http://a.example/tap/async")})) << "the job that it is now";
    }
  }
}

TEST(Fetch, WhatIsSlowByNatureIsNoFailureBeforeTheDeadlineEither) {
  FetcherOptions options;
  options.body_timeout = milliseconds(20'000);
  options.breaker_failures = 1;
  Stage stage([](const Request&) { return silent_answer(); }, options);
  Request query = get("http://a.example/tap/sync");
  query.is_slow = true;
  EXPECT_EQ(fetch(stage, {query}).error().code, Errc::timed_out);
  EXPECT_FALSE(stage.fetcher->status()[0].breaker_open);
}

TEST(Fetch, AQueryThatTakesTooLongIsAskedOnceBeforeItIsAJob) {
  Stage stage([](const Request& request) {
    return request.url.ends_with("/sync") ? late() : text("no jobs here", 404);
  });
  VoClient client("http://a.example/tap", VoProtocol::tap, {}, *stage.fetcher, stage.clock);
  tap::Jobs jobs(
      client.url(), [](Request&) {}, [] { return std::string("public"); }, *stage.fetcher);
  tap::Tables tables(client, jobs, stage.clock, {});
  Result<std::string> made;
  play_while(stage, [&] { made = tables.file({"all", "SELECT 1", TableForm::csv}, {}); });
  EXPECT_FALSE(made);
  const auto& sent = stage.client.requests;
  const auto is_query = [](const Request& request) { return request.url.ends_with("/sync"); };
  EXPECT_EQ(std::count_if(sent.begin(), sent.end(), is_query), 1);
  EXPECT_GT(sent.size(), 1U) << "the job was asked for";
}

TEST(Fetch, EndsWhenTheServerIsSilentOrTheCallerStops) {
  Stage stage([](const Request&) { return silent_answer(); });
  EXPECT_EQ(fetch(stage, {get("http://a.example/")}).error().code, Errc::timed_out);
  std::stop_source stopped;
  stopped.request_stop();
  EXPECT_EQ(fetch_all(stage, {{get("http://a.example/")}}, stopped.get_token())[0].error().code,
            Errc::interrupted);
}

struct ProbeTest : ::testing::Test {
  Result<ContentInfo> probe(FakeClient::Script script, const std::string& name = "f") {
    stage.emplace(std::move(script));
    std::optional<Result<ContentInfo>> answer;
    stage->fetcher->probe({get("http://a.example/" + name)},
                          [&](Result<ContentInfo> info) { answer = std::move(info); });
    stage->client.run_for(std::chrono::minutes(2));
    EXPECT_TRUE(answer);
    return answer.value_or(fail(Errc::internal, "no answer"));
  }
  [[nodiscard]] std::size_t requests() const { return stage->client.requests.size(); }
  std::optional<Stage> stage;
};

TEST_F(ProbeTest, AsksWithHead) {
  const std::string file = fits_like(5000);
  const auto info = probe([&](const Request& request) { return good_answer(request, file); });
  ASSERT_TRUE(info);
  EXPECT_EQ(info->size, 5000U);
  EXPECT_EQ(info->etag, "\"v1\"");
  EXPECT_EQ(requests(), 1U);
}

TEST_F(ProbeTest, AsksForOneByteWhereHeadDoesNotHelp) {
  const std::string file = fits_like(5000);
  for (const int refusal : {403, 405, 501, 200}) {
    const auto info = probe([&](const Request& request) {
      if (request.method == Method::head) return text("", refusal);  // 200: without a Content-Length
      EXPECT_EQ(request.range, (ByteRange{0, 1}));
      return good_answer(request, file);
    });
    ASSERT_TRUE(info) << refusal;
    EXPECT_EQ(info->size, 5000U);
    EXPECT_EQ(requests(), 2U);
  }
}

TEST_F(ProbeTest, KnowsAnEmptyFileAndAFileOfUnknownSize) {
  const auto empty = probe([&](const Request& request) {
    if (request.method == Method::head) return text("", 405);
    Scripted answer = text("", 416);
    answer.headers = {{"content-range", "bytes */0"}};
    return answer;
  });
  ASSERT_TRUE(empty);
  EXPECT_EQ(empty->size, 0U);
  const auto unknown = probe([&](const Request& request) {
    return text(request.method == Method::head ? "" : "made as it is read");
  });
  ASSERT_TRUE(unknown);
  EXPECT_FALSE(unknown->size);
}

TEST_F(ProbeTest, DoesNotReadAFileToLearnItsSize) {
  const auto info = probe([&](const Request& request) {
    if (request.method == Method::head) return text("", 405);
    Scripted answer = text(std::string(10'000'000, 'x'));
    answer.piece = 16'384;
    answer.headers = {{"content-length", "10000000"}};
    return answer;
  });
  ASSERT_TRUE(info);
  EXPECT_EQ(info->size, 10'000'000U);
  EXPECT_LE(stage->metrics.value("astrofs_http_received_bytes_total", "origin=\"http://a.example:80\""),
            65'536);
}

/// A server that answers everything with one page.
Scripted page(const Request& request, const std::string& body) {
  Scripted answer = text(request.method == Method::head ? "" : body);
  answer.headers = {{"content-type", "text/html; charset=utf-8"},
                    {"content-length", std::to_string(body.size())}};
  return answer;
}

// Claim 10
TEST_F(ProbeTest, TakesNoPageForTheFile) {
  const std::string login = "\n<form>Please log in</form>";
  const std::string busy = "<!DOCTYPE html><title>Down for maintenance</title>";
  for (const char* name : {"f.dat", "f.fits.gz", "dir.d/f", "f"}) {
    const auto info = probe([&](const Request& request) { return page(request, login); }, name);
    ASSERT_FALSE(info) << name;
    EXPECT_EQ(info.error().code, Errc::denied);
  }
  const auto info = probe([&](const Request& request) { return page(request, busy); }, "f.dat?token=a.html");
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().code, Errc::corrupt);
}

TEST_F(ProbeTest, BelievesAPageThatIsTheFile) {
  const std::string body = "<html>the catalogue's description</html>";
  for (const char* name : {"f.html", "f.HTM", "README"}) {
    const auto info = probe([&](const Request& request) { return page(request, body); }, name);
    ASSERT_TRUE(info) << name;
    EXPECT_EQ(info->size, body.size()) << name;
  }
  // Data under a wrong label are what they are.
  const std::string data = fits_like(5000);
  const auto info = probe([&](const Request& request) { return page(request, data); }, "f.dat");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->size, 5000U);
}

TEST_F(ProbeTest, AsksTwiceWhetherAFileIsEmpty) {
  const std::string file = fits_like(5000);
  const auto once = probe([&](const Request& request) {
    if (request.method == Method::get) return good_answer(request, file);
    Scripted answer = text("");
    answer.headers = {{"content-length", "0"}};
    return answer;
  });
  ASSERT_TRUE(once);
  EXPECT_EQ(once->size, 5000U);
  const auto empty = probe([&](const Request&) {
    Scripted answer = text("");
    answer.headers = {{"content-length", "0"}};
    return answer;
  });
  ASSERT_TRUE(empty);
  EXPECT_EQ(empty->size, 0U);
  EXPECT_EQ(requests(), 2U);
}

TEST_F(ProbeTest, ReportsWhatIsNotThere) {
  EXPECT_EQ(probe([](const Request&) { return text("", 404); }).error().code, Errc::not_found);
  EXPECT_EQ(probe([](const Request&) { return text("", 401); }).error().code, Errc::denied);
  EXPECT_EQ(probe([](const Request&) { return broken_answer(); }).error().code, Errc::unavailable);
}

TEST(Fetch, WhereTheBodyDecidesXmlIsTheAnswerWhateverTheStatus) {
  const auto asked = [](int status, std::string body, bool decides = true) {
    Stage stage([&](const Request&) { return text(body, status); });
    Request request = get("http://a.example/tap/sync");
    request.body_decides = decides;
    return fetch(stage, {request});
  };
  for (const int status : {400, 401, 404, 500}) {
    const auto got = asked(status, "\n<?xml version='1.0'?><VOTABLE/>");
    ASSERT_TRUE(got) << status;
    EXPECT_EQ(got->head.status, status);
  }
  EXPECT_FALSE(asked(400, "<VOTABLE/>", false));
  EXPECT_FALSE(asked(503, "<VOTABLE/>"));  // that may pass: it is tried again
  EXPECT_FALSE(asked(400, "<html>Bad request"));
  EXPECT_FALSE(asked(400, "Bad request"));
}

TEST(Fetch, OfOAuthARefusalInJsonIsTheAnswer) {
  const auto asked = [](int status, std::string body, bool is_oauth = true) {
    Stage stage([&](const Request&) { return text(body, status); });
    Request request = get("http://a.example/oauth2/token");
    request.is_oauth = is_oauth;
    return fetch(stage, {request});
  };
  const std::string refusal = R"({"error": "invalid_grant"})";
  const auto got = asked(400, refusal);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->body, refusal);
  EXPECT_FALSE(asked(400, refusal, false));
  EXPECT_FALSE(asked(403, refusal));
  EXPECT_FALSE(asked(400, "<html>Bad request"));
}

TEST(Fetch, WhereTheBodyDecidesGzipIsHandedOn) {
  for (const bool decides : {true, false}) {
    Stage stage([&](const Request&) {
      Scripted answer = text("packed");
      answer.headers.push_back({"content-encoding", "gzip"});
      return answer;
    });
    Request request = get("http://a.example/tap/sync");
    request.body_decides = decides;
    EXPECT_EQ(fetch(stage, {request}).has_value(), decides);
  }
}

/// Probes that end in their own time.
struct Probes {
  explicit Probes(Stage& on) : stage(on) {}
  void begin(Request request = get("http://a.example/f")) {
    auto& place = answers.emplace_back();
    stage.fetcher->probe({std::move(request)}, [&](Result<ContentInfo> info) { place = std::move(info); });
    stage.client.run();
  }
  /// "ok", the cause's name, or "nothing yet".
  [[nodiscard]] std::string outcome(std::size_t i) const {
    if (!answers[i]) return "nothing yet";
    return *answers[i] ? "ok" : std::string(name_of(answers[i]->error().code));
  }
  Stage& stage;
  std::deque<std::optional<Result<ContentInfo>>> answers;  ///< one never moves
};

TEST(Probe, AConfirmed404LeavesNoDeadlineToWhoComesAfter) {
  FetcherOptions options;
  options.breaker_failures = 1;
  bool gone = true;
  Stage stage(
      [&](const Request& request) {
        if (gone) return status_answer(404);
        Scripted answer = good_answer(request, fits_like(5000));
        answer.delay = milliseconds(40'000);
        return answer;
      },
      options);
  Probes probes(stage);
  probes.begin();
  stage.client.run_for(milliseconds(30'000));
  EXPECT_EQ(probes.outcome(0), "not_found");
  gone = false;
  for (int i = 0; i < 8; ++i) probes.begin();  // one of them most likely lives where the first did
  stage.client.run_for(milliseconds(39'000));  // past the first one's 60 s
  for (std::size_t i = 1; i <= 8; ++i) EXPECT_EQ(probes.outcome(i), "nothing yet") << i;
  stage.client.run_for(milliseconds(2000));
  for (std::size_t i = 1; i <= 8; ++i) EXPECT_EQ(probes.outcome(i), "ok") << i;
  EXPECT_FALSE(stage.fetcher->status()[0].breaker_open);
}

TEST(Probe, HasNoNewTimeToConfirm404) {
  int calls = 0;
  Stage stage([&](const Request&) {
    if (++calls > 1) return silent_answer();
    Scripted answer = status_answer(404);
    answer.delay = milliseconds(40'000);
    return answer;
  });
  Probes probes(stage);
  probes.begin();
  stage.client.run_for(milliseconds(59'900));
  EXPECT_EQ(probes.outcome(0), "nothing yet");
  stage.client.run_for(milliseconds(200));
  EXPECT_EQ(probes.outcome(0), "timed_out");
}

TEST(Probe, AsksNoHeadWhereNoneIsAnswered) {
  Stage stage([](const Request& request) {
    if (request.method == Method::head) return silent_answer();
    Scripted answer = good_answer(request, fits_like(54'720));
    answer.headers.push_back({"content-disposition", "inline; filename=\"x.fits\""});
    return answer;
  });
  Request request = get("http://a.example/getproduct/x");
  request.no_head = true;
  std::optional<Result<ContentInfo>> got;
  stage.fetcher->probe({request}, [&](Result<ContentInfo> info) { got = std::move(info); });
  stage.client.run();
  ASSERT_TRUE(got.has_value() && got->has_value());
  EXPECT_EQ((*got)->size, 54'720U);
  EXPECT_EQ((*got)->file_name, "x.fits");
  EXPECT_EQ(stage.client.requests.size(), 1U);
}

}  // namespace
}  // namespace astrofs::http
