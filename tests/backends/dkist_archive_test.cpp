// Type "dkist" on the stand-in, beyond the contract: who is silent, who is not there, and whose word counts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "backends/dkist.h"
#include "backends/login_file.h"
#include "tests/contract/http_stack.h"
#include "tests/support/archive_sim.h"
#include "tests/support/dkist_centre.h"
#include "tests/support/fresh_dir.h"

namespace astrofs {
namespace {

using sim::Fault;
using sim::Kind;
using std::chrono::hours;
using std::chrono::minutes;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

constexpr const char* kDir = "dataset/BEOGN";

class DkistArchiveTest : public ::testing::Test {
 protected:
  DkistArchiveTest() { EXPECT_TRUE(server_.start()); }

  struct Ways {
    bool https{true}, mirror{false};  ///< that the configuration has
  };
  DkistArchive& make(Ways ways) {
    dkist::Sources sources{server_.url() + "/datasets", server_.url() + "/download",
                           ways.mirror ? server_.url() + "/copy" : ""};
    dkist::GlobusAddresses globus{server_.url() + "/auth", server_.url() + "/transfer",
                                  ways.https ? server_.url() + "/https" : "", login_file()};
    archive_ = std::make_unique<DkistArchive>(std::move(sources), dkist::Filter{}, std::move(globus),
                                              std::nullopt, http_.fetcher(), clock_);
    archive_->notice_login();
    return *archive_;
  }
  DkistArchive& archive() { return archive_ ? *archive_ : make({}); }
  [[nodiscard]] std::string login_file() const { return place_.path("login.json"); }
  /// Tokens that are good for so long.
  void log_in(std::chrono::seconds good_for = hours(48), const std::string& https = "") {
    const SysSeconds until = clock_.wall() + good_for;
    const globus::Login login{.account = "someone",
                              .client_id = "an-application",
                              .collection = sim::kDkistCollection,
                              .https = https,
                              .transfer = {sim::kSimTransferToken, sim::kSimTransferRefresh, until},
                              .bytes = {sim::kSimHttpsToken, sim::kSimHttpsRefresh, until}};
    ASSERT_TRUE(login_file::write(login_file(), login));
    archive().notice_login();
  }
  int answer(const std::string& path, int status, const std::string& method = "") {
    return server_.add_fault(Fault{.path = path, .kind = Kind::status, .n = status, .method = method});
  }
  Listing list(const std::string& dir, const std::string& token = "") {
    auto answer = archive().list(dir, token, {});
    EXPECT_TRUE(answer) << dir << ": " << answer.error().message;
    return answer && std::holds_alternative<Listing>(*answer) ? std::get<Listing>(std::move(*answer))
                                                              : Listing{};
  }
  Errc error_of(const std::string& dir, const std::string& token = "") {
    const auto answer = archive().list(dir, token, {});
    EXPECT_FALSE(answer) << dir;
    return answer ? Errc::internal : answer.error().code;
  }
  static std::vector<std::string> names_of(const Listing& listing) {
    std::vector<std::string> names;
    for (const Entry& entry : listing.entries) names.push_back(entry.name);
    return names;
  }
  std::string frame() {
    for (const Entry& entry : list(kDir).entries) {
      if (entry.name.ends_with(".fits")) return entry.locator;
    }
    return {};
  }

