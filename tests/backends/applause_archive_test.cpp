// Plates of APPLAUSE as directories: what is asked, what is listed, and what is left out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "backends/applause.h"
#include "tests/contract/http_stack.h"
#include "tests/support/archive_sim.h"
#include "tests/support/changed_variable.h"
#include "tests/support/daiquiri.h"
#include "tests/support/fresh_dir.h"

namespace astrofs {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

class ApplauseTest : public ::testing::Test {
 protected:
  ApplauseTest() { EXPECT_TRUE(sim_.start()); }

  ApplauseArchive& archive(ApplauseArchive::Sequences sequences = {}) {
    archive_ = std::make_unique<ApplauseArchive>(sim_.url(), std::move(sequences), "/nonexistent/login",
                                                 http_.fetcher(), clock_);
    return *archive_;
  }
  std::map<std::string, Entry> files(const std::string& dir) {
    const auto listed = archive_->list(dir, "", {});
    EXPECT_TRUE(listed) << (listed ? "" : listed.error().message);
    std::map<std::string, Entry> found;
    if (!listed) return found;
    for (const Entry& entry : std::get<Listing>(*listed).entries) found[entry.name] = entry;
    return found;
  }
  void set(const std::function<void(sim::DaiquiriSettings&)>& how) {
    sim::DaiquiriSettings settings = plates_.settings();
    how(settings);
    plates_.set(settings);
  }

