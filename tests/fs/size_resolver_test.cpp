// Sizes that no listing gave: one question for a file, its neighbours asked along, nothing made up.
#include "fs/size_resolver.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <optional>
#include <string>
#include <vector>

#include "tests/backends/http_fake_client.h"
#include "tests/cache/block_support.h"
#include "tests/fs/sky.h"

namespace astrofs {
namespace {

/// Files are where their locators say.
class PathArchive final : public Archive {
 public:
  Result<std::variant<Listing, NotModified>> list(std::string_view, std::string_view,
                                                  std::stop_token) override {
    return fail(Errc::unavailable, "nobody lists here");
  }
  Result<std::vector<http::Request>> locate(std::string_view locator) override {
    if (known && *known != locator) return fail(Errc::unavailable, "its address has run out");
    http::Request request;
    request.url = "http://sky.example/" + std::string(locator);
    return std::vector{request};
  }
  [[nodiscard]] bool seeks(std::string_view) const override { return known.has_value(); }
  std::optional<std::string> known;  ///< the only file whose address has not run out
};

class SizeResolverTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kFiles = 200;
  static constexpr std::uint64_t kSize = 2880;
  using Answer = std::future<Result<Node>>;

  void SetUp() override {
    top_ = listed(kRootNode, {{"sky", NodeKind::directory, std::nullopt, {}, "", ""}}, "sky").id;
    std::vector<ListedEntry> files;
    for (std::size_t number = 0; number < kFiles; ++number) {
      const std::optional<std::uint64_t> size = number == kSized ? std::optional(kSize + 1) : std::nullopt;
      files.push_back({name(number), NodeKind::file, size, {}, name(number), ""});
    }
    first_ = listed(top_, std::move(files), name(0));
    archives_ = table_of_sky(*rig_.catalog, archive_);
    make(false);
  }
  void TearDown() override {
    resolver_->stop();
    fetcher_.stop();
    EXPECT_TRUE(rig_.writer->flush());  // what it was told of neighbours calls the resolver
    wake_.stop();
  }

  void make(bool offline) {
    resolver_ = std::make_unique<SizeResolver>(*rig_.catalog, *rig_.writer, *archives_, turns_, fetcher_,
                                               wake_, offline);
  }
  static std::string name(std::size_t number) { return fmt::format("{:04}.fits", number); }
  Node listed(NodeId dir, std::vector<ListedEntry> entries, const std::string& child) {
    rig_.writer->replace_listing(dir, std::move(entries), {}, {});
    EXPECT_TRUE(rig_.writer->flush());
    return *rig_.catalog->child(dir, child);
  }
  [[nodiscard]] Node file(std::size_t number) const { return *rig_.catalog->child(top_, name(number)); }

  Answer resolve(const Node& node) {
    auto promise = std::make_shared<std::promise<Result<Node>>>();
    resolver_->resolve(node, [promise](Result<Node> sized) { promise->set_value(std::move(sized)); });
    return promise->get_future();
  }
  [[nodiscard]] std::size_t asked(const std::string& part) const {
    return static_cast<std::size_t>(
        std::count_if(client_.requests.begin(), client_.requests.end(),
                      [&part](const http::Request& one) { return one.url.ends_with(part); }));
  }

