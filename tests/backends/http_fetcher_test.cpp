// The rules of a range job, one by one, on a scripted client.
#include <gtest/gtest.h>

#include "tests/backends/http_stage.h"

namespace astrofs::http {
namespace {

const std::string kFile = fits_like(300'000);

/// Answers with the n-th of these, and well after the last.
FakeClient::Script first(std::vector<Scripted> answers, std::string file = kFile) {
  auto next = std::make_shared<std::size_t>(0);
  return [answers = std::move(answers), file = std::move(file), next](const Request& request) {
    return *next < answers.size() ? answers[(*next)++] : good_answer(request, file);
  };
}
FakeClient::Script always(Scripted answer) {
  return [answer = std::move(answer)](const Request&) { return answer; };
}
/// A good answer that breaks after `n` bytes.
Scripted cut(const Request& request, std::size_t n, const std::string& etag = "\"v1\"") {
  Scripted answer = good_answer(request, kFile, etag);
  answer.body.resize(std::min(n, answer.body.size()));
  answer.broken = Error{Errc::unavailable, "reset"};
  return answer;
}
void expect_bytes(const Recorder& got, ByteRange range) {
  EXPECT_EQ(got.outcome(), "ok");
  EXPECT_EQ(got.ends, 1);
  EXPECT_EQ(got.begins, 1);
  EXPECT_TRUE(got.in_order);
  EXPECT_EQ(got.arriving, range);
  EXPECT_TRUE(got.bytes == kFile.substr(range.offset, range.length));
}

TEST(RangeJob, BringsExactlyTheRangeInOneRequest) {
  Stage stage(first({}));
  const auto got = stage.begin(job_for(kFile, {1000, 5000}));
  expect_bytes(*got, {1000, 5000});
  ASSERT_EQ(stage.client.requests.size(), 1U);
  EXPECT_EQ(stage.client.requests[0].range, (ByteRange{1000, 5000}));
  EXPECT_EQ(got->info.etag, "\"v1\"");
  EXPECT_EQ(got->info.size, kFile.size());
  EXPECT_EQ(got->info.origin, "http://a.example:80");
}

TEST(RangeJob, EndsAtTheEndOfTheFile) {
  Stage stage(first({}));
  const auto got = stage.begin(job_for(kFile, {kFile.size() - 10, 4096}));
  expect_bytes(*got, {kFile.size() - 10, 10});
  EXPECT_EQ(stage.begin(job_for(kFile, {kFile.size(), 1}))->outcome(), "invalid");
}

TEST(RangeJob, SendsTheStrongValidatorOnlyToTheOriginThatGaveIt) {
  Stage stage(first({broken_answer(), broken_answer()}));
  RangeJob job = job_for(kFile, {0, 100}, {"http://b.example/f", "http://a.example/f"});
  job.etags = {{"http://a.example:80", "\"v1\""}, {"http://b.example:80", "W/\"v1\""}};
  const auto got = stage.finish(job);
  expect_bytes(*got, {0, 100});
  ASSERT_EQ(stage.client.requests.size(), 3U);
  EXPECT_EQ(stage.client.requests[0].if_match, "");
  EXPECT_EQ(stage.client.requests[2].if_match, "\"v1\"");
}

TEST(RangeJob, ResumesAfterTheLastGoodByteAndNeverRepeatsOne) {
  int calls = 0;
  Stage stage([&](const Request& request) {
    return ++calls < 4 ? cut(request, 70'000) : good_answer(request, kFile);
  });
  const auto got = stage.finish(job_for(kFile, {0, 300'000}));
  expect_bytes(*got, {0, 300'000});
  ASSERT_EQ(stage.client.requests.size(), 4U);
  EXPECT_EQ(stage.client.requests[1].range, (ByteRange{70'000, 230'000}));
  EXPECT_EQ(stage.client.requests[1].if_match, "\"v1\"");
}

TEST(RangeJob, DoesNotMixTwoVersionsAcrossAResume) {
  int calls = 0;
  Stage stage([&](const Request& request) {
    return ++calls == 1 ? cut(request, 70'000) : good_answer(request, fits_like(300'000, 2), "\"v2\"");
  });
  EXPECT_EQ(stage.finish(job_for(kFile, {0, 300'000}))->outcome(), "stale");  // by 412
  calls = 0;
  Stage careless([&](const Request& request) {
    Request without = request;
    without.if_match.clear();  // a server that does not know If-Match
    return ++calls == 1 ? cut(without, 70'000) : good_answer(without, fits_like(300'000, 2), "\"v2\"");
  });
  const auto got = careless.finish(job_for(kFile, {0, 300'000}));
  EXPECT_EQ(got->outcome(), "stale");
  EXPECT_TRUE(got->bytes == kFile.substr(0, 70'000));
  EXPECT_EQ(calls, 2);
}

TEST(RangeJob, ComparesDatesAcrossAResumeWhereThereIsNoEtag) {
  int calls = 0;
  Stage stage([&](const Request& request) {
    Scripted answer = ++calls == 1 ? cut(request, 70'000, "") : good_answer(request, kFile, "");
    answer.headers.push_back(
        {"last-modified", calls == 1 ? "Sun, 06 Nov 1994 08:49:37 GMT" : "Mon, 07 Nov 1994 08:49:37 GMT"});
    return answer;
  });
  EXPECT_EQ(stage.finish(job_for(kFile, {0, 300'000}))->outcome(), "stale");
}

TEST(RangeJob, GivesUpAfterTheAttemptsWithBackOffBetween) {
  Stage stage(always(broken_answer()), [] {
    FetcherOptions options;
    options.breaker_failures = 100;
    return options;
  }());
  const SteadyTime before = stage.clock.steady();
  const auto got = stage.begin(job_for(kFile, {0, 100}));
  while (!got->result) stage.client.run_for(milliseconds(10));
  EXPECT_EQ(got->outcome(), "unavailable");
  EXPECT_EQ(stage.client.requests.size(), 6U);
  EXPECT_GE(stage.clock.steady() - before,
            milliseconds(100 + 200 + 400 + 800 + 1600));  // the least that jitter allows
}

/// Breaks after `worth` bytes of each answer.
FakeClient::Script breaking_after(std::size_t worth) {
  return [worth](const Request& request) {
    Scripted answer = good_answer(request, kFile);
    if (answer.body.size() > worth) {
      answer.body.resize(worth);
      answer.broken = Error{Errc::unavailable, "the connection broke"};
    }
    return answer;
  };
}

TEST(RangeJob, GoesOnAsLongAsEachConnectionBringsABlock) {
  Stage stage(breaking_after(16 << 10));
  const std::size_t blocks = (kFile.size() + (16 << 10) - 1) / (16 << 10);
  ASSERT_GT(blocks, 6U);
  expect_bytes(*stage.finish(job_for(kFile, {0, kFile.size()})), {0, kFile.size()});
  EXPECT_EQ(stage.client.requests.size(), blocks);
}

TEST(RangeJob, GivesUpOnConnectionsThatBringLittle) {
  Stage stage(breaking_after(1000));
  EXPECT_EQ(stage.finish(job_for(kFile, {0, kFile.size()}))->outcome(), "unavailable");
  EXPECT_EQ(stage.client.requests.size(), 6U);
}

TEST(RangeJob, GoesOnOverAFreshConnectionWhereOneBroke) {
  Stage stage(first({broken_answer(), status_answer(503)}));
  expect_bytes(*stage.finish(job_for(kFile, {0, 100})), {0, 100});
  ASSERT_EQ(stage.client.requests.size(), 3U);
  EXPECT_FALSE(stage.client.requests[0].fresh_connection);
  EXPECT_TRUE(stage.client.requests[1].fresh_connection);
  EXPECT_FALSE(stage.client.requests[2].fresh_connection) << "an answer is no reason";
}

TEST(RangeJob, LooksTwiceBefore404IsBelieved) {
  Stage once(first({status_answer(404)}));
  expect_bytes(*once.finish(job_for(kFile, {0, 100})), {0, 100});
  Stage twice(always(status_answer(404)));
  EXPECT_EQ(twice.finish(job_for(kFile, {0, 100}))->outcome(), "not_found");
  ASSERT_EQ(twice.client.requests.size(), 2U);
  EXPECT_FALSE(twice.client.requests[0].fresh_connection);
  EXPECT_TRUE(twice.client.requests[1].fresh_connection);
}

TEST(RangeJob, IsMissingOnlyWhenEveryMirrorSaysSo) {
  const std::vector<std::string> urls = {"http://a.example/f", "http://b.example/f", "http://c.example/f"};
  Stage all(always(status_answer(410)));
  EXPECT_EQ(all.finish(job_for(kFile, {0, 100}, urls))->outcome(), "not_found");
  EXPECT_EQ(all.client.requests.size(), 6U);
  for (const int other : {500, 503, 401, 403, 400, 0}) {
    Stage stage([other](const Request& request) {
      if (request.url.find("b.example") == std::string::npos) return status_answer(404);
      return other == 0 ? broken_answer() : status_answer(other);
    });
    const auto got = stage.finish(job_for(kFile, {0, 100}, urls));
    EXPECT_EQ(got->outcome(), other == 401 || other == 403 ? "denied" : "unavailable") << other;
  }
}

TEST(RangeJob, IsNotMissingWhenAMirrorWasNeverAsked) {
  FetcherOptions options;
  options.attempts = 2;
  Stage stage(always(status_answer(404)), options);
  const auto got = stage.finish(
      job_for(kFile, {0, 100}, {"http://a.example/f", "http://b.example/f", "http://c.example/f"}));
  EXPECT_EQ(got->outcome(), "unavailable");
}

TEST(RangeJob, GoesToTheNextMirrorAfterTwoFailures) {
  Stage stage([](const Request& request) {
    return request.url.find("a.example") != std::string::npos ? status_answer(500)
                                                              : good_answer(request, kFile);
  });
  expect_bytes(*stage.finish(job_for(kFile, {0, 100}, {"http://a.example/f", "http://b.example/f"})),
               {0, 100});
  EXPECT_EQ(stage.client.requests.size(), 3U);
}

TEST(RangeJob, GoesToTheNextMirrorAfterOneSilence) {
  Stage stage([](const Request& request) {
    return request.url.find("a.example") != std::string::npos ? broken_answer(Errc::timed_out)
                                                              : good_answer(request, kFile);
  });
  expect_bytes(*stage.begin(job_for(kFile, {0, 100}, {"http://a.example/f", "http://b.example/f"})),
               {0, 100});
  ASSERT_EQ(stage.client.requests.size(), 2U);
  RangeJob job = job_for(kFile, {0, 100}, {});
  EXPECT_EQ(stage.client.requests[0].head_patience, job.timeout / 2) << "the next needs time, too";
  EXPECT_FALSE(stage.client.requests[1].head_patience) << "the last may have all of it";
}

TEST(RangeJob, GoesOnAtTheNextMirrorWhereTheFirstBroke) {
  Stage stage([](const Request& request) {
    if (request.url.find("a.example") == std::string::npos) return good_answer(request, kFile, "\"another\"");
    return request.range->offset == 0 ? cut(request, 1000) : broken_answer();
  });
  expect_bytes(*stage.finish(job_for(kFile, {0, 5000}, {"http://a.example/f", "http://b.example/f"})),
               {0, 5000});
}

TEST(RangeJob, LeavesADenyingMirrorAtOnce) {
  Stage stage([](const Request& request) {
    return request.url.find("a.example") != std::string::npos ? status_answer(403)
                                                              : good_answer(request, kFile);
  });
  expect_bytes(*stage.finish(job_for(kFile, {0, 100}, {"http://a.example/f", "http://b.example/f"})),
               {0, 100});
  EXPECT_EQ(stage.client.requests.size(), 2U);
  Stage alone(always(status_answer(401)));
  EXPECT_EQ(alone.finish(job_for(kFile, {0, 100}))->outcome(), "denied");
  EXPECT_EQ(alone.client.requests.size(), 1U);
}

TEST(RangeJob, RepeatsALieOnceAndThenCallsItCorrupt) {
  Stage stage([](const Request& request) {
    Request shifted = request;
    shifted.range->offset += 4096;
    return good_answer(shifted, kFile);
  });
  const auto got = stage.finish(job_for(kFile, {1000, 100}));
  EXPECT_EQ(got->outcome(), "corrupt");
  EXPECT_EQ(got->begins, 0);
  EXPECT_EQ(stage.client.requests.size(), 2U);
}

TEST(RangeJob, AnotherSizeOfTheSameVersionIsALieOnceAndTwiceItsSize) {
  RangeJob job = job_for(kFile, {1000, 100});
  job.etags = {{"http://a.example:80", "\"v1\""}};
  const std::string longer = kFile + "what was not known of";
  Stage agreeing([&](const Request& request) { return good_answer(request, longer); });
  EXPECT_EQ(agreeing.finish(job)->outcome(), "stale") << "the known size is to be asked for anew";
  EXPECT_EQ(agreeing.client.requests.size(), 2U);
  int calls = 0;
  Stage once([&](const Request& request) { return good_answer(request, ++calls == 1 ? longer : kFile); });
  expect_bytes(*once.finish(job), {1000, 100});
  calls = 0;
  Stage rambling([&](const Request& request) {
    return good_answer(request, longer + std::string(static_cast<std::size_t>(++calls), 'x'));
  });
  EXPECT_EQ(rambling.finish(job)->outcome(), "corrupt");
}

TEST(RangeJob, AnotherSizeThanTheListingToldWithTheETagIsALieHoweverOften) {
  RangeJob job = job_for(kFile, {1000, 100});
  job.etags = {{"http://a.example:80", "\"v1\""}};
  job.is_size_listed = true;
  Stage agreeing([&](const Request& request) { return good_answer(request, kFile + "made up"); });
  EXPECT_EQ(agreeing.finish(job)->outcome(), "corrupt");
  EXPECT_EQ(agreeing.client.requests.size(), 2U);
}

TEST(RangeJob, TakesTheWholeFileFromAServerWithoutRanges) {
  Stage stage([](const Request& request) {
    Request whole = request;
    whole.range.reset();
    Scripted answer = good_answer(whole, kFile);
    answer.piece = 16'384;
    return answer;
  });
  expect_bytes(*stage.begin(job_for(kFile, {100'000, 10})), {0, kFile.size()});
  ASSERT_EQ(stage.fetcher->status().size(), 1U);
  EXPECT_TRUE(stage.fetcher->status()[0].ignores_ranges);
}

TEST(RangeJob, SkipsWhatItHasWhenAWholeFileIsReadAgain) {
  int calls = 0;
  Stage stage([&](const Request& request) {
    Request whole = request;
    whole.range.reset();
    Scripted answer = good_answer(whole, kFile);
    answer.piece = 16'384;
    if (++calls == 1) {
      answer.body.resize(200'000);
      answer.broken = Error{Errc::unavailable, "reset"};
    }
    return answer;
  });
  expect_bytes(*stage.finish(job_for(kFile, {100'000, 10})), {0, kFile.size()});
  EXPECT_EQ(calls, 2);
}

TEST(RangeJob, SkipsNoFurtherThanTheLimitForAPart) {
  for (const std::uint64_t limit : {std::uint64_t{1000}, std::uint64_t{1'000'000}}) {
    FetcherOptions options;
    options.skip_limit = limit;
    Stage stage(
        [](const Request& request) {
          if (request.url.find("a.example") != std::string::npos) {
            return request.range->offset == 100'000 ? cut(request, 5000) : broken_answer();
          }
          Request whole = request;
          whole.range.reset();
          return good_answer(whole, kFile);
        },
        options);
    const auto got =
        stage.finish(job_for(kFile, {100'000, 20'000}, {"http://a.example/f", "http://b.example/f"}));
    if (limit > 105'000) {
      expect_bytes(*got, {100'000, 20'000});
    } else {
      EXPECT_EQ(got->outcome(), "unavailable");
      EXPECT_TRUE(got->bytes == kFile.substr(100'000, 5000));
    }
  }
}

TEST(RangeJob, TakesABodyOfUnknownLengthOnlyIfItTurnsOutRight) {
  const auto unsized = [](std::string body) {
    Scripted answer;
    answer.body = std::move(body);
    answer.piece = 10'000;
    return answer;
  };
  Stage right(always(unsized(kFile)));
  expect_bytes(*right.finish(job_for(kFile, {0, 100})), {0, kFile.size()});
  Stage cut_short(always(unsized(kFile.substr(0, 200'000))));
  const auto got = cut_short.finish(job_for(kFile, {0, 100}));
  EXPECT_EQ(got->outcome(), "corrupt");
  EXPECT_EQ(got->begins, 0);  // nothing was handed on that might be another file
  Stage too_long(always(unsized(kFile + "more")));
  EXPECT_EQ(too_long.finish(job_for(kFile, {0, 100}))->outcome(), "corrupt");
}

TEST(RangeJob, WaitsForAPausedReceiverEvenAfterTheAnswerEnded) {
  Scripted answer;
  answer.body = kFile;  // no Content-Length: held back until it ends
  answer.piece = 10'000;
  Stage stage(always(answer));
  auto got = std::make_shared<Recorder>();
  got->pause_next = true;
  stage.fetcher->start(job_for(kFile, {0, 100}), got, {});
  stage.client.run();
  EXPECT_EQ(got->outcome(), "nothing yet");
  EXPECT_EQ(got->pauses, 1);
  stage.fetcher->resume(got.get());
  stage.client.run();
  expect_bytes(*got, {0, kFile.size()});
}

TEST(RangeJob, GoesOnWhereThePausedReceiverStopped) {
  Stage stage([](const Request& request) {
    Scripted answer = good_answer(request, kFile);
    answer.piece = 7;  // shorter than what shows that a file is FITS
    return answer;
  });
  auto got = std::make_shared<Recorder>();
  got->pause_next = true;
  stage.fetcher->start(job_for(kFile, {0, 1000}), got, {});
  stage.client.run();
  EXPECT_EQ(got->outcome(), "nothing yet");
  stage.fetcher->resume(got.get());
  stage.client.run();
  expect_bytes(*got, {0, 1000});
}

TEST(RangeJob, ALoginPageIsDeniedAndOtherHtmlIsCorrupt) {
  const auto page = [](std::string body) {
    Scripted answer;
    answer.headers = {{"content-type", "text/html"}, {"content-length", std::to_string(body.size())}};
    answer.body = std::move(body);
    return answer;
  };
  Stage login(always(page("<html><form>user <input name=u> password <input type=password></form>")));
  const auto denied = login.finish(job_for(kFile, {0, 100}));
  EXPECT_EQ(denied->outcome(), "denied");
  EXPECT_EQ(denied->begins, 0);
  Stage other(always(page("<html>maintenance until noon")));
  EXPECT_EQ(other.finish(job_for(kFile, {0, 100}))->outcome(), "corrupt");
}

TEST(RangeJob, APageOfUnknownLengthIsJudgedWhateverTheSizeOfTheFile) {
  for (const std::uint64_t size : {50ULL, 300'000ULL, 50ULL << 20}) {
    for (const bool is_login : {true, false}) {
      Scripted page;
      page.headers = {{"content-type", "text/html"}};
      page.body = "<html><p>maintenance until noon, for the third day in this week; we are sorry</p>";
      if (is_login) page.body += "<form>user <input name=u> password <input type=password></form>";
      page.piece = 7;
      Stage stage(always(page));
      RangeJob job = job_for(kFile, {0, 10}, {"http://a.example/f.dat"});
      job.size = size;
      job.is_fits = false;
      const auto got = stage.finish(job);
      EXPECT_EQ(got->outcome(), is_login ? "denied" : "corrupt") << size;
      EXPECT_EQ(got->begins, 0);
    }
  }
}

TEST(RangeJob, DataOfUnknownLengthUnderAWrongLabelAreWhatTheyAre) {
  Scripted answer;
  answer.headers = {{"content-type", "text/html"}};
  answer.body = kFile;
  RangeJob job = job_for(kFile, {0, 100}, {"http://a.example/f.dat"});
  job.is_fits = false;
  Stage stage(always(answer));
  expect_bytes(*stage.finish(job), {0, kFile.size()});
}

TEST(RangeJob, BytesThatDoNotBeginLikeFitsNeverReachTheReceiver) {
  const std::string other(300'000, 'x');
  Stage stage([&](const Request& request) { return good_answer(request, other); });
  const auto got = stage.finish(job_for(other, {0, 100}));
  EXPECT_EQ(got->outcome(), "corrupt");
  EXPECT_EQ(got->begins, 0);
  Stage plain([&](const Request& request) { return good_answer(request, other); });
  RangeJob job = job_for(other, {0, 100});
  job.is_fits = false;
  EXPECT_EQ(plain.finish(job)->outcome(), "ok");
}

TEST(RangeJob, ABodyThatEndsEarlyIsResumedAndInTheEndCorrupt) {
  int calls = 0;
  const auto early = [&](const Request& request) {
    ++calls;
    Scripted answer = good_answer(request, kFile);
    std::erase_if(answer.headers, [](const Header& one) { return one.name == "content-length"; });
    answer.body.resize(answer.body.size() > 1000 ? answer.body.size() - 1000 : 0);
    return answer;
  };
  Stage stage(early);
  const auto got = stage.finish(job_for(kFile, {0, 5000}));
  EXPECT_EQ(got->outcome(), "corrupt");
  EXPECT_LE(calls, 6);
  EXPECT_TRUE(got->bytes == kFile.substr(0, got->bytes.size()));
}

TEST(RangeJob, WaitsAsLongAsTheServerAsks) {
  Stage stage(
      first({status_answer(503, {{"retry-after", "2"}}), status_answer(429, {{"retry-after", "3"}})}));
  const auto got = stage.begin(job_for(kFile, {0, 100}));
  stage.client.run_for(milliseconds(1999));
  EXPECT_EQ(stage.client.requests.size(), 1U);
  stage.client.run_for(milliseconds(1 + 2999));
  EXPECT_EQ(stage.client.requests.size(), 2U);
  stage.client.run_for(milliseconds(1));
  expect_bytes(*got, {0, 100});
}

TEST(RangeJob, NoPauseAtAllIsNoReasonToAskAtOnce) {
  Stage stage(always(status_answer(503, {{"retry-after", "0"}})));
  const auto got = stage.begin(job_for(kFile, {0, 100}));
  stage.client.run_for(milliseconds(10));
  EXPECT_EQ(stage.client.requests.size(), 1U);
  stage.client.run_for(std::chrono::minutes(2));
  EXPECT_EQ(got->outcome(), "unavailable");
}

TEST(RangeJob, FailsAtOnceWhenTheServerAsksForMoreTimeThanThereIs) {
  Stage stage(always(status_answer(503, {{"retry-after", "3600"}})));
  const auto got = stage.begin(job_for(kFile, {0, 100}));
  EXPECT_EQ(got->outcome(), "unavailable");
  EXPECT_EQ(stage.client.requests.size(), 1U);
}

TEST(RangeJob, LeavesAMirrorThatAsksForALongPause) {
  Stage stage([](const Request& request) {
    return request.url.find("a.example") != std::string::npos ? status_answer(503, {{"retry-after", "30"}})
                                                              : good_answer(request, kFile);
  });
  expect_bytes(*stage.begin(job_for(kFile, {0, 100}, {"http://a.example/f", "http://b.example/f"})),
               {0, 100});
}

TEST(RangeJob, TimesOutOnASilentServer) {
  Stage stage(always(silent_answer()));
  RangeJob job = job_for(kFile, {0, 100});
  job.timeout = milliseconds(5000);
  const auto got = stage.begin(job);
  stage.client.run_for(milliseconds(4999));
  EXPECT_EQ(got->outcome(), "nothing yet");
  stage.client.run_for(milliseconds(2));
  EXPECT_EQ(got->outcome(), "timed_out");
  EXPECT_EQ(stage.client.running(), 0U);  // the request does not linger
}

/// What a server without ranges sends, a piece of so many bytes each second.
FakeClient::Script whole_file_slowly(std::size_t piece) {
  return [piece](const Request& request) {
    Request whole = request;
    whole.range.reset();
    Scripted answer = good_answer(whole, kFile);
    answer.piece = piece;
    answer.between = seconds(1);
    return answer;
  };
}

TEST(RangeJob, AWholeFileMayTakeLongerThanThePartOfItThatWasAskedFor) {
  Stage stage(whole_file_slowly(16'384));
  RangeJob job = job_for(kFile, {100'000, 10});
  job.timeout = seconds(5);
  expect_bytes(*stage.finish(job), {0, kFile.size()});
  EXPECT_EQ(stage.client.requests.size(), 1U);
}

TEST(RangeJob, AWholeFileThatHardlyComesTimesOut) {
  Stage stage(whole_file_slowly(1000));
  RangeJob job = job_for(kFile, {100'000, 10});
  job.timeout = seconds(5);
  EXPECT_EQ(stage.finish(job)->outcome(), "timed_out");
  EXPECT_EQ(stage.client.running(), 0U);
}

TEST(RangeJob, TimesOutInTheQueueToo) {
  FetcherOptions options;
  options.connections_per_origin = 1;
  Stage stage(always(silent_answer()), options);
  RangeJob job = job_for(kFile, {0, 100});
  const auto hog = stage.begin(job);
  job.timeout = milliseconds(1000);
  const auto queued = stage.begin(job);
  stage.client.run_for(milliseconds(1001));
  EXPECT_EQ(queued->outcome(), "timed_out");
  EXPECT_EQ(stage.client.requests.size(), 1U);
  EXPECT_EQ(hog->outcome(), "nothing yet");
}

TEST(RangeJob, EndsWhenNoLongerWantedWhereverItIs) {
  FetcherOptions options;
  options.connections_per_origin = 1;
  int calls = 0;
  Stage stage([&](const Request&) { return ++calls == 1 ? broken_answer() : silent_answer(); }, options);
  std::stop_source in_backoff, running, queued;
  const auto first_job = stage.begin(job_for(kFile, {0, 100}), in_backoff.get_token());
  const auto second = stage.begin(job_for(kFile, {0, 100}), running.get_token());
  const auto third = stage.begin(job_for(kFile, {0, 100}), queued.get_token());
  for (auto* source : {&in_backoff, &queued, &running}) source->request_stop();
  stage.client.run();
  for (const auto& one : {first_job, second, third}) {
    EXPECT_EQ(one->outcome(), "interrupted");
    EXPECT_EQ(one->ends, 1);
  }
  EXPECT_EQ(stage.client.running(), 0U);
  EXPECT_EQ(stage.fetcher->status()[0].in_flight, 0U);
  EXPECT_EQ(stage.fetcher->status()[0].waiting, 0U);
}

TEST(RangeJob, StopsWhenTheReceiverSaysSo) {
  Stage unwanted(first({}));
  auto got = std::make_shared<Recorder>();
  got->wanted = false;
  unwanted.fetcher->start(job_for(kFile, {0, 100}), got, {});
  unwanted.client.run();
  EXPECT_EQ(got->outcome(), "interrupted");
  Stage partly(first({}));
  auto sated = std::make_shared<Recorder>();
  sated->stop_at = 10;
  partly.fetcher->start(job_for(kFile, {0, 100}), sated, {});
  partly.client.run();
  EXPECT_EQ(sated->outcome(), "interrupted");
  EXPECT_EQ(partly.client.requests.size(), 1U);
}

TEST(RangeJob, EndsWithTheFetcher) {
  Stage stage(always(silent_answer()));
  const auto got = stage.begin(job_for(kFile, {0, 100}));
  stage.fetcher.reset();
  stage.client.run();
  EXPECT_EQ(got->outcome(), "interrupted");
  EXPECT_EQ(stage.client.running(), 0U);
}

TEST(RangeJob, RefusesWhatIsNoUrl) {
  Stage stage(first({}));
  EXPECT_EQ(stage.begin(job_for(kFile, {0, 100}, {"file:///etc/passwd"}))->outcome(), "invalid");
  EXPECT_EQ(stage.begin(job_for(kFile, {0, 100}, {}))->outcome(), "invalid");
  EXPECT_EQ(stage.begin(job_for(kFile, {0, 100}, {"gopher://x/", "http://a.example/f"}))->outcome(), "ok");
  EXPECT_EQ(stage.client.requests.size(), 1U);
}

TEST(RangeJob, IsCounted) {
  Stage stage(first({status_answer(500)}));
  expect_bytes(*stage.finish(job_for(kFile, {0, 1000})), {0, 1000});
  const std::string label = "origin=\"http://a.example:80\"";
  EXPECT_EQ(stage.metrics.value("astrofs_http_requests_total", label), 2);
  EXPECT_EQ(stage.metrics.value("astrofs_http_retries_total", label), 1);
  EXPECT_GE(stage.metrics.value("astrofs_http_received_bytes_total", label), 1000);
  EXPECT_EQ(stage.metrics.value("astrofs_http_in_flight"), 0);
  Stage failing(always(status_answer(403)));
  failing.finish(job_for(kFile, {0, 1000}));
  EXPECT_EQ(failing.metrics.value("astrofs_http_failures_total", "cause=\"denied\""), 1);
}

}  // namespace
}  // namespace astrofs::http