  const ChangedVariable token_{"APPLAUSE_TOKEN", std::nullopt};
  sim::ArchiveSim sim_;
  sim::Daiquiri& plates_{sim_.add_plates({.plates = 12, .rows = 5, .width = 40, .height = 30})};
  contract::HttpStack http_;
  ManualClock clock_;
  std::unique_ptr<ApplauseArchive> archive_;
};

TEST_F(ApplauseTest, EachLevelIsOneRoundOfQuestions) {
  archive();
  EXPECT_EQ(files("dr4").size(), 3U);
  EXPECT_EQ(sim_.count("/tap/sync", "POST"), 1U);
  EXPECT_EQ(files("dr4/102").size(), 12U);
  EXPECT_EQ(sim_.count("/tap/sync", "POST"), 2U);
  EXPECT_EQ(files("plate/9319").at("GS00768_x.fits").size,
            plates_.shelf().file("DR4/scans/HAM-GS/GS00768_x.fits")->size);
  EXPECT_EQ(sim_.count("/tap/sync", "POST"), 7U);
  EXPECT_EQ(sim_.count("/files/"), 0U) << "no file is asked how large it is";
}

TEST_F(ApplauseTest, AScanHasTheSizeTimeAndSumsOfItsTable) {
  archive();
  const Entry scan = files("plate/9320").at("GS00769_y.fits");
  EXPECT_EQ(scan.mtime, SysSeconds(seconds(1'589'192'520)));
  const auto sums = archive_->fits_sums(scan.validator);
  ASSERT_TRUE(sums);
  EXPECT_EQ(sums->checksum.size(), 16U);
  EXPECT_FALSE(sums->datasum.empty());
  EXPECT_FALSE(archive_->fits_sums("\"an etag\""));
  EXPECT_EQ(archive_->least_request(scan.locator), 4ULL << 20);
  EXPECT_EQ(archive_->least_request(files("plate/9320").at("GS00769.jpg").locator), 0U);
  const auto shape = archive_->shape(scan.locator);
  ASSERT_TRUE(shape);
  EXPECT_EQ(shape->hdus.front().bitpix, 16);
  EXPECT_EQ(shape->hdus.front().axes, (std::vector<std::uint64_t>{40, 30}));
}

TEST_F(ApplauseTest, APlateIsDescribedByItsRows) {
  archive();
  const Entry json = files("plate/9319").at("plate.json");
  const auto made = archive_->make(json.locator, {});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->size(), json.size);
  EXPECT_EQ(made_version(*made), json.validator);
  const auto told = nlohmann::json::parse(*made);
  EXPECT_EQ(told["plate"]["emulsion"], "Agfa \"Astro\", blue");
  EXPECT_TRUE(told["plate"]["notes"].is_null());
  EXPECT_EQ(told["exposures"][0]["plate_id"], 9319);
  EXPECT_DOUBLE_EQ(told["exposures"][0]["dec_icrs"].get<double>(), 62.0394);
}

TEST_F(ApplauseTest, ASequenceIsOneRoundForAllItsPlates) {
  archive({{"night", {9319, 9320, 4711}}});
  const auto listed = files("sequences/night");
  EXPECT_EQ(sim_.count("/tap/sync", "POST"), 5U);
  for (const char* const name : {"GS00768_x.fits", "GS00769_x.fits", "GS00769_y.fits", "plate_9319.json"})
    EXPECT_TRUE(listed.contains(name)) << name;
  EXPECT_EQ(listed.at("GS00768_x.fits").locator, files("plate/9319").at("GS00768_x.fits").locator);
}

TEST_F(ApplauseTest, WithoutTheTablesOfPicturesThereAreScans) {
  archive();
  set([](sim::DaiquiriSettings& settings) { settings.refused_table = "applause_dr4.preview"; });
  const auto listed = files("plate/9319");
  EXPECT_TRUE(listed.contains("GS00768_x.fits"));
  EXPECT_FALSE(listed.contains("GS00768.jpg"));
  set([](sim::DaiquiriSettings& settings) { settings.refused_table = "applause_dr4.scan"; });
  EXPECT_FALSE(archive_->list("plate/9319", "", {})) << "but not without the scans";
}

TEST_F(ApplauseTest, ATokenThatTheServiceRefusesIsADenialWithItsWords) {
  const ChangedVariable wrong{"APPLAUSE_TOKEN", std::string(40, 'f')};
  const auto listed = archive().list("dr4", "", {});
  ASSERT_FALSE(listed);
  EXPECT_EQ(listed.error().code, Errc::denied);
  EXPECT_THAT(listed.error().message, HasSubstr("Invalid token"));
}

TEST_F(ApplauseTest, TheTokenGoesWithEachRequestAndToNoOtherHost) {
  const ChangedVariable right{"APPLAUSE_TOKEN", sim::kPlateToken};
  archive();
  const auto located = archive_->locate(files("plate/9319").at("GS00768_x.fits").locator);
  ASSERT_TRUE(located);
  ASSERT_EQ(located->front().headers.size(), 1U);
  EXPECT_EQ(located->front().headers.front().value, std::string("Token ") + sim::kPlateToken);
  ApplauseArchive elsewhere("http://example.org", {}, "/nonexistent/login", http_.fetcher(), clock_);
  EXPECT_TRUE(elsewhere.locate("picture/DR4/x.jpg")->front().headers.empty()) << "unencrypted";
}

TEST_F(ApplauseTest, WhatATokenFetchesIsNeitherEverybodysNorAnotherTokens) {
  EXPECT_EQ(archive().credential_scope("picture/DR4/x.jpg"), kPublic);
  const FreshDir place;
  const std::string login = place.path("applause.token");
  ApplauseArchive one(sim_.url(), {}, login, http_.fetcher(), clock_);
  const auto log_in = [&](const std::string& token) {
    place.write("applause.token", token);
    std::filesystem::permissions(login, std::filesystem::perms(0600));
    one.notice_login();
    return one.credential_scope("picture/DR4/x.jpg");
  };
  const std::string scope = log_in(sim::kPlateToken);
  EXPECT_THAT(scope, StartsWith("token "));
  EXPECT_EQ(one.credential_scope(""), scope) << "of directories too";
  std::filesystem::remove(login);
  one.notice_login();
  EXPECT_EQ(one.credential_scope("picture/DR4/x.jpg"), kPublic);
  const std::string other = log_in(std::string(40, 'f'));
  EXPECT_THAT(other, StartsWith("token "));
  EXPECT_NE(other, scope);
}

TEST_F(ApplauseTest, WhatOneLoginWasToldIsAskedAnewForTheNext) {
  const FreshDir place;
  const std::string login = place.path("applause.token");
  ApplauseArchive one(sim_.url(), {}, login, http_.fetcher(), clock_);
  const auto ask = [&] {
    EXPECT_TRUE(one.make("csv/source/9319", {}));
    EXPECT_FALSE(one.find("plate", "1", {}).value_or(Entry{})) << "there is no such plate";
    return sim_.requests().size();
  };
  const std::size_t asked = ask();
  EXPECT_EQ(ask(), asked);
  EXPECT_EQ(plates_.jobs().created(), 1U);
  place.write("applause.token", sim::kPlateToken);
  std::filesystem::permissions(login, std::filesystem::perms(0600));
  one.notice_login();
  sim_.clear_log();
  EXPECT_EQ(ask(), asked);
  EXPECT_EQ(plates_.jobs().created(), 2U);
}

TEST_F(ApplauseTest, BothFormsOfATableAskedForByManyAtOnceAreOneJob) {
  archive();
  std::vector<std::jthread> readers;
  std::atomic<int> made{0};
  for (int i = 0; i < 8; ++i) {
    readers.emplace_back([this, i, &made] {
      const auto file = archive_->make(i % 2 == 0 ? "csv/source/9319" : "fits/source/9319", {});
      made += file && !file->empty() ? 1 : 0;
    });
  }
  readers.clear();
  EXPECT_EQ(made, 8);
  EXPECT_EQ(plates_.jobs().created(), 1U);
  EXPECT_EQ(plates_.jobs().unarchived(), 0U);
  clock_.advance(std::chrono::minutes(10));
  EXPECT_TRUE(archive_->make("csv/source/9319", {}));
  EXPECT_EQ(plates_.jobs().created(), 2U) << "kept for a moment only";
}

TEST_F(ApplauseTest, RowsThatDidNotComeAreNoShorterTable) {
  archive();
  set([](sim::DaiquiriSettings& settings) { settings.dropped = 2; });
  for (const char* const locator : {"csv/source/9319", "fits/source_calib/9319"}) {
    const auto made = archive_->make(locator, {});
    ASSERT_FALSE(made) << locator;
    EXPECT_EQ(made.error().code, Errc::corrupt);
    EXPECT_THAT(made.error().message, HasSubstr(" rows of applause_dr4.source"));
  }
  EXPECT_EQ(plates_.jobs().unarchived(), 0U);
}

TEST_F(ApplauseTest, AServiceThatIsNotThereIsNoMissingPlate) {
  archive();
  sim_.add_fault({.path = "/tap/sync", .kind = sim::Kind::status, .n = 404});
  for (const char* const dir : {"dr4", "dr4/102", "plate/9319"}) {
    const auto listed = archive_->list(dir, "", {});
    ASSERT_FALSE(listed);
    EXPECT_EQ(listed.error().code, Errc::unavailable) << dir;
  }
  const auto found = archive_->find("plate", "9319", {});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Errc::unavailable);
}

TEST_F(ApplauseTest, OnlyNumbersArePlates) {
  archive();
  for (const char* const name : {"9319 OR 1=1", "-1", "0", "09319", "", "9319/x", "99999999999"}) {
    const auto found = archive_->find("plate", name, {});
    EXPECT_TRUE(found && !*found) << name;
    EXPECT_FALSE(archive_->list(std::string("plate/") + name, "", {})) << name;
    EXPECT_FALSE(archive_->list(std::string("dr4/") + name, "", {})) << name;
  }
  EXPECT_EQ(sim_.count("/tap/sync", "POST"), 0U) << "nothing of it was asked";
  for (const char* const locator :
       {"scan/1/2", "scan/x/2/a", "scan//", "picture/", "json/x", "", "scan/1/2/"})
    EXPECT_FALSE(archive_->locate(locator)) << locator;
}

}  // namespace
}  // namespace astrofs
