// From a version of a file to requests for its bytes: who is asked at all, with which validators, and what is
// remembered of the answers.
#include "fs/remote_source.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/backends/http_fake_client.h"
#include "tests/cache/block_support.h"
#include "tests/fs/sky.h"

namespace astrofs {
namespace {

using Etags = std::map<std::string, std::string>;

constexpr const char* kNear = "http://near.example:80";
constexpr const char* kFar = "http://far.example:80";

/// Files are where their locators say, on two servers; listings come from the first.
class TwoMirrors final : public Archive {
 public:
  Result<std::variant<Listing, NotModified>> list(std::string_view, std::string_view,
                                                  std::stop_token) override {
    return fail(Errc::unavailable, "nobody lists here");
  }
  Result<std::vector<http::Request>> locate(std::string_view locator) override {
    if (locator.empty()) return fail(Errc::unsupported, "it lies nowhere");
    std::vector<http::Request> mirrors(2);
    mirrors[0].url = fmt::format("{}/{}", kNear, locator);
    mirrors[1].url = fmt::format("{}/{}", kFar, locator);
    return mirrors;
  }
  [[nodiscard]] std::string validator_origin() const override { return kNear; }
  [[nodiscard]] std::string advice() const override { return "log in first"; }
  [[nodiscard]] std::string credential_scope(std::string_view) const override { return scope; }

  std::string scope = "public";
};

/// What came of a fetch.
class Taken final : public Sink {
 public:
  bool begin(ByteRange range, std::function<void()>) override {
    arriving = range;
    return true;
  }
  Flow data(std::uint64_t, std::span<const std::byte> piece) override {
    for (const std::byte one : piece) bytes.push_back(static_cast<char>(one));
    return Flow::proceed;
  }
  void end(Result<void> outcome) override {
    ++ends;
    result = std::move(outcome);
  }
  [[nodiscard]] std::optional<Errc> error() const {
    return result ? std::nullopt : std::optional(result.error().code);
  }

  ByteRange arriving;
  std::string bytes;
  Result<void> result{fail(Errc::timed_out, "it has not ended")};
  int ends{0};
};

class RemoteSourceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const Node top = listed(kRootNode, {"sky", NodeKind::directory, std::nullopt, {}, "", ""});
    top_ = top.id;
    archives_ = table_of_sky(*rig_.catalog, mirrors_);
    restart();
  }
  void TearDown() override { fetcher_.stop(); }

  /// What was learnt stays in the catalog alone.
  void restart() {
    ASSERT_TRUE(rig_.writer->flush());
    source_ = std::make_unique<RemoteSource>(*rig_.catalog, *rig_.writer, *archives_, fetcher_,
                                             std::chrono::seconds(60));
  }
  Node listed(NodeId dir, ListedEntry entry) {
    const std::string name = entry.name;
    rig_.writer->replace_listing(dir, {std::move(entry)}, {}, {});
    EXPECT_TRUE(rig_.writer->flush());
    return *rig_.catalog->child(dir, name);
  }
  Node file(const std::string& validator, const std::string& locator = "frame.bin") {
    return listed(top_, {"frame.bin", NodeKind::file, kContent.size(), {}, locator, validator});
  }
  std::shared_ptr<Taken> fetch(const FileVersion& version, ByteRange range = {10, 20}) {
    auto taken = std::make_shared<Taken>();
    source_->fetch(version, range, FetchUrgency::demand, taken, {});
    client_.run_for(std::chrono::minutes(2));
    EXPECT_EQ(taken->ends, 1);
    return taken;
  }
  std::shared_ptr<Taken> fetch(const Node& node) { return fetch(archives_->version(node)); }
  [[nodiscard]] std::string sent(std::size_t request) const { return client_.requests.at(request).if_match; }
  [[nodiscard]] std::string remembered(const Node& node) {
    EXPECT_TRUE(rig_.writer->flush());
    const auto object = rig_.catalog->object(archives_->version(node).object);
    return object ? object->etags : "";
  }

  const std::string kContent = std::string(1000, 'x') + "the end";
  std::string etag_ = "\"first\"";
  std::string date_;
  int near_status_{206}, far_status_{206};  ///< what the servers say
  milliseconds delay_{0};                   ///< after which they do
  std::size_t total_{kContent.size()};      ///< and how long they say that the file is

  http::Scripted answer(const http::Request& request) const {
    http::Scripted said{.status = request.url.starts_with(kNear) ? near_status_ : far_status_,
                        .delay = delay_};
    if (said.status != 206) return said;
    const ByteRange range = *request.range;
    said.body = kContent.substr(range.offset, range.length);
    said.headers = {{"content-length", fmt::to_string(range.length)},
                    {"content-range", fmt::format("bytes {}-{}/{}", range.offset, range.end() - 1, total_)}};
    if (!etag_.empty()) said.headers.push_back({"etag", etag_});
    if (!date_.empty()) said.headers.push_back({"last-modified", date_});
    return said;
  }

