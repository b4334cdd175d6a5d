// Files that are built of others: one build however many ask, failures that are held for a while, and an end
// that leaves nobody waiting. What is built, and of what, tests/mount/hdf5.py tries.
#include "fs/builds.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/backends/http_fake_client.h"
#include "tests/cache/block_support.h"
#include "tests/fs/sky.h"
#include "tests/support/fresh_dir.h"

namespace astrofs {
namespace {

/// Lists one file. Its recipes wait until they are let go, and name parts that nobody has.
class RecipeArchive final : public Archive {
 public:
  Result<std::variant<Listing, NotModified>> list(std::string_view, std::string_view,
                                                  std::stop_token) override {
    Listing listing;
    listing.entries.push_back({"a.hdf5", EntryKind::file, std::nullopt, {}, "a", ""});
    return std::variant<Listing, NotModified>(std::move(listing));
  }
  Result<std::vector<http::Request>> locate(std::string_view) override {
    return fail(Errc::unsupported, "it is built");
  }
  bool builds(std::string_view) const override { return true; }
  Result<Recipe> recipe(std::string_view, std::stop_token stop) override {
    ++asked;
    while (held && !stop.stop_requested()) std::this_thread::yield();
    if (stop.stop_requested()) return fail(Errc::interrupted, "the mount is ending");
    if (failing) return fail(Errc::unavailable, "no recipe now");
    Recipe recipe;
    recipe.datasets = {{"id", Recipe::Type::i8, Recipe::From::given, "", 0}};
    recipe.parts = {{{"lost.fits"}, {1}}};
    return recipe;
  }

  std::atomic<int> asked{0};
  std::atomic<bool> held{false}, failing{false};
};

class BuildsTest : public ::testing::Test {
 protected:
  using Answer = std::future<Result<Builds::Version>>;

  BuildsTest() {
    rig_.writer->replace_listing(kRootNode, {{"sky", NodeKind::directory, std::nullopt, {}, "", ""}}, {}, {});
    EXPECT_TRUE(rig_.writer->flush());
    const NodeId sky = rig_.catalog->child(kRootNode, "sky")->id;
    ListingState listed;
    listed.fetched = clock_.wall();
    listed.good_for = std::chrono::hours(1);
    rig_.writer->replace_listing(sky,
                                 {{"a.hdf5", NodeKind::file, std::nullopt, {}, "a", ""},
                                  {"b.hdf5", NodeKind::file, std::nullopt, {}, "b", ""}},
                                 listed, {});
    EXPECT_TRUE(rig_.writer->flush());
    for (std::size_t i = 0; i < files_.size(); ++i)
      files_[i] = *rig_.catalog->child(sky, i == 0 ? "a.hdf5" : "b.hdf5");
    archives_ = table_of_sky(*rig_.catalog, archive_);
  }
  ~BuildsTest() override {
    builds_.reset();
    store_.stop();
    EXPECT_TRUE(rig_.writer->flush());  // the end of a listing is told from the index's thread
  }

  void make(const std::string& left = {}, bool offline = true) {
    if (!left.empty()) UniqueFd(::creat(folder_.path(left).c_str(), 0600));
    lister_ = std::make_unique<Lister>(*rig_.catalog, *rig_.writer, *archives_, notices_, turns_, store_,
                                       clock_, metrics_, offline);
    sizes_ = std::make_unique<SizeResolver>(*rig_.catalog, *rig_.writer, *archives_, turns_, fetcher_, store_,
                                            true);
    finder_ = std::make_unique<PathFinder>(*rig_.catalog, *lister_, *sizes_, std::chrono::seconds(10));
    builds_ = std::make_unique<Builds>(BuildMeans{*archives_,
                                                  *rig_.writer,
                                                  *rig_.cache,
                                                  *finder_,
                                                  folder_.path(),
                                                  ASTROFS_HDF5,
                                                  {256ULL << 20, 0},
                                                  2,
                                                  std::chrono::seconds(10)},
                                       *rig_.catalog, store_, clock_, BuildsOptions{.quota = 64ULL << 20});
  }
  Answer ask(std::size_t file) {
    auto promise = std::make_shared<std::promise<Result<Builds::Version>>>();
    builds_->ask(archives_->all().front(), files_.at(file),
                 [promise](Result<Builds::Version> version) { promise->set_value(std::move(version)); });
    return promise->get_future();
  }
  Errc error_of(Answer answer) {
    const auto version = answer.get();
    return version ? Errc::internal : version.error().code;
  }