  static constexpr std::size_t kSized = 3;  ///< the file whose size the listing gives
  block_test::Rig rig_;
  ManualClock clock_;
  Metrics metrics_;
  http::Scripted answer_{.status = 200,
                         .headers = {{"content-length", "2880"}, {"last-modified", "yesterday"}}};
  http::FakeClient client_{clock_, [this](const http::Request&) { return answer_; }};
  http::Fetcher fetcher_{client_, clock_, metrics_, {}};
  Executor wake_{"wake", 1};
  ArchiveTurns turns_{wake_, 1};
  NodeId top_{0};
  Node first_;
  PathArchive* archive_{nullptr};
  std::unique_ptr<ArchiveTable> archives_;
  std::unique_ptr<SizeResolver> resolver_;
};

TEST_F(SizeResolverTest, ASizeThatIsKnownIsToldAtOnceAndNobodyIsAsked) {
  EXPECT_EQ(resolve(file(kSized)).get()->size, kSize + 1);
  client_.run();
  EXPECT_TRUE(client_.requests.empty());
}

TEST_F(SizeResolverTest, OneQuestionForAFileHoweverManyWait) {
  std::vector<Answer> answers;
  for (int reader = 0; reader < 10; ++reader) answers.push_back(resolve(first_));
  client_.run();
  for (Answer& answer : answers) EXPECT_EQ(answer.get()->size, kSize);
  EXPECT_EQ(asked(name(0)), 1U);
  EXPECT_EQ(file(0).size, kSize);
}

TEST_F(SizeResolverTest, NeighboursAreAskedAlongButNotTheWholeDirectory) {
  Answer answer = resolve(first_);
  client_.run();
  EXPECT_EQ(answer.get()->size, kSize);
  EXPECT_EQ(asked(name(1)), 1U);
  EXPECT_EQ(asked(name(kSized)), 0U) << "its size is known";
  EXPECT_EQ(asked(name(kFiles - 1)), 0U);
  ASSERT_TRUE(rig_.writer->flush());
  EXPECT_EQ(file(1).size, kSize);
}

TEST_F(SizeResolverTest, NeighboursWhoseAddressesHaveRunOutAreNotSearchedFor) {
  archive_->known = name(1);
  EXPECT_FALSE(resolve(first_).get()) << "nobody searches here";
  client_.run();
  EXPECT_EQ(asked(name(1)), 1U);
  EXPECT_EQ(client_.requests.size(), 1U);
}

TEST_F(SizeResolverTest, ANeighbourThatIsRefusedIsNotAskedWithEachNameBeforeIt) {
  answer_ = {.status = 403};
  std::vector<std::size_t> questions;
  for (std::size_t number = 0; number < 2; ++number) {
    Answer answer = resolve(file(number));
    client_.run_for(std::chrono::minutes(2));
    EXPECT_FALSE(answer.get());
    questions.push_back(asked(name(5)));
  }
  EXPECT_GT(questions[0], 0U) << "asked along with the first";
  EXPECT_EQ(questions[1], questions[0]);
  Answer answer = resolve(file(5));
  client_.run_for(std::chrono::minutes(2));
  EXPECT_FALSE(answer.get());
  EXPECT_GT(asked(name(5)), questions[1]) << "who wants to know is told what is so now";
}

TEST_F(SizeResolverTest, TheSizeOfAnOldVersionIsNotTheNewOnes) {
  Answer answer = resolve(first_);
  constexpr std::uint64_t kNew = 9000;
  (void)listed(top_, {{name(0), NodeKind::file, kNew, {}, "moved", ""}}, name(0));
  ASSERT_NE(file(0).generation, first_.generation);
  client_.run();
  const Result<Node> sized = answer.get();
  ASSERT_TRUE(sized) << sized.error().message;
  EXPECT_EQ(sized->size, kNew);
  EXPECT_EQ(sized->generation, first_.generation + 1);
}

TEST_F(SizeResolverTest, OfflineNobodyIsAsked) {
  make(true);
  const Result<Node> sized = resolve(first_).get();
  ASSERT_FALSE(sized);
  EXPECT_EQ(sized.error().code, Errc::offline);
  client_.run();
  EXPECT_TRUE(client_.requests.empty());
}

TEST_F(SizeResolverTest, WhatItsArchiveDeniesIsNotFoundAndKeepsNoSize) {
  answer_ = {.status = 404};
  Answer answer = resolve(first_);
  client_.run_for(std::chrono::minutes(2));
  const Result<Node> sized = answer.get();
  ASSERT_FALSE(sized);
  EXPECT_EQ(sized.error().code, Errc::not_found);
  EXPECT_FALSE(file(0).size);
}

TEST_F(SizeResolverTest, AServerThatDoesNotSayHowLongAFileIsGivesItNone) {
  answer_.headers = {{"transfer-encoding", "chunked"}};
  Answer answer = resolve(first_);
  client_.run_for(std::chrono::minutes(2));
  const Result<Node> sized = answer.get();
  ASSERT_FALSE(sized);
  EXPECT_EQ(sized.error().code, Errc::unsupported);
  EXPECT_FALSE(file(0).size);
}

}  // namespace
}  // namespace astrofs
