// Type "hst": what S3 and MissionMAST say together and each alone, proposals, and what needs a token.
#include "backends/hst.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "backends/login_file.h"
#include "tests/contract/http_stack.h"
#include "tests/support/archive_sim.h"
#include "tests/support/changed_variable.h"
#include "tests/support/fresh_dir.h"

namespace astrofs {
namespace {

using sim::Fault;
using sim::Kind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

using Names = std::vector<std::string>;

constexpr const char* kAssociation = "j8pu0y010";
constexpr const char* kExclusive = "ifxe01010";

class HstArchiveTest : public ::testing::Test {
 protected:
  HstArchiveTest() { EXPECT_TRUE(server_.start()); }
  sim::HstSearch& serve(sim::HstOptions options = {}) {
    options.side = 8;
    return server_.add_hst(options);
  }
  HstArchive& archive(bool s3 = true, bool mast = true) {
    if (!archive_) {
      archive_ =
          std::make_unique<HstArchive>(StsciHosts{s3 ? server_.url() : "", "", mast ? server_.url() : ""},
                                       login_, http_.fetcher(), clock_);
    }
    return *archive_;
  }
  Listing list(const std::string& dir, const std::string& token = "") {
    auto answer = archive().list(dir, token, {});
    EXPECT_TRUE(answer) << dir << ": " << answer.error().message;
    if (!answer || std::holds_alternative<NotModified>(*answer)) return {};
    return std::get<Listing>(std::move(*answer));
  }
  Errc error_of(const std::string& dir, const std::string& token = "") {
    const auto answer = archive().list(dir, token, {});
    EXPECT_FALSE(answer) << dir;
    return answer ? Errc::internal : answer.error().code;
  }
  std::optional<Entry> find(const std::string& dir, const std::string& name) {
    auto found = archive().find(dir, name, {});
    EXPECT_TRUE(found) << name << ": " << found.error().message;
    return found ? *found : std::nullopt;
  }
  static Entry entry(const Listing& listing, const std::string& name) {
    for (const Entry& each : listing.entries) {
      if (each.name == name) return each;
    }
    ADD_FAILURE() << name << " is not listed";
    return {};
  }
  static Names names_of(const Listing& listing) {
    Names names;
    for (const Entry& each : listing.entries) names.push_back(each.name);
    return names;
  }
  void silence_mast() { server_.add_fault(Fault{.path = "*/api/v0.1/*", .kind = Kind::status, .n = 403}); }
  void silence_s3() { server_.add_fault(Fault{.path = "*list-type*", .kind = Kind::status, .n = 403}); }
  void log_in() {
    EXPECT_TRUE(login_file::write_text(login_, std::string(sim::kMastToken)));
    archive().notice_login();
  }