  block_test::Rig rig_;
  ManualClock clock_;
  Metrics metrics_;
  http::FakeClient client_{clock_, [](const http::Request&) { return http::Scripted{}; }};
  http::Fetcher fetcher_{client_, clock_, metrics_, {}};
  Executor store_{"store", 1};
  ArchiveTurns turns_{store_, 1};
  SilentNotices notices_;
  const FreshDir folder_;
  std::array<Node, 2> files_;
  RecipeArchive* archive_{nullptr};
  std::unique_ptr<ArchiveTable> archives_;
  std::unique_ptr<Lister> lister_;
  std::unique_ptr<SizeResolver> sizes_;
  std::unique_ptr<PathFinder> finder_;
  std::unique_ptr<Builds> builds_;
};

TEST_F(BuildsTest, OneBuildForAFileHoweverManyAsk) {
  make();
  archive_->held = true;
  std::vector<Answer> answers;
  for (int reader = 0; reader < 5; ++reader) answers.push_back(ask(0));
  answers.push_back(ask(1));
  while (archive_->asked < 2) std::this_thread::yield();
  EXPECT_TRUE(builds_->progress(files_[0].id));
  archive_->held = false;
  for (Answer& answer : answers) EXPECT_EQ(error_of(std::move(answer)), Errc::not_found) << "it has no part";
  EXPECT_EQ(archive_->asked, 2);
  EXPECT_FALSE(builds_->progress(files_[0].id));
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path())) << "what was begun has no name any more";
}

TEST_F(BuildsTest, AFailureIsToldForAWhileAndThenItIsTriedAgain) {
  make();
  archive_->failing = true;
  EXPECT_EQ(error_of(ask(0)), Errc::unavailable);
  EXPECT_EQ(error_of(ask(0)), Errc::unavailable);
  EXPECT_EQ(archive_->asked, 1);
  clock_.advance(milliseconds(2'500));
  EXPECT_EQ(error_of(ask(0)), Errc::unavailable);
  EXPECT_EQ(archive_->asked, 2);
}

TEST_F(BuildsTest, TheEndLeavesNobodyWaiting) {
  make();
  archive_->held = true;
  Answer running = ask(0);
  while (archive_->asked < 1) std::this_thread::yield();
  builds_->stop();
  EXPECT_EQ(error_of(std::move(running)), Errc::interrupted);
  EXPECT_EQ(error_of(ask(1)), Errc::interrupted) << "nothing is begun any more";
  builds_->join();
}

TEST_F(BuildsTest, TheEndDoesNotWaitForTheVersionOfAFileThatWasBuilt) {
  make({}, false);
  lister_->attach(*builds_);
  rig_.writer->set_size(files_[0].id, files_[0].generation, 5, {}, "built before", {});
  ASSERT_TRUE(rig_.writer->flush());
  archive_->held = true;
  std::promise<Result<void>> listed;
  lister_->refresh(*rig_.catalog->node(files_[0].parent),
                   [&listed](Result<void> result) { listed.set_value(std::move(result)); });
  while (archive_->asked < 1) std::this_thread::yield();
  lister_->stop();
  auto end = listed.get_future();
  EXPECT_EQ(end.wait_for(std::chrono::seconds(30)), std::future_status::ready);
  archive_->held = false;
  end.wait();
}

TEST_F(BuildsTest, WhatAKilledMountHasLeftIsTakenAway) {
  make("building-abcdef");
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

}  // namespace
}  // namespace astrofs
