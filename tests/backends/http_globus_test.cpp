// What is particular about a Globus collection's HTTPS: the words behind a 404, ranges without a total, no
// HEAD.
#include <gtest/gtest.h>

#include "tests/backends/http_stage.h"

namespace astrofs::http {
namespace {

const std::string kFile = fits_like(300'000);
const std::string kSick =
    "Mapping collection to specified ID failed.\nGlobusError: v=1 c=ENDPOINT_ERROR\nGCS Manager Internal "
    "Error\n";
const std::string kGone = "File not found\nGlobusError: v=1 c=PATH_NOT_FOUND\nGridFTP-Errno: 2\n";

Scripted said_404(const std::string& body) {
  Scripted answer = status_answer(404);
  answer.body = body;
  return answer;
}

/// The file as a collection serves it: no ETag, no total.
Scripted served(const Request& request) {
  Scripted answer = good_answer(request, kFile, "");
  for (Header& header : answer.headers) {
    if (header.name == "content-range") header.value.replace(header.value.find('/'), std::string::npos, "/*");
  }
  return answer;
}

RangeJob job_of_collection(ByteRange range) {
  RangeJob job = job_for(kFile, range);
  for (Request& mirror : job.mirrors) mirror.globus_collection = true;
  return job;
}

TEST(GlobusCollection, ARangeWithoutATotalIsTakenFromItAlone) {
  Stage stage(served);
  const auto got = stage.finish(job_of_collection({1000, 5000}));
  EXPECT_EQ(got->outcome(), "ok");
  EXPECT_TRUE(got->bytes == kFile.substr(1000, 5000));
  EXPECT_EQ(stage.finish(job_for(kFile, {1000, 5000}))->outcome(), "corrupt");
}

TEST(GlobusCollection, A404MeansGoneOnlyWithTheWordsForIt) {
  Stage gone([](const Request&) { return said_404(kGone); });
  EXPECT_EQ(gone.finish(job_of_collection({0, 100}))->outcome(), "not_found");
  EXPECT_EQ(gone.client.requests.size(), 2U);

  Stage both([](const Request&) { return said_404(kSick + kGone); });
  EXPECT_EQ(both.finish(job_of_collection({0, 100}))->outcome(), "not_found") << "the lasting cause wins";

  for (const std::string& body : {kSick, std::string(), std::string("<html>404</html>")}) {
    Stage sick([&body](const Request&) { return said_404(body); });
    EXPECT_EQ(sick.finish(job_of_collection({0, 100}))->outcome(), "unavailable") << body;
  }
}

TEST(GlobusCollection, ASickBackEndIsAskedAgainOverAnotherConnection) {
  auto asked = std::make_shared<int>(0);
  Stage stage([asked](const Request& request) { return ++*asked <= 3 ? said_404(kSick) : served(request); });
  const auto got = stage.finish(job_of_collection({0, 100}));
  EXPECT_EQ(got->outcome(), "ok");
  ASSERT_EQ(stage.client.requests.size(), 4U);
  EXPECT_FALSE(stage.client.requests[0].fresh_connection);
  for (std::size_t i = 1; i < 4; ++i) EXPECT_TRUE(stage.client.requests[i].fresh_connection) << i;
}

Result<ContentInfo> probe(Stage& stage) {
  Request request;
  request.url = "http://a.example/f";
  request.globus_collection = true;
  std::optional<Result<ContentInfo>> got;
  stage.fetcher->probe({request}, [&got](Result<ContentInfo> info) { got = std::move(info); });
  stage.client.run_for(std::chrono::minutes(2));
  return got.value_or(fail(Errc::internal, "no answer"));
}

TEST(GlobusCollection, ASizeIsAskedForWithoutHead) {
  Stage stage(served);
  const auto info = probe(stage);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->size, kFile.size());
  ASSERT_EQ(stage.client.requests.size(), 1U);
  EXPECT_EQ(stage.client.requests[0].method, Method::get);
  EXPECT_FALSE(stage.client.requests[0].range);
}

TEST(GlobusCollection, ASizeIsNotMissingWhenTheBackEndIsSick) {
  auto asked = std::make_shared<int>(0);
  Stage sick([asked](const Request& request) { return ++*asked <= 2 ? said_404(kSick) : served(request); });
  EXPECT_EQ(probe(sick)->size, kFile.size());
  Stage gone([](const Request&) { return said_404(kGone); });
  EXPECT_EQ(probe(gone).error().code, Errc::not_found);
}

}  // namespace
}  // namespace astrofs::http
