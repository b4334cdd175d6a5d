// Files that are ordered: together, once, and heard of when they are whole.
#include "fs/orders.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <set>

#include "cache/catalog.h"
#include "tests/support/fresh_dir.h"

namespace astrofs {
namespace {

namespace stdfs = std::filesystem;
using Phase = OrderProgress::Phase;

/// A service that does what the test says. Its orders are lines: the id, where to, then a place each.
class FakeCourier final : public Courier {
 public:
  explicit FakeCourier(std::string folder) : folder_(std::move(folder)) {}

  [[nodiscard]] std::optional<Parcel> parcel(std::string_view) const override { return std::nullopt; }
  [[nodiscard]] const std::string& folder() const override { return folder_; }
  Result<std::uint64_t> size(const Parcel&, std::stop_token) override { return 5; }
  Result<std::string> new_id(std::stop_token) override { return "id" + std::to_string(++last_); }
  Result<std::string> write(const PlacedOrder& order, std::string_view below, std::stop_token) override {
    std::string text = order.id + "\n" + std::string(below);
    for (const Parcel& parcel : order.parcels) text += "\n" + parcel.place;
    return text;
  }
  [[nodiscard]] Result<PlacedOrder> read(std::string_view text) const override {
    const std::vector<std::string> lines = lines_of(text);
    PlacedOrder order{lines.at(0), {}};
    for (std::size_t i = 2; i < lines.size(); ++i)
      order.parcels.push_back({"batch", "/" + lines[i], lines[i]});
    return order;
  }
  Result<std::string> place(const std::string& text, std::stop_token) override {
    const MutexLock lock(mutex_);
    texts_.push_back(text);
    if (refuses_) return tl::unexpected<Error>(*refuses_);
    placed_[lines_of(text)[0]] = text;
    return "task-" + lines_of(text)[0];
  }
  Result<OrderProgress> progress(const std::string& name, std::stop_token) override {
    const MutexLock lock(mutex_);
    ++looks_;
    const std::string id = name.substr(5);
    if (done_all_ && progress_.phase == Phase::under_way) {
      bring(id);
      return OrderProgress{Phase::done, false, "SUCCEEDED", 0, 0};
    }
    return progress_;
  }
  Result<std::map<std::string, Error>> left_out(const std::string&, std::stop_token) override {
    const MutexLock lock(mutex_);
    if (silent_) return tl::unexpected<Error>(*silent_);
    return missing_;
  }

  // ---- what the test says
  void finish_all() {
    const MutexLock lock(mutex_);
    done_all_ = true;
  }
  void report(OrderProgress progress) {
    const MutexLock lock(mutex_);
    progress_ = std::move(progress);
  }
  void refuse(std::optional<Error> error) {
    const MutexLock lock(mutex_);
    refuses_ = std::move(error);
  }
  /// Of what is left out.
  void say_nothing(Error error) {
    const MutexLock lock(mutex_);
    silent_ = std::move(error);
  }
  void lose(const std::string& place, Errc code) {
    const MutexLock lock(mutex_);
    missing_["/" + place] = Error{code, "left out"};
  }
  [[nodiscard]] std::vector<std::string> texts() const {
    const MutexLock lock(mutex_);
    return texts_;
  }
  [[nodiscard]] std::size_t placed() const {
    const MutexLock lock(mutex_);
    return placed_.size();
  }
  [[nodiscard]] int looks() const { return looks_; }

 private:
  static std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
      lines.emplace_back(text.substr(0, text.find('\n')));
      text.remove_prefix(std::min(text.size(), lines.back().size() + 1));
    }
    return lines;
  }
  void bring(const std::string& id) REQUIRES(mutex_) {
    const std::vector<std::string> lines = lines_of(placed_.at(id));
    for (std::size_t i = 2; i < lines.size(); ++i) {
      if (missing_.contains("/" + lines[i])) continue;
      const stdfs::path path = stdfs::path(folder_) / lines[1] / lines[i];
      stdfs::create_directories(path.parent_path());
      std::ofstream(path) << "whole";
    }
  }

  const std::string folder_;
  std::atomic<int> last_{0}, looks_{0};
  mutable Mutex mutex_;
  bool done_all_ GUARDED_BY(mutex_){false};
  OrderProgress progress_ GUARDED_BY(mutex_){Phase::under_way, false, "ACTIVE", 0, 0};
  std::optional<Error> refuses_ GUARDED_BY(mutex_);
  std::optional<Error> silent_ GUARDED_BY(mutex_);
  std::map<std::string, Error> missing_ GUARDED_BY(mutex_);
  std::vector<std::string> texts_ GUARDED_BY(mutex_);
  std::map<std::string, std::string> placed_ GUARDED_BY(mutex_);
};

