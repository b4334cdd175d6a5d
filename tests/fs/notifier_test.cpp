// What the kernel hears, when, and what is said when it is behind.
#include "fs/notifier.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <semaphore>
#include <sstream>
#include <string>
#include <vector>

#include "base/log.h"
#include "tests/support/fresh_dir.h"

namespace astrofs {
namespace {

/// Far beyond what a loaded machine needs; only a broken notifier waits so long.
constexpr std::chrono::seconds kPatience{60};
/// As many notices as wait for the kernel.
constexpr std::size_t kQueue = 65'536;

std::string text_of(const Notice& notice) {
  if (const auto* entry = std::get_if<EntryNotice>(&notice)) {
    return std::to_string(entry->parent) + "/" + entry->name;
  }
  const auto& inode = std::get<InodeNotice>(notice);
  return std::to_string(inode.inode) + (inode.entries ? " with entries" : "");
}

/// A kernel that takes one notice for each that it is allowed.
class Kernel {
 public:
  void operator()(const Notice& notice) {
    inside_ = true;
    begun_.release();
    if (!allowed_.try_acquire_for(kPatience)) return;
    {
      const MutexLock lock(mutex_);
      heard_.push_back(text_of(notice));
    }
    done_.release();
    inside_ = false;
  }
  void allow(std::ptrdiff_t count) { allowed_.release(count); }
  /// False: it did not come.
  bool wait_for_begun() { return begun_.try_acquire_for(kPatience); }
  bool wait_for_done(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      if (!done_.try_acquire_for(kPatience)) return false;
    }
    return true;
  }
  /// Is it being told something just now?
  [[nodiscard]] bool inside() const { return inside_; }
  /// As if nothing had been told or allowed; while nobody tells.
  void reset() {
    for (auto* counter : {&begun_, &allowed_, &done_}) {
      while (counter->try_acquire()) {
      }
    }
  }
  [[nodiscard]] std::vector<std::string> heard() {
    const MutexLock lock(mutex_);
    return heard_;
  }

 private:
  std::atomic<bool> inside_{false};
  std::counting_semaphore<> begun_{0}, allowed_{0}, done_{0};
  Mutex mutex_;
  std::vector<std::string> heard_ GUARDED_BY(mutex_);
};

class NotifierTest : public ::testing::Test {
 protected:
  void attach() {
    notifier_.attach([this](const Notice& notice) { kernel_(notice); });
  }