  block_test::Rig rig_;
  ManualClock clock_;
  Metrics metrics_;
  http::FakeClient client_{clock_, [this](const http::Request& request) { return answer(request); }};
  http::Fetcher fetcher_{client_, clock_, metrics_, {}};
  NodeId top_{0};
  TwoMirrors* mirrors_{nullptr};
  std::unique_ptr<ArchiveTable> archives_;
  std::unique_ptr<RemoteSource> source_;
};

TEST_F(RemoteSourceTest, BringsTheBytesThatWereAskedForAndNoMore) {
  const auto taken = fetch(file(""));
  ASSERT_TRUE(taken->result);
  EXPECT_EQ(taken->arriving, (ByteRange{10, 20}));
  EXPECT_EQ(taken->bytes, kContent.substr(10, 20));
  ASSERT_EQ(client_.requests.size(), 1U);
  EXPECT_EQ(client_.requests[0].url, std::string(kNear) + "/frame.bin");
}

TEST_F(RemoteSourceTest, WhatCannotBeServedAsksNobody) {
  const Node node = file("");
  const FileVersion version = archives_->version(node);
  FileVersion older = version;
  older.generation += 1;
  EXPECT_EQ(fetch(older)->error(), Errc::stale);
  FileVersion unknown = version;
  unknown.node = 4711;
  EXPECT_EQ(fetch(unknown)->error(), Errc::unavailable) << "not a word of the archive's";
  Node orphan = listed(kRootNode, {"old", NodeKind::directory, std::nullopt, {}, "", ""});
  orphan = listed(orphan.id, {"frame.bin", NodeKind::file, kContent.size(), {}, "frame.bin", ""});
  EXPECT_EQ(fetch(orphan)->error(), Errc::unavailable) << "of an archive that is not configured any more";
  EXPECT_EQ(fetch(file("", ""))->error(), Errc::unsupported) << "it lies nowhere";
  EXPECT_TRUE(client_.requests.empty());
}

TEST_F(RemoteSourceTest, AMissingFrameIsNotAskedForAgain) {
  Node node = file("");
  rig_.writer->set_missing(node.id, node.generation, true, {});
  ASSERT_TRUE(rig_.writer->flush());
  node = *rig_.catalog->node(node.id);
  EXPECT_EQ(fetch(node)->error(), Errc::not_found);
  EXPECT_TRUE(client_.requests.empty());
}

TEST_F(RemoteSourceTest, WhatWasOpenedBeforeALoginIsNotAskedForWithIt) {
  const Node node = file("");
  const FileVersion before = archives_->version(node);
  mirrors_->scope = "of somebody";
  EXPECT_EQ(fetch(before)->error(), Errc::denied);
  EXPECT_TRUE(client_.requests.empty());
  EXPECT_TRUE(fetch(node)->result);
}

TEST_F(RemoteSourceTest, AVersionThatContradictsItsChecksumIsNotFetched) {
  const Node node = file("");
  rig_.writer->set_verdict(archives_->version(node), Verdict::refused, "DATASUM of HDU 1");
  ASSERT_TRUE(rig_.writer->flush());
  const auto taken = fetch(node);
  EXPECT_EQ(taken->error(), Errc::corrupt);
  EXPECT_NE(taken->result.error().message.find("DATASUM of HDU 1"), std::string::npos);
  EXPECT_TRUE(client_.requests.empty());
}

TEST_F(RemoteSourceTest, TheListingsStrongValidatorGoesWhereItCameFromOnly) {
  near_status_ = 503;
  const auto taken = fetch(file("\"first\""));
  ASSERT_TRUE(taken->result) << taken->result.error().message;
  bool far_was_asked = false;
  for (const http::Request& request : client_.requests) {
    const bool near = request.url.starts_with(kNear);
    EXPECT_EQ(request.if_match, near ? "\"first\"" : "") << request.url;
    far_was_asked = far_was_asked || !near;
  }
  EXPECT_TRUE(far_was_asked);
}

TEST_F(RemoteSourceTest, WhatAnAnswerCarriedIsKnownAfterARestart) {
  const Node node = file("");
  ASSERT_TRUE(fetch(node)->result);
  EXPECT_EQ(sent(0), "");
  EXPECT_EQ(remembered(node), std::string(kNear) + " \"first\"\n");
  restart();
  ASSERT_TRUE(fetch(node)->result);
  EXPECT_EQ(sent(1), "\"first\"");
}