class OrderingArchive final : public Archive {
 public:
  explicit OrderingArchive(Courier& courier) : courier_(courier) {}
  Result<std::variant<Listing, NotModified>> list(std::string_view, std::string_view,
                                                  std::stop_token) override {
    return fail(Errc::unavailable, "nobody lists here");
  }
  Result<std::vector<http::Request>> locate(std::string_view) override {
    return fail(Errc::unavailable, "nobody fetches here");
  }
  Courier* courier() override { return &courier_; }

 private:
  Courier& courier_;
};

constexpr std::uint64_t kSize = 5;

class OrdersTest : public ::testing::Test {
 protected:
  void SetUp() override {
    stdfs::create_directory(dir_ / "folder");
    auto catalog = Catalog::open({dir_ / "cache", 1ULL << 24});
    ASSERT_TRUE(catalog) << catalog.error().message;
    catalog_ = std::move(*catalog);
    courier_ = std::make_unique<FakeCourier>((dir_ / "folder").string());
    std::vector<MountedArchive> archives(1);
    archives[0].name = "dkist";
    archives[0].archive = std::make_unique<OrderingArchive>(*courier_);
    archives_ = std::make_unique<ArchiveTable>(*catalog_, std::move(archives));
    begin();
  }

  void begin() { orders_ = std::make_unique<Orders>(*archives_, options_); }
  [[nodiscard]] const MountedArchive& archive() const { return archives_->all().front(); }
  std::future<Result<void>> want(const std::string& place, const std::string& batch = "batch") {
    auto promise = std::make_shared<std::promise<Result<void>>>();
    orders_->want(archive(), {batch, "/" + place, place}, kSize,
                  [promise](Result<void> result) { promise->set_value(std::move(result)); });
    return promise->get_future();
  }
  [[nodiscard]] bool is_here(const std::string& place) const {
    return orders_->open(archive(), place, kSize).has_value();
  }
  /// One of a.fits is under way, and the mount that placed it has ended.
  void leave_an_order() {
    (void)want("a.fits");
    ASSERT_TRUE(eventually([&] { return courier_->looks() > 0; }));
    orders_.reset();
  }
  template <class Condition>
  static bool eventually(Condition condition) {
    for (int i = 0; i < 6000 && !condition(); ++i) std::this_thread::sleep_for(milliseconds(5));
    return condition();
  }