  Kernel kernel_;
  Notifier notifier_;
};

TEST_F(NotifierTest, TellsEveryNoticeInOrder) {
  attach();
  kernel_.allow(4);
  notifier_.entry_changed(7, "new.fits");
  notifier_.directory_changed(7);
  notifier_.attributes_changed(9);
  notifier_.entry_changed(kRootNode, "tess");
  ASSERT_TRUE(kernel_.wait_for_done(4));
  EXPECT_EQ(kernel_.heard(), (std::vector<std::string>{"7/new.fits", "7 with entries", "9", "1/tess"}));
}

TEST_F(NotifierTest, ANoticeOfANameIsHeldBackWhileNamesOfItsDirectoryAreLookedUp) {
  attach();
  kernel_.allow(5);
  EXPECT_FALSE(notifier_.lookup_begins(7));
  EXPECT_FALSE(notifier_.lookup_begins(7));
  notifier_.entry_changed(7, "a.fits");
  notifier_.attributes_changed(9);
  notifier_.entry_changed(8, "b.fits");
  ASSERT_TRUE(kernel_.wait_for_done(2));
  notifier_.lookup_ended(7);
  notifier_.entry_changed(7, "c.fits");
  notifier_.directory_changed(7);
  ASSERT_TRUE(kernel_.wait_for_done(1));
  EXPECT_EQ(kernel_.heard(), (std::vector<std::string>{"9", "8/b.fits", "7 with entries"}));
  notifier_.lookup_ended(7);
  ASSERT_TRUE(kernel_.wait_for_done(2));
  EXPECT_EQ(kernel_.heard().back(), "7/c.fits");
}

TEST_F(NotifierTest, WhoLooksANameUpHearsThatTheDirectoryIsWantedForANotice) {
  attach();
  notifier_.entry_changed(7, "a.fits");
  ASSERT_TRUE(kernel_.wait_for_begun());
  EXPECT_TRUE(notifier_.lookup_begins(7));
  EXPECT_FALSE(notifier_.lookup_begins(8));
  notifier_.lookup_ended(7);
  notifier_.attributes_changed(7);
  kernel_.allow(1);
  ASSERT_TRUE(kernel_.wait_for_begun());
  EXPECT_FALSE(notifier_.lookup_begins(7)) << "attributes want no directory";
  kernel_.allow(1);
}

TEST_F(NotifierTest, NobodyWaitsForTheKernel) {
  attach();
  for (int i = 0; i < 1000; ++i) notifier_.attributes_changed(9);  // it takes none of them
  EXPECT_TRUE(kernel_.wait_for_begun());
  EXPECT_TRUE(kernel_.heard().empty());
  kernel_.allow(1000);
  EXPECT_TRUE(kernel_.wait_for_done(1000));
}

TEST_F(NotifierTest, BeforeTheKernelListensAndAfterNothingIsKept) {
  notifier_.attributes_changed(1);
  kernel_.allow(10);
  attach();
  notifier_.attributes_changed(2);
  ASSERT_TRUE(kernel_.wait_for_done(1));
  notifier_.detach();
  notifier_.attributes_changed(3);
  attach();
  notifier_.attributes_changed(4);
  ASSERT_TRUE(kernel_.wait_for_done(1));
  EXPECT_EQ(kernel_.heard(), (std::vector<std::string>{"2", "4"}));
}

TEST_F(NotifierTest, DetachWaitsForTheOneBeingToldAndNothingIsToldAfterwards) {
  for (int round = 0; round < 100; ++round) {
    attach();
    for (int i = 0; i < 5; ++i) notifier_.attributes_changed(1);
    ASSERT_TRUE(kernel_.wait_for_begun());
    std::jthread kernel([&] { kernel_.allow(5); });
    notifier_.detach();
    ASSERT_FALSE(kernel_.inside()) << "it came back while one was being told";
    kernel.join();
    kernel_.reset();
  }
}

TEST_F(NotifierTest, EndsAlthoughNoticesWait) {
  attach();
  for (int i = 0; i < 100; ++i) notifier_.attributes_changed(9);
  ASSERT_TRUE(kernel_.wait_for_begun());
  kernel_.allow(100);  // its end waits for the one being told, as detach() does, whichever it is by then
}

/// With a log of its own.
class OverflowTest : public NotifierTest {
 protected:
  void SetUp() override { ASSERT_TRUE(log::start(dir_.path("log"), log::Level::info)); }
  void TearDown() override { EXPECT_TRUE(log::start("", log::Level::info)); }
  /// How often it was said that the kernel is behind.
  [[nodiscard]] std::size_t said() const {
    std::ifstream lines(dir_.path("log"));
    std::size_t count = 0;
    for (std::string line; std::getline(lines, line);) {
      count += line.find("the kernel is behind") != std::string::npos ? 1 : 0;
    }
    return count;
  }
  /// One being told, and all that may wait behind it.
  void fill() {
    notifier_.attributes_changed(0);
    ASSERT_TRUE(kernel_.wait_for_begun());
    for (std::size_t i = 1; i <= kQueue; ++i) notifier_.attributes_changed(i);
  }

  const FreshDir dir_;
};

TEST_F(OverflowTest, IsSaidOnceAndWhatCameBeforeIsTold) {
  attach();
  fill();
  EXPECT_EQ(said(), 0U);
  for (std::size_t i = 0; i < 1000; ++i) notifier_.attributes_changed(1'000'000 + i);
  EXPECT_EQ(said(), 1U);
  kernel_.allow(kQueue + 1);
  ASSERT_TRUE(kernel_.wait_for_done(kQueue + 1));
  const std::vector<std::string> heard = kernel_.heard();
  EXPECT_EQ(heard.front(), "0");
  EXPECT_EQ(heard.back(), std::to_string(kQueue));
}

TEST_F(OverflowTest, AKernelThatTakesAFewAtATimeIsNoNewOverflowEachTime) {
  attach();
  fill();
  for (std::size_t taken = 0; taken < 50; ++taken) {
    for (int i = 0; i < 3; ++i) notifier_.attributes_changed(9);
    kernel_.allow(1);
    ASSERT_TRUE(kernel_.wait_for_done(1));
    ASSERT_TRUE(kernel_.wait_for_begun()) << "the next one has left the queue";
  }
  EXPECT_EQ(said(), 1U);
  kernel_.allow(kQueue + 1);
}

TEST_F(OverflowTest, ASecondOneLaterIsSaidAgain) {
  attach();
  fill();
  notifier_.attributes_changed(9);
  EXPECT_EQ(said(), 1U);
  kernel_.allow(kQueue + 1);
  ASSERT_TRUE(kernel_.wait_for_done(kQueue + 1));
  for (std::size_t i = 0; i <= kQueue; ++i) ASSERT_TRUE(i == 0 || kernel_.wait_for_begun());
  fill();
  notifier_.attributes_changed(9);
  EXPECT_EQ(said(), 2U);
  kernel_.allow(kQueue + 1);
}

}  // namespace
}  // namespace astrofs