  sim::ArchiveSim server_;
  contract::HttpStack http_;
  ManualClock clock_;
  FreshDir place_;
  const ChangedVariable directory_{"CREDENTIALS_DIRECTORY", std::nullopt};
  const ChangedVariable variable_{"MAST_API_TOKEN", std::nullopt};
  const std::string login_ = place_.path("logins/mast.token");
  std::unique_ptr<HstArchive> archive_;
};

TEST_F(HstArchiveTest, ShowsEveryFileOfADataSetWithTheBucketsSizes) {
  serve();
  const Listing set = list("set/j8pu0y010");
  EXPECT_THAT(names_of(set), ElementsAre("hst_10775_0y_acs_wfc_f606w_j8pu0y00_drc.fits", "j8pu0y010_asn.fits",
                                         "j8pu0y010_drc.fits", "j8pu0y010_drz.fits", "j8pu0y010_log.txt",
                                         "j8pu0y010_trl.txt"));
  const Entry drizzled = entry(set, "j8pu0y010_drz.fits");
  EXPECT_EQ(drizzled.size, sim::hst_file(drizzled.name, 8).size()) << "MAST's word for a size is not taken";
  EXPECT_EQ(drizzled.locator, "public/j8pu/j8pu0y010/j8pu0y010_drz.fits");
  EXPECT_FALSE(drizzled.validator.empty());
  const Entry advanced = entry(set, "hst_10775_0y_acs_wfc_f606w_j8pu0y00_drc.fits");
  EXPECT_THAT(advanced.locator, StartsWith("public/hap/"));
  EXPECT_EQ(advanced.size, sim::hst_file(advanced.name, 8).size());
  const Entry log = entry(set, "j8pu0y010_log.txt");
  EXPECT_EQ(log.locator, "product/j8pu0y010_log.txt");
  EXPECT_FALSE(log.size) << "it is asked for when somebody looks";
}

TEST_F(HstArchiveTest, AsksAtMostThreeTimesInSeriesAndFortyPathsAtATime) {
  serve({.hap = 90});
  ASSERT_TRUE(find("", kAssociation));
  EXPECT_EQ(list("set/j8pu0y010").entries.size(), 95U);
  EXPECT_EQ(server_.count("post_list_products"), 1U) << "a lookup and its listing ask once";
  EXPECT_EQ(server_.count("path_lookup"), 3U) << "91 files in one round";
  EXPECT_EQ(server_.count("list-type"), 2U) << "its own folder, and that of the advanced products";
  EXPECT_EQ(server_.count(""), 6U);
  for (const sim::LoggedRequest& request : server_.requests())
    EXPECT_EQ(request.status, 200) << request.target;
}

TEST_F(HstArchiveTest, AFileThatLiesInAnotherDataSetsFolderIsFoundThere) {
  serve();
  const Entry jitter = entry(list("set/u9o40504m"), "u9o40504j_jif.fits");
  EXPECT_EQ(jitter.locator, "public/u9o4/u9o40504j/u9o40504j_jif.fits");
  EXPECT_TRUE(jitter.size);
}

TEST_F(HstArchiveTest, WithoutPathLookupTheFilesAreMasts) {
  serve();
  server_.add_fault(Fault{.path = "*path_lookup*", .kind = Kind::status, .n = 414});
  const Entry advanced = entry(list("set/j8pu0y010"), "hst_10775_0y_acs_wfc_f606w_j8pu0y00_drc.fits");
  EXPECT_EQ(advanced.locator, "product/" + advanced.name);
}

TEST_F(HstArchiveTest, ADataSetIsFoundInSmallAndInCapitalLetters) {
  serve();
  const auto small = find("", kAssociation);
  ASSERT_TRUE(small);
  EXPECT_EQ(small->locator, "set/j8pu0y010");
  const auto capital = find("", "J8PU0Y010");
  ASSERT_TRUE(capital);
  EXPECT_EQ(capital->kind, EntryKind::symlink);
  EXPECT_EQ(capital->locator, kAssociation);
  EXPECT_EQ(server_.count("post_list_products"), 1U);
}

TEST_F(HstArchiveTest, ADataSetThatIsNotThereIsRememberedForAWhile) {
  serve();
  EXPECT_FALSE(find("", "jzzz99999"));
  const std::size_t asked = server_.requests().size();
  EXPECT_FALSE(find("", "jzzz99999"));
  EXPECT_EQ(server_.requests().size(), asked);
  clock_.advance(std::chrono::minutes(11));
  EXPECT_FALSE(find("", "jzzz99999"));
  EXPECT_GT(server_.requests().size(), asked);
  const std::size_t before = server_.requests().size();
  for (const char* const name : {"README", ".git", "a8pu0y010", "j8pu0y01"})
    EXPECT_FALSE(find("", name)) << name;
  EXPECT_EQ(server_.requests().size(), before) << "no data set: nobody is asked";
  EXPECT_EQ(error_of("set/jzzz99999"), Errc::not_found);
  EXPECT_EQ(error_of("set/x"), Errc::not_found);
  EXPECT_EQ(error_of("nonsense"), Errc::not_found);
}

TEST_F(HstArchiveTest, NothingIsTakenForMissingWhileASourceIsSilent) {
  serve();
  silence_mast();
  const auto found = archive().find("", "jzzz99999", {});
  ASSERT_FALSE(found) << "the bucket knows nothing, MAST might";
  EXPECT_EQ(found.error().code, Errc::denied);
}

TEST_F(HstArchiveTest, ANotFoundOfMastsIsAnAnswerWhereTheBucketHasNothingEither) {
  serve();
  server_.add_fault(Fault{.path = "*/api/v0.1/*", .kind = Kind::status, .n = 404});
  EXPECT_FALSE(find("", "jzzz99999"));
  EXPECT_FALSE(find("proposal", "99999"));
  const std::size_t asked = server_.requests().size();
  EXPECT_FALSE(find("", "jzzz99999"));
  EXPECT_FALSE(find("proposal", "99999"));
  EXPECT_EQ(server_.requests().size(), asked) << "and remembered";
  const Listing part = list("set/j8pu0y010");
  EXPECT_EQ(part.entries.size(), 4U);
  EXPECT_EQ(part.good_for, std::chrono::minutes(10))
      << "what the bucket has is there: MAST may know more again";
}

TEST_F(HstArchiveTest, ShowsWhatTheBucketHasWhileMastIsSilentAndTakesNothingAway) {
  serve();
  const Listing whole = list("set/j8pu0y010");
  silence_mast();
  clock_.advance(std::chrono::hours(1));
  EXPECT_EQ(error_of("set/j8pu0y010", whole.token), Errc::denied) << "the names that MAST gave stay";
  const Listing part = list("set/j8pu0y010");
  EXPECT_EQ(part.entries.size(), 4U);
  EXPECT_LT(part.good_for, whole.good_for);
  server_.clear_faults();
  clock_.advance(std::chrono::hours(1));
  EXPECT_EQ(names_of(list("set/j8pu0y010", part.token)), names_of(whole));
}

TEST_F(HstArchiveTest, ShowsWhatMastNamesWhileTheBucketIsSilent) {
  serve();
  silence_s3();
  const Listing part = list("set/j8pu0y010");
  EXPECT_EQ(part.entries.size(), 6U);
  EXPECT_EQ(entry(part, "j8pu0y010_drz.fits").locator, "product/j8pu0y010_drz.fits");
  EXPECT_EQ(server_.count("path_lookup"), 0U) << "a place that cannot be listed is worth no question";
}

TEST_F(HstArchiveTest, BothSilentIsAnErrorAndNoMissingDataSet) {
  serve();
  silence_s3();
  silence_mast();
  EXPECT_EQ(error_of("set/j8pu0y010"), Errc::denied);
}

TEST_F(HstArchiveTest, OneSourceIsEnough) {
  serve();
  EXPECT_EQ(std::get<Listing>(*archive(true, false).list("set/j8pu0y010", "", {})).entries.size(), 4U);
  EXPECT_TRUE(list("").entries.empty()) << "without MAST nobody knows proposals";
  EXPECT_EQ(error_of("proposal"), Errc::not_found);
  archive_.reset();
  EXPECT_EQ(std::get<Listing>(*archive(false, true).list("set/j8pu0y010", "", {})).entries.size(), 6U);
}

TEST_F(HstArchiveTest, AProposalHasLinksToItsDataSets) {
  serve({.exposures = 20});
  ASSERT_TRUE(find("proposal", "10775"));
  const Listing proposal = list("proposal/10775");
  ASSERT_EQ(proposal.entries.size(), 21U);
  EXPECT_EQ(proposal.entries[0].name, "j8pu0y00q");
  EXPECT_EQ(proposal.entries[0].kind, EntryKind::symlink);
  EXPECT_EQ(proposal.entries[0].locator, "../../j8pu0y00q");
  EXPECT_EQ(server_.count("search/hst"), 1U);
  EXPECT_THAT(names_of(list("proposal/17301")), ElementsAre(kExclusive)) << "that they exist is no secret";
}

TEST_F(HstArchiveTest, WhoLooksWhereTheLinksOfAProposalLeadAsksNobody) {
  serve({.exposures = 20});
  const Listing proposal = list("proposal/10775");
  server_.clear_log();
  for (const Entry& link : proposal.entries) EXPECT_TRUE(find("", link.name)) << link.name;
  EXPECT_TRUE(server_.requests().empty());
  EXPECT_EQ(list("set/j8pu0y00q").entries.size(), 3U);
  EXPECT_FALSE(find("", "jzzz99999")) << "it is no data set of this proposal";
  EXPECT_FALSE(server_.requests().empty());
}

TEST_F(HstArchiveTest, AProposalOfSeveralPagesIsWholeOrAnError) {
  auto& hst = serve({.exposures = 50});
  hst.set_page_rows(7);
  EXPECT_EQ(list("proposal/10775").entries.size(), 51U);
  EXPECT_EQ(server_.count("search/hst"), 8U);
  server_.add_fault(Fault{.path = "*/search", .kind = Kind::status, .n = 403, .skip = 3});
  clock_.advance(std::chrono::hours(1));
  EXPECT_EQ(error_of("proposal/10775"), Errc::denied);
}

TEST_F(HstArchiveTest, AProposalThatIsNotThereIsRememberedForAWhile) {
  serve();
  EXPECT_FALSE(find("proposal", "99999"));
  EXPECT_FALSE(find("proposal", "99999"));
  EXPECT_EQ(server_.count("search/hst"), 1U);
  EXPECT_FALSE(find("proposal", "abc"));
  EXPECT_EQ(server_.count("search/hst"), 1U);
  EXPECT_EQ(error_of("proposal/99999"), Errc::not_found);
}

TEST_F(HstArchiveTest, DirectoriesOfWhatWasFoundNeverTakeAnythingAway) {
  serve();
  const Listing root = list("");
  EXPECT_THAT(names_of(root), ElementsAre("proposal"));
  EXPECT_TRUE(std::holds_alternative<NotModified>(*archive().list("", root.token, {})));
  const Listing proposals = list("proposal");
  EXPECT_TRUE(proposals.entries.empty());
  EXPECT_TRUE(std::holds_alternative<NotModified>(*archive().list("proposal", proposals.token, {})));
  EXPECT_TRUE(server_.requests().empty());
}

TEST_F(HstArchiveTest, ExclusiveFilesAreNamedForAllAndAskedForWithATokenOnly) {
  serve();
  const Listing set = list("set/ifxe01010");
  EXPECT_EQ(set.entries.size(), 3U);
  const std::string locator = entry(set, "ifxe01010_drz.fits").locator;
  EXPECT_EQ(locator, "exclusive/ifxe01010_drz.fits");
  EXPECT_EQ(archive().credential_scope(locator), "nobody");
  EXPECT_EQ(archive().credential_scope("public/j8pu/j8pu0y010/j8pu0y010_drz.fits"), kPublic);
  const auto refused = archive().locate(locator);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::denied);
  EXPECT_THAT(refused.error().message, HasSubstr("exclusive access"));
  EXPECT_THAT(refused.error().message, HasSubstr("astrofs login mast"));
  log_in();
  EXPECT_THAT(archive().credential_scope(locator), StartsWith("token "));
  const auto mirrors = archive().locate(locator);
  ASSERT_TRUE(mirrors) << mirrors.error().message;
  ASSERT_EQ(mirrors->size(), 1U);
  const auto answer = http_.fetcher().fetch(*mirrors);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body, sim::hst_file("ifxe01010_drz.fits", 8));
}

