// Type "sia2": circles, and what the contract does not ask.
#include "backends/sia2.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/contract/http_stack.h"
#include "tests/support/archive_sim.h"
#include "tests/support/vo_archive.h"

namespace astrofs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Sia2Words, ACircleIsThreeNumbersOnTheSky) {
  EXPECT_EQ(sia2::circle_in("10.68_41.27_0.1"), "CIRCLE 10.68 41.27 0.1");
  EXPECT_EQ(sia2::circle_in("0_-90_90"), "CIRCLE 0 -90 90");
  EXPECT_EQ(sia2::circle_in("1_+2_3"), "CIRCLE 1 2 3");
  for (const char* const none : {"", "1_2", "1_2_3_4", "1_2_", "361_0_1", "1_91_1", "1_2_0", "1_2_-1",
                                 "a_b_c", "1_2_nan", "1_2_1e1", "all", "1 2 3", "_1_2"}) {
    EXPECT_EQ(sia2::circle_in(none), std::nullopt) << none;
  }
}

TEST(Sia2Words, ParametersAreEncodedOnce) {
  EXPECT_EQ(*sia2::check_parameters("collection=A B&DPTYPE=image"), "&COLLECTION=A%20B&DPTYPE=image");
  EXPECT_EQ(*sia2::check_parameters("COLLECTION=A%20B"), "&COLLECTION=A%20B");
  EXPECT_EQ(*sia2::check_parameters(""), "");
  for (const char* const bad : {"COLLECTION", "=x", "a=1&&b=2", "POS=CIRCLE 1 2 3", "maxrec=1"}) {
    EXPECT_FALSE(sia2::check_parameters(bad)) << bad;
  }
}

class Sia2 : public ::testing::Test {
 protected:
  Sia2() {
    vo_ = &server_.add_vo({.plates = 6, .linked = 6, .stars = 0});
    EXPECT_TRUE(server_.start());
  }
  void make(const std::string& parameters, std::size_t rows = 100) {
    archive_ = std::make_unique<Sia2Archive>(server_.url() + "/vo/sia2", parameters, VoAccess{},
                                             http_.fetcher(), clock_, Sia2Archive::Limits{.rows = rows});
  }
  Listing list(const std::string& dir) {
    auto answer = archive_->list(dir, "", {});
    EXPECT_TRUE(answer) << dir << ": " << answer.error().message;
    return answer ? std::get<Listing>(std::move(*answer)) : Listing{};
  }
  std::vector<std::string> names(const std::string& dir) {
    std::vector<std::string> out;
    for (const Entry& entry : list(dir).entries) out.push_back(entry.name);
    return out;
  }
  sim::ArchiveSim server_;
  contract::HttpStack http_;
  ManualClock clock_;
  sim::VoArchive* vo_{nullptr};
  std::unique_ptr<Sia2Archive> archive_;
};

TEST_F(Sia2, CirclesHoldWhatIsThere) {
  make("");
  EXPECT_THAT(names(""), ElementsAre());
  EXPECT_EQ((*archive_->find("", "10_0_0.3", {}))->locator, "l10_0_0.3");
  EXPECT_FALSE(archive_->find("", "M31", {})->has_value());
  EXPECT_THAT(names("l10_0_0.3"), ElementsAre("GS00700_x.fits", "GS00701_x.fits"));
}

TEST_F(Sia2, AnEmptyCircleIsEmpty) {
  make("");
  EXPECT_THAT(names("l200_0_0.3"), ElementsAre());
  EXPECT_FALSE(archive_->list("lall", "", {}));
}

TEST_F(Sia2, AllIsWhatTheConfigurationAsksFor) {
  make("&COLLECTION=LINKED");
  EXPECT_THAT(names(""), ElementsAre("all"));
  const auto all = names("lall");
  EXPECT_EQ(all.size(), 14U);  // two data files of each, previews, calibrations
  EXPECT_THAT(names("lall/spreview"), ::testing::Contains("DR01405.jpg"));
}

TEST_F(Sia2, MoreThanIsListedIsTold) {
  make("", 3);
  const Listing some = list("l10_0_90");
  EXPECT_EQ(some.entries.size(), 3U);
  EXPECT_THAT(archive_->remark("l10_0_90", some.token), HasSubstr("smaller circle"));
  EXPECT_THAT(archive_->remark("", ""), HasSubstr("RA_DEC_RADIUS"));
}

TEST_F(Sia2, AsManyAsWereAskedForMayNotBeAll) {
  make("", 3);
  sim::VoSettings settings = vo_->settings();
  settings.hides_overflow = true;
  vo_->set(settings);
  EXPECT_THAT(archive_->remark("l10_0_90", list("l10_0_90").token), HasSubstr("smaller circle"));
  make("", 4);
  const Listing all = list("l10_0_0.3");
  EXPECT_THAT(archive_->remark("l10_0_0.3", all.token), HasSubstr("2 data sets"));
  EXPECT_THAT(archive_->remark("l10_0_0.3", all.token), ::testing::Not(HasSubstr("smaller circle")));
}

TEST_F(Sia2, AnAddressIsAskedForAgain) {
  make("&COLLECTION=LINKED");
  const std::string locator = list("lall").entries.front().locator;
  EXPECT_TRUE(archive_->locate(locator));
  clock_.advance(std::chrono::minutes(6));
  EXPECT_FALSE(archive_->locate(locator));
  EXPECT_TRUE(archive_->seek(locator, false, {}));
  EXPECT_FALSE(archive_->seek("lnowhere/dX/fx.fits/k0", false, {}));
}

TEST_F(Sia2, FilesOfOneCircleAreFoundAgainWithOneQuestion) {
  make("");
  const Listing circle = list("l10_0_0.3");
  ASSERT_EQ(circle.entries.size(), 2U);
  clock_.advance(std::chrono::minutes(6));
  for (const Entry& entry : circle.entries) EXPECT_FALSE(archive_->locate(entry.locator)) << entry.name;
  server_.clear_log();
  for (const Entry& entry : circle.entries) {
    const auto found = archive_->seek(entry.locator, false, {});
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_THAT(found->front().url, ::testing::EndsWith(entry.name));
  }
  EXPECT_EQ(server_.count("/vo/sia2"), 1U);
}

TEST_F(Sia2, WhatHasADocumentIsSoughtOnItsOwn) {
  make("&COLLECTION=LINKED");
  const Listing all = list("lall");
  const auto documents = server_.count("/vo/links");
  clock_.advance(std::chrono::minutes(6));
  server_.clear_log();
  EXPECT_TRUE(archive_->seek(all.entries.front().locator, false, {}));
  EXPECT_EQ(server_.count("/vo/links"), 2U) << "those of its data set";
  EXPECT_GT(documents, 2U) << "of all of them";
}

}  // namespace
}  // namespace astrofs