  sim::ArchiveSim server_;
  sim::DkistCentre& centre_{server_.add_dkist({.datasets = 3, .frames = 6})};
  contract::HttpStack http_;
  FreshDir place_;
  ManualClock clock_;
  std::unique_ptr<DkistArchive> archive_;
};

TEST_F(DkistArchiveTest, ANotFoundOfTheSearchIsNoWordOnADataset) {
  const int gone = answer("/datasets/v1*", 404);
  const auto found = archive().find("", "BEOGN", {});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Errc::unavailable);
  EXPECT_EQ(error_of(kDir), Errc::unavailable);
  EXPECT_EQ(error_of(""), Errc::unavailable);
  EXPECT_EQ(error_of("product"), Errc::unavailable);
  server_.remove_fault(gone);
  EXPECT_TRUE(archive().find("", "BEOGN", {})->has_value());
  EXPECT_FALSE(archive().find("", "ZZZZZ", {})->has_value()) << "that is a word";
}

TEST_F(DkistArchiveTest, WithoutItsAsdfFileADatasetHasWhatElseThereIs) {
  log_in();
  const Listing whole = list(kDir);
  EXPECT_EQ(whole.good_for, hours(6));
  const int gone = answer("/download/asdf*", 404, "HEAD");
  const Listing part = list(kDir);
  const auto dataset = centre_.dataset("BEOGN");
  EXPECT_THAT(names_of(part), UnorderedElementsAre(dataset->movie_name(), dataset->report_name(), "extra"));
  EXPECT_EQ(part.good_for, minutes(10));
  EXPECT_EQ(error_of(kDir, whole.token), Errc::unavailable) << "what was listed is not taken away";
  server_.remove_fault(gone);
  EXPECT_EQ(list(kDir, part.token).token, whole.token);
  answer("/download/asdf*", 404, "GET");
  EXPECT_EQ(error_of(kDir), Errc::unavailable) << "it is there, and then it is not";
}

TEST_F(DkistArchiveTest, AnAsdfFileThatCannotBeAskedForIsAnError) {
  answer("/download/asdf*", 503, "HEAD");
  EXPECT_EQ(error_of(kDir), Errc::unavailable);
}

TEST_F(DkistArchiveTest, WhatTheCollectionHasStaysWhileGlobusIsSilent) {
  log_in();
  const Listing whole = list(kDir);
  EXPECT_THAT(names_of(whole), Contains("extra"));
  const int silent = answer("/transfer/*", 503);
  EXPECT_EQ(error_of(kDir, whole.token), Errc::unavailable);
  const Listing part = list(kDir);
  EXPECT_THAT(names_of(part), Not(Contains("extra")));
  EXPECT_EQ(part.entries.size(), whole.entries.size() - 1) << "the frames have no sizes, and are there";
  EXPECT_EQ(part.good_for, minutes(10));
  const auto again = archive().list(kDir, part.token, {});
  ASSERT_TRUE(again);
  EXPECT_TRUE(std::holds_alternative<NotModified>(*again));
  server_.remove_fault(silent);
  const Listing healed = list(kDir, part.token);
  EXPECT_EQ(healed.token, whole.token);
  EXPECT_EQ(healed.good_for, hours(6));
}

TEST_F(DkistArchiveTest, ARefusalOfGlobusIsAnAnswer) {
  log_in();
  const Listing whole = list(kDir);
  answer("/transfer/*", 403);
  const Listing other = list(kDir, whole.token);
  EXPECT_THAT(names_of(other), Not(Contains("extra")));
  EXPECT_EQ(other.good_for, hours(6));
}

TEST_F(DkistArchiveTest, ANotFoundOfGlobusTakesNothingAwayThatWasThere) {
  log_in();
  const Listing whole = list(kDir);
  answer("/transfer/*", 404);
  EXPECT_EQ(error_of(kDir, whole.token), Errc::unavailable);
  EXPECT_THAT(names_of(list(kDir)), Not(Contains("extra"))) << "a folder that never was is none";
}

TEST_F(DkistArchiveTest, WithoutALoginNothingIsMissing) {
  const Listing listing = list(kDir);
  EXPECT_THAT(names_of(listing), Not(Contains("extra")));
  EXPECT_EQ(listing.good_for, hours(6));
}

TEST_F(DkistArchiveTest, AMirrorAloneDoesNotSayThatAFrameIsLost) {
  make({.https = false, .mirror = true});
  const std::string locator = frame();
  ASSERT_TRUE(archive().seeks(locator));
  const auto first = archive().seek(locator, false, {});
  ASSERT_TRUE(first) << first.error().message;
  ASSERT_EQ(first->size(), 1U);
  EXPECT_THAT(first->front().url, HasSubstr("/copy/"));
  // Whom the mirror has answered with 404 is asked for so.
  const auto nobody = archive().seek(locator, true, {});
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, Errc::denied);
  EXPECT_THAT(nobody.error().message, HasSubstr("astrofs login"));
  log_in();
  const auto no_https = archive().seek(locator, true, {});
  ASSERT_FALSE(no_https);
  EXPECT_THAT(no_https.error().message, HasSubstr("HTTPS"));
  log_in(-hours(1));
  const std::size_t asked = server_.count("/auth/");
  const auto run_out = archive().seek(locator, true, {});
  ASSERT_FALSE(run_out);
  EXPECT_THAT(run_out.error().message, HasSubstr("HTTPS"));
  EXPECT_EQ(server_.count("/auth/"), asked) << "no token would help";
  log_in(hours(48), server_.url() + "/https");
  EXPECT_FALSE(archive().seeks(locator)) << "the collection has the word";
  EXPECT_EQ(archive().locate(locator)->size(), 2U);
  EXPECT_FALSE(archive().seeks("asdf/BEOGN"));
}

TEST_F(DkistArchiveTest, WithoutAMirrorNothingIsSought) {
  make({.https = false});
  EXPECT_FALSE(archive().seeks(frame()));
}