TEST_F(HstArchiveTest, TheTokenIsSentForExclusiveFilesAndForNothingElse) {
  serve();
  log_in();
  (void)list("set/ifxe01010");
  (void)list("set/j8pu0y010");
  (void)list("proposal/17301");
  for (const char* const locator : {"public/j8pu/j8pu0y010/j8pu0y010_drz.fits", "product/j8pu0y010_log.txt",
                                    "exclusive/ifxe01010_spt.fits"}) {
    const auto mirrors = archive().locate(locator);
    ASSERT_TRUE(mirrors);
    for (const http::Request& mirror : *mirrors) ASSERT_TRUE(http_.fetcher().fetch({mirror})) << mirror.url;
  }
  Names told;
  for (const sim::LoggedRequest& request : server_.requests()) {
    EXPECT_EQ(request.target.find(sim::kMastToken), std::string::npos);
    for (const auto& [name, value] : request.headers) {
      if (value.find(sim::kMastToken) != std::string::npos) told.push_back(request.target);
    }
  }
  EXPECT_THAT(told, ElementsAre("/api/v0.1/Download/file?uri=mast:HST/product/ifxe01010_spt.fits"));
}

TEST_F(HstArchiveTest, ARedirectToAnotherHostDoesNotGetTheToken) {
  serve();
  log_in();
  sim::ArchiveSim other;
  ASSERT_TRUE(other.start());
  const std::string bytes = sim::hst_file("ifxe01010_drz.fits", 8);
  other.serve_file("/signed/ifxe01010_drz.fits", bytes);
  server_.add_fault(Fault{.path = "*Download*",
                          .kind = Kind::redirect,
                          .n = -1,
                          .text = other.url() + "/signed/ifxe01010_drz.fits"});
  const auto mirrors = archive().locate("exclusive/ifxe01010_drz.fits");
  ASSERT_TRUE(mirrors);
  const auto answer = http_.fetcher().fetch(*mirrors);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body, bytes);
  const auto there = other.requests();
  ASSERT_EQ(there.size(), 1U);
  for (const auto& [name, value] : there[0].headers)
    EXPECT_EQ(value.find(sim::kMastToken), std::string::npos) << name;
}