  OrdersOptions options_{milliseconds(30), milliseconds(5), milliseconds(20), milliseconds(60'000)};
  const FreshDir place_;
  const stdfs::path dir_ = place_.path();
  std::unique_ptr<Catalog> catalog_;
  std::unique_ptr<FakeCourier> courier_;
  std::unique_ptr<ArchiveTable> archives_;
  std::unique_ptr<Orders> orders_;
};

TEST_F(OrdersTest, WhatIsWantedTogetherIsOneOrderAndAFileTwiceIsOne) {
  options_.gather = milliseconds(2000);  // together, also where a thread waits for its turn
  orders_.reset();
  begin();
  courier_->finish_all();
  auto first = want("a.fits");
  auto second = want("b.fits");
  auto again = want("a.fits");
  EXPECT_TRUE(first.get());
  EXPECT_TRUE(second.get());
  EXPECT_TRUE(again.get());
  EXPECT_EQ(courier_->texts(), std::vector<std::string>{"id1\nincoming/id1\na.fits\nb.fits"});
  EXPECT_TRUE(is_here("a.fits") && is_here("b.fits"));
  EXPECT_TRUE(orders_->status().empty());
  EXPECT_TRUE(stdfs::is_empty(dir_ / "folder/incoming"));
}

TEST_F(OrdersTest, AFileIsNotThereBeforeItsOrderIsDoneThoughItIsThereInPart) {
  auto file = want("a.fits");
  ASSERT_TRUE(eventually([&] { return courier_->looks() > 3; }));
  stdfs::create_directories(dir_ / "folder/incoming/id1");
  std::ofstream(dir_ / "folder/incoming/id1/a.fits") << "whole";  // of that length, and yet perhaps a part
  EXPECT_EQ(file.wait_for(milliseconds(50)), std::future_status::timeout);
  EXPECT_FALSE(is_here("a.fits"));
  const auto status = orders_->of(archive(), "a.fits");
  ASSERT_TRUE(status);
  EXPECT_EQ(status->name, "task-id1");
  EXPECT_EQ(status->words, "ACTIVE");
  EXPECT_EQ(status->waiting, 1U);
  courier_->finish_all();
  EXPECT_TRUE(file.get());
  EXPECT_TRUE(is_here("a.fits"));
}

TEST_F(OrdersTest, WhoComesLaterWaitsForTheOrderThatIsUnderWay) {
  auto first = want("a.fits");
  ASSERT_TRUE(eventually([&] { return courier_->looks() > 0; }));
  auto second = want("a.fits");
  courier_->finish_all();
  EXPECT_TRUE(first.get());
  EXPECT_TRUE(second.get());
  EXPECT_EQ(courier_->placed(), 1U);
}

TEST_F(OrdersTest, WhatIsMissingOverThereIsSaidOfThatFileAlone) {
  courier_->lose("lost.fits", Errc::not_found);
  courier_->lose("secret.fits", Errc::denied);
  courier_->finish_all();
  auto lost = want("lost.fits");
  auto secret = want("secret.fits");
  auto good = want("good.fits");
  EXPECT_EQ(lost.get().error().code, Errc::not_found);
  EXPECT_EQ(secret.get().error().code, Errc::denied);
  EXPECT_TRUE(good.get());
}

TEST_F(OrdersTest, AnOrderThatCannotGetOnIsAnErrorAtOnceAndItsFilesAreFoundLater) {
  courier_->report({Phase::under_way, true, "GC_NOT_CONNECTED", 0, 0});
  const Result<void> first = want("a.fits").get();
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code, Errc::unavailable);
  EXPECT_NE(first.error().message.find("GC_NOT_CONNECTED"), std::string::npos);
  EXPECT_EQ(want("a.fits").get().error().code, Errc::unavailable) << "and nobody waits in vain";
  courier_->finish_all();
  ASSERT_TRUE(eventually([&] { return is_here("a.fits"); }));
  EXPECT_EQ(courier_->placed(), 1U);
}

TEST_F(OrdersTest, AnOrderThatFailedIsNotPlacedAgainAtOnce) {
  courier_->report({Phase::failed, false, "EXPIRED", 0, 0});
  const Result<void> first = want("a.fits").get();
  ASSERT_FALSE(first);
  EXPECT_NE(first.error().message.find("EXPIRED"), std::string::npos);
  EXPECT_EQ(want("a.fits").get().error().message, first.error().message);
  EXPECT_EQ(courier_->placed(), 1U);
  EXPECT_TRUE(stdfs::is_empty(dir_ / "folder/incoming"));
  courier_->report({Phase::under_way, false, "ACTIVE", 0, 0});
  courier_->finish_all();
  EXPECT_TRUE(want("b.fits", "another batch").get());
}

TEST_F(OrdersTest, AnOrderThatWasPerhapsNotHeardIsPlacedAgainAsTheSame) {
  courier_->refuse(Error{Errc::timed_out, "no answer"});
  EXPECT_EQ(want("a.fits").get().error().code, Errc::timed_out);
  ASSERT_TRUE(eventually([&] { return courier_->texts().size() > 2; }));
  courier_->refuse(std::nullopt);
  courier_->finish_all();
  ASSERT_TRUE(eventually([&] { return is_here("a.fits"); }));
  const std::vector<std::string> texts = courier_->texts();
  EXPECT_EQ(std::set<std::string>(texts.begin(), texts.end()).size(), 1U);
}

TEST_F(OrdersTest, AnOrderThatIsRefusedIsForgotten) {
  courier_->refuse(Error{Errc::denied, "not into that folder"});
  EXPECT_EQ(want("a.fits").get().error().code, Errc::denied);
  EXPECT_TRUE(eventually([&] { return orders_->status().empty(); }));
  EXPECT_TRUE(stdfs::is_empty(dir_ / "folder/incoming"));
}

TEST_F(OrdersTest, AnOrderOutlivesWhoPlacedIt) {
  auto file = want("a.fits");
  ASSERT_TRUE(eventually([&] { return courier_->looks() > 0; }));
  orders_.reset();
  EXPECT_EQ(file.get().error().code, Errc::interrupted);
  begin();
  auto again = want("a.fits");
  ASSERT_TRUE(eventually([&] { return courier_->texts().size() == 2; }));
  EXPECT_EQ(courier_->texts()[0], courier_->texts()[1]);
  courier_->finish_all();
  EXPECT_TRUE(again.get());
  EXPECT_TRUE(is_here("a.fits"));
  EXPECT_TRUE(stdfs::is_empty(dir_ / "folder/incoming"));
}

TEST_F(OrdersTest, OfflineNobodyIsAskedAndOrdersStayWhereTheyAre) {
  ASSERT_NO_FATAL_FAILURE(leave_an_order());
  const int looks = courier_->looks();
  courier_->finish_all();
  options_.offline = true;
  begin();
  EXPECT_EQ(want("a.fits").get().error().code, Errc::offline);
  EXPECT_EQ(want("b.fits").get().error().code, Errc::offline);
  orders_.reset();
  EXPECT_EQ(courier_->texts().size(), 1U);
  EXPECT_EQ(courier_->looks(), looks);
  EXPECT_TRUE(stdfs::exists(dir_ / "folder/incoming/id1.json"));
}

TEST_F(OrdersTest, AnOrderThatWasFoundWaitsForALogin) {
  ASSERT_NO_FATAL_FAILURE(leave_an_order());
  courier_->refuse(Error{Errc::denied, "nobody is logged in"});
  begin();
  ASSERT_TRUE(eventually([&] { return courier_->texts().size() > 2; }));
  courier_->refuse(std::nullopt);
  courier_->finish_all();
  EXPECT_TRUE(eventually([&] { return is_here("a.fits"); }));
  EXPECT_EQ(courier_->placed(), 1U);
}

TEST_F(OrdersTest, AnOrderThatWasFoundIsNotGivenUpForTroubleInAsking) {
  ASSERT_NO_FATAL_FAILURE(leave_an_order());
  // No network as yet; the page of who gives out the network; a service that is put up anew.
  for (const Errc trouble : {Errc::unavailable, Errc::corrupt, Errc::timed_out}) {
    courier_->refuse(Error{trouble, "trouble"});
    const std::size_t before = courier_->texts().size();
    begin();
    ASSERT_TRUE(eventually([&] { return courier_->texts().size() > before + 12; })) << name_of(trouble);
    EXPECT_EQ(want("a.fits").get().error().code, trouble) << "who reads is told";
    orders_.reset();
  }
  courier_->refuse(std::nullopt);
  courier_->finish_all();
  begin();
  EXPECT_TRUE(eventually([&] { return is_here("a.fits"); }));
  EXPECT_EQ(courier_->placed(), 1U);
}

TEST_F(OrdersTest, AnOrderThatWasFoundAndIsRefusedByItsServiceIsForgotten) {
  ASSERT_NO_FATAL_FAILURE(leave_an_order());
  courier_->refuse(Error{Errc::not_found, "no such end point"});
  begin();
  ASSERT_TRUE(eventually([&] { return stdfs::is_empty(dir_ / "folder/incoming"); }));
  EXPECT_EQ(want("a.fits").get().error().code, Errc::unavailable) << "that is no word on the file";
}

TEST_F(OrdersTest, WhatThereIsIsTakenThoughItIsNotToldWhatWasLeftOut) {
  courier_->say_nothing(Error{Errc::unavailable, "no list today"});
  courier_->finish_all();
  const Result<void> first = want("a.fits").get();
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().message, "no list today");
  EXPECT_TRUE(eventually([&] { return is_here("a.fits"); }));
  EXPECT_TRUE(eventually([&] { return orders_->status().empty(); }));
  EXPECT_TRUE(stdfs::is_empty(dir_ / "folder/incoming"));
}

TEST_F(OrdersTest, NoMoreThanThreeAreUnderWayAndTheOthersGrowMeanwhile) {
  for (const char* const batch : {"1", "2", "3"}) (void)want(batch, batch);
  ASSERT_TRUE(eventually([&] { return courier_->placed() == 3; }));
  auto fourth = want("4", "4");
  EXPECT_EQ(fourth.wait_for(milliseconds(100)), std::future_status::timeout);
  EXPECT_EQ(courier_->placed(), 3U);
  auto more = want("5", "4");
  courier_->finish_all();
  EXPECT_TRUE(fourth.get());
  EXPECT_TRUE(more.get());
  EXPECT_EQ(courier_->texts().back(), "id4\nincoming/id4\n4\n5");
}

TEST_F(OrdersTest, WhatIsDoneAndNotThereSaysThatTheFolderMayBeWrong) {
  courier_->report({Phase::done, false, "SUCCEEDED", 0, 0});
  const Result<void> result = want("a.fits").get();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::unavailable);
  EXPECT_NE(result.error().message.find("is not in " + (dir_ / "folder").string()), std::string::npos);
}

}  // namespace
}  // namespace astrofs