TEST_F(RemoteSourceTest, AnAnswerOfAnotherVersionIsStaleAndNoneOfItsBytesAreTaken) {
  const Node node = file("");
  ASSERT_TRUE(fetch(node)->result);
  etag_ = "\"second\"";  // of a server that does not heed If-Match
  for (const bool anew : {false, true}) {
    if (anew) restart();
    const auto taken = fetch(node);
    EXPECT_EQ(taken->error(), Errc::stale);
    EXPECT_EQ(taken->bytes, "");
  }
  EXPECT_EQ(remembered(node), std::string(kNear) + " \"first\"\n");
}

TEST_F(RemoteSourceTest, AnotherTotalUnderOneETagDoubtsASizeThatWasAskedForAndNoneThatWasListed) {
  total_ += 4096;
  EXPECT_EQ(fetch(file(std::string(kNear) + " \"first\""))->error(), Errc::stale) << "a server's word for it";
  far_status_ = 404;
  EXPECT_EQ(fetch(file("\"first\""))->error(), Errc::corrupt);
}

TEST_F(RemoteSourceTest, AWeakValidatorIsNeverSentButADateBesideItTellsOfChange) {
  etag_ = "W/\"first\"";
  date_ = "Mon, 03 Dec 2018 12:00:00 GMT";
  const Node node = file("");
  ASSERT_TRUE(fetch(node)->result);
  restart();
  ASSERT_TRUE(fetch(node)->result);
  EXPECT_EQ(sent(1), "");
  date_ = "Tue, 04 Dec 2018 12:00:00 GMT";
  EXPECT_EQ(fetch(node)->error(), Errc::stale);
}

TEST_F(RemoteSourceTest, TheLineIsThatOfTheHostThatSentBytesLast) {
  const MountedArchive& archive = *archives_->all().begin();
  EXPECT_FALSE(source_->pace(archive).latency) << "nobody has sent any";
  delay_ = std::chrono::milliseconds(70);
  near_status_ = 404;
  ASSERT_TRUE(fetch(file(""))->result);
  EXPECT_EQ(source_->pace(archive).latency, delay_);
  delay_ = std::chrono::milliseconds(20);
  near_status_ = 206;
  ASSERT_TRUE(fetch(file(""))->result);
  EXPECT_LT(source_->pace(archive).latency, std::chrono::milliseconds(70)) << "of the first mirror";
  EXPECT_EQ(source_->pace(archive).connections, fetcher_.status()[0].budget);
}

TEST_F(RemoteSourceTest, WhoIsDeniedHearsWhatToDo) {
  far_status_ = near_status_ = 403;
  const auto taken = fetch(file(""));
  EXPECT_EQ(taken->error(), Errc::denied);
  EXPECT_TRUE(taken->result.error().message.ends_with("; log in first")) << taken->result.error().message;
}

TEST_F(RemoteSourceTest, NothingThatAnArchiveServesIsMadeOffline) {
  EXPECT_FALSE(source_->works_offline(archives_->version(file(""))));
}

TEST(Validators, TheFirstAnswerOfEachOriginDecides) {
  Validators validators(Etags{{kFar, "\"b\""}});
  http::ContentInfo info{.etag = "\"a\"", .origin = kNear};
  EXPECT_EQ(validators.judge(info), Validators::Verdict::learnt);
  EXPECT_EQ(validators.judge(info), Validators::Verdict::same);
  info.etag = "\"c\"";
  EXPECT_EQ(validators.judge(info), Validators::Verdict::other);
  info.origin = kFar;
  EXPECT_EQ(validators.judge(info), Validators::Verdict::other) << "known before any answer";
  EXPECT_EQ(validators.strong(), (Etags{{kNear, "\"a\""}, {kFar, "\"b\""}}));
}

TEST(Validators, AServerThatSaysNothingOrSaysItInAnotherWayHasNotContradicted) {
  Validators validators(Etags{});
  EXPECT_EQ(validators.judge({.origin = kNear}), Validators::Verdict::same);
  EXPECT_EQ(validators.judge({.etag = "\"a\"", .origin = kNear}), Validators::Verdict::learnt);
  EXPECT_EQ(validators.judge({.last_modified = "yesterday", .origin = kNear}), Validators::Verdict::same);
  EXPECT_EQ(validators.judge({.origin = kNear}), Validators::Verdict::same);
}

TEST(Validators, AreKeptAsLinesAndReadBack) {
  const Etags etags{{kNear, "\"a b\""}, {kFar, "Mon, 03 Dec 2018 12:00:00 GMT"}};
  EXPECT_EQ(parse_etags(format_etags(etags)), etags);
  EXPECT_EQ(parse_etags(""), Etags{});
  EXPECT_EQ(parse_etags("no-validator\nhttp://h:80 \"x\"\nrest"), (Etags{{"http://h:80", "\"x\""}}));
}

}  // namespace
}  // namespace astrofs
