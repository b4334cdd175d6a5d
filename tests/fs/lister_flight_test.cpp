// Who asks for a directory's listing, and which of the archive's answers he gets.
#include <gtest/gtest.h>

#include <deque>
#include <future>
#include <optional>
#include <string>
#include <vector>

#include "fs/lister.h"
#include "tests/cache/block_support.h"
#include "tests/fs/sky.h"

namespace astrofs {
namespace {

using Listed = Result<std::variant<Listing, NotModified>>;

/// What the test answers, when it does.
class SlowArchive final : public Archive {
 public:
  Listed list(std::string_view, std::string_view, std::stop_token) override {
    std::promise<Listed> answer;
    std::future<Listed> awaited = answer.get_future();
    {
      const std::lock_guard lock(mutex_);
      asked_.push_back(std::move(answer));
    }
    changed_.notify_all();
    return awaited.get();
  }
  Result<std::vector<http::Request>> locate(std::string_view) override {
    return std::vector<http::Request>{};
  }

  /// The next question; a broken lister's never comes, and the test hangs until it is ended.
  std::promise<Listed> next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !asked_.empty(); });
    std::promise<Listed> answer = std::move(asked_.front());
    asked_.pop_front();
    ++questions_;
    return answer;
  }
  [[nodiscard]] std::size_t questions() {
    const std::lock_guard lock(mutex_);
    return questions_ + asked_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::promise<Listed>> asked_;
  std::size_t questions_{0};
};

class ListerFlight : public ::testing::Test {
 protected:
  using Told = std::future<Result<void>>;

  void SetUp() override {
    archives_ = table_of_sky(*rig_.catalog, archive_);
    lister_ = std::make_unique<Lister>(*rig_.catalog, *rig_.writer, *archives_, notices_, turns_, threads_,
                                       clock_, metrics_, false);
    ASSERT_TRUE(lister_->list_root());
    dir_ = *rig_.catalog->child(kRootNode, "sky");
  }
  void TearDown() override {
    lister_->stop();
    EXPECT_TRUE(rig_.writer->flush());
    threads_.stop();
  }

  static Listed with(const std::string& name) {
    Listing listing;
    listing.entries.emplace_back().name = name;
    return std::variant<Listing, NotModified>(std::move(listing));
  }
  Told ensure() {
    auto told = std::make_shared<std::promise<Result<void>>>();
    lister_->ensure(dir_, [told](Result<void> result) { told->set_value(std::move(result)); });
    return told->get_future();
  }
  Told refresh() {
    auto told = std::make_shared<std::promise<Result<void>>>();
    lister_->refresh(dir_, [told](Result<void> result) { told->set_value(std::move(result)); });
    return told->get_future();
  }
  [[nodiscard]] bool shows(const std::string& name) const {
    return rig_.catalog->child(dir_.id, name).has_value();
  }

  block_test::Rig rig_;
  ManualClock clock_;
  Metrics metrics_;
  SilentNotices notices_;
  Executor threads_{"list", 2};
  ArchiveTurns turns_{threads_, 2};
  SlowArchive* archive_{nullptr};
  std::unique_ptr<ArchiveTable> archives_;
  std::unique_ptr<Lister> lister_;
  Node dir_;
};

TEST_F(ListerFlight, ReadersWhoComeTogetherShareOneListing) {
  Told first = ensure();
  std::promise<Listed> answer = archive_->next();
  Told second = ensure();
  answer.set_value(with("a"));
  EXPECT_TRUE(first.get());
  EXPECT_TRUE(second.get());
  EXPECT_EQ(archive_->questions(), 1U);
}

TEST_F(ListerFlight, ARefreshIsToldWhatTheArchiveSaysAfterIt) {
  Told reader = ensure();
  std::promise<Listed> before = archive_->next();
  Told first = refresh();
  Told second = refresh();
  before.set_value(with("old"));
  EXPECT_TRUE(reader.get());
  std::promise<Listed> after = archive_->next();
  EXPECT_EQ(first.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  after.set_value(with("new"));
  EXPECT_TRUE(first.get());
  EXPECT_TRUE(second.get());
  EXPECT_TRUE(shows("new"));
  EXPECT_FALSE(shows("old"));
  EXPECT_EQ(archive_->questions(), 2U) << "two who refresh at once share one";
}

TEST_F(ListerFlight, WhoIsToldOfAFailureFindsItNoted) {
  Told reader = ensure();
  archive_->next().set_value(fail(Errc::unavailable, "a moment's trouble"));
  EXPECT_FALSE(reader.get());
  const Result<ListingState> noted = rig_.catalog->listing(dir_.id);
  ASSERT_TRUE(noted);
  EXPECT_EQ(noted->last_error, "a moment's trouble");
}

TEST_F(ListerFlight, AFailureThatBeganBeforeARefreshIsNotThatRefreshs) {
  Told reader = ensure();
  std::promise<Listed> before = archive_->next();
  Told refreshed = refresh();
  before.set_value(fail(Errc::unavailable, "a moment's trouble"));
  EXPECT_FALSE(reader.get());
  archive_->next().set_value(with("a"));
  EXPECT_TRUE(refreshed.get());
  EXPECT_TRUE(shows("a"));
}

}  // namespace
}  // namespace astrofs