TEST_F(HstArchiveTest, ReleasedFilesAreListedAsPublicOnes) {
  auto& hst = serve();
  const Listing before = list("set/ifxe01010");
  hst.release(kExclusive);
  clock_.advance(std::chrono::hours(25));
  const Listing after = list("set/ifxe01010", before.token);
  EXPECT_EQ(names_of(after), names_of(before));
  EXPECT_EQ(entry(after, "ifxe01010_drz.fits").locator, "public/ifxe/ifxe01010/ifxe01010_drz.fits");
}

TEST_F(HstArchiveTest, MastGetsThreeRequestsAtATimeHoweverManyAsk) {
  constexpr int kReaders = 24;
  serve({.exposures = kReaders});
  sim::ArchiveSim mast;
  ASSERT_TRUE(mast.start());
  mast.add_hst({.exposures = kReaders, .side = 8});
  EXPECT_TRUE(login_file::write_text(login_, std::string(sim::kMastToken)));
  HstArchive archive(StsciHosts{server_.url(), "", mast.url()}, login_, http_.fetcher(), clock_);
  archive.notice_login();
  for (sim::ArchiveSim* const each : {&server_, &mast})
    each->add_fault(Fault{.kind = Kind::latency, .n = 20});
  std::vector<std::jthread> readers;
  std::atomic<int> good{0};
  for (int i = 0; i < kReaders; ++i) {
    readers.emplace_back([&, i] {
      const std::string name = fmt::format("j8pu0y{:02}q", i % 10);
      const bool found = archive.find("", name, {}).value_or(std::nullopt).has_value();
      const bool listed = archive.list("set/" + name, "", {}).has_value();
      archive.notice_login();
      const auto mirrors = archive.locate("exclusive/ifxe01010_drz.fits");
      const bool fetched = mirrors && http_.fetcher().fetch(*mirrors);
      good += found && listed && fetched && archive.credential_scope("exclusive/x") != "nobody" ? 1 : 0;
    });
  }
  readers.clear();
  EXPECT_EQ(good, kReaders);
  EXPECT_LE(mast.peak_requests(), 3U);
  EXPECT_GE(mast.peak_requests(), 2U) << "or they did not ask at one time";
  EXPECT_GT(server_.peak_requests(), 3U) << "the bucket takes more";
}

TEST_F(HstArchiveTest, LocatesNothingThatIsNoLocator) {
  serve();
  for (const char* const locator :
       {"", "public/", "public/../x.fits", "product/", "product/a/b", "exclusive/../x", "exclusive/a b",
        "product/x.fits?y", "set/j8pu0y010", "hst/public/j8pu/x.fits"}) {
    const auto mirrors = archive().locate(locator);
    ASSERT_FALSE(mirrors) << locator;
    EXPECT_EQ(mirrors.error().code, Errc::not_found) << locator;
  }
  EXPECT_FALSE(archive().shape("public/j8pu/j8pu0y010/j8pu0y010_drz.fits"))
      << "no name says how large an image of HST was";
}

}  // namespace
}  // namespace astrofs