TEST_F(DkistArchiveTest, AFrameThatALoginWhichRanOutIsRefusedIsAskedForWithANewOne) {
  log_in();
  const std::string locator = frame();
  EXPECT_FALSE(archive().seeks(locator));
  log_in(-hours(1));
  ASSERT_TRUE(archive().seeks(locator));
  EXPECT_FALSE(archive().seeks("asdf/BEOGN"));
  const auto without = archive().locate(locator);
  ASSERT_TRUE(without);
  EXPECT_TRUE(without->front().headers.empty());
  const auto with = archive().seek(locator, true, {});
  ASSERT_TRUE(with) << with.error().message;
  ASSERT_EQ(with->front().headers.size(), 1U);
  EXPECT_EQ(with->front().headers.front().name, "Authorization");
  EXPECT_FALSE(archive().seeks(locator));
}

TEST_F(DkistArchiveTest, ALoginThatRanOutIsNotRenewedForEachReaderWhileGlobusIsSilent) {
  log_in();
  const std::string locator = frame();
  log_in(-hours(1));
  const int silent = answer("/auth/*", 503);
  EXPECT_EQ(archive().seek(locator, true, {}).error().code, Errc::unavailable) << "it may come yet";
  const std::size_t asked = server_.count("/auth/");
  EXPECT_EQ(archive().seek(locator, true, {}).error().code, Errc::unavailable);
  EXPECT_EQ(server_.count("/auth/"), asked);
  server_.remove_fault(silent);
  clock_.advance(std::chrono::seconds(5));
  EXPECT_TRUE(archive().seek(locator, true, {}));
}

TEST_F(DkistArchiveTest, ALoginThatGlobusRefusesToRenewIsToBeMadeAnew) {
  log_in();
  const std::string locator = frame();
  log_in(-hours(1));
  globus::Login login = *login_file::read(login_file());
  login.bytes.refresh = "of long ago";
  ASSERT_TRUE(login_file::write(login_file(), login));
  const auto refused = archive().seek(locator, true, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::denied);
  EXPECT_THAT(refused.error().message, HasSubstr("astrofs login dkist"));
}

TEST_F(DkistArchiveTest, ThatTheTokenForListingsIsRefusedKeepsNobodyFromFrames) {
  log_in();
  const std::string locator = frame();
  for (const auto good_for : {hours(1), -hours(1)}) {
    log_in(-hours(1));
    globus::Login login = *login_file::read(login_file());
    login.transfer.refresh = "of long ago";
    login.transfer.expires = clock_.wall() + good_for;
    ASSERT_TRUE(login_file::write(login_file(), login));
    archive().notice_login();
    EXPECT_TRUE(archive().seek(locator, true, {}));
    EXPECT_FALSE(archive().seeks(locator));
    clock_.advance(hours(1));
  }
}

TEST_F(DkistArchiveTest, ARenewedLoginThatCannotBeWrittenIsGoneOnWith) {
  log_in();
  const std::string locator = frame();
  log_in(-hours(1));
  archive().notice_login();
  // What `mount.astrofs` does, too: the write fails and the process lives.
  const auto before = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit none{0, limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &none), 0);
  const auto sought = archive().seek(locator, true, {});
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  std::signal(SIGXFSZ, before);
  ASSERT_TRUE(sought) << sought.error().message;
  EXPECT_EQ(sought->front().headers.size(), 1U);
  archive().notice_login();
  EXPECT_FALSE(archive().seeks(locator));
}

TEST_F(DkistArchiveTest, ATokenThatIsStillGoodIsUsedWhileItCannotBeRenewed) {
  log_in(hours(1));
  const int silent = answer("/auth/*", 503);
  EXPECT_THAT(names_of(list(kDir)), Contains("extra"));
  const std::size_t asked = server_.count("/auth/");
  EXPECT_GT(asked, 0U);
  EXPECT_THAT(names_of(list(kDir)), Contains("extra"));
  EXPECT_EQ(server_.count("/auth/"), asked) << "not for each listing";
  clock_.advance(minutes(2));
  EXPECT_THAT(names_of(list(kDir)), Contains("extra"));
  EXPECT_EQ(server_.count("/auth/"), 2 * asked);

  clock_.advance(hours(1));
  EXPECT_THAT(names_of(list(kDir)), Not(Contains("extra"))) << "it has run out";
  server_.remove_fault(silent);
  clock_.advance(minutes(1));
  EXPECT_THAT(names_of(list(kDir)), Contains("extra"));
  const auto renewed = login_file::read(login_file());
  ASSERT_TRUE(renewed);
  EXPECT_GT(renewed->transfer.expires, clock_.wall() + hours(24));
  EXPECT_GT(renewed->bytes.expires, clock_.wall() + hours(24));
}

}  // namespace
}  // namespace astrofs
