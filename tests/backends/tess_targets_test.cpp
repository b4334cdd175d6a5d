// The targets of TESS by their number: what S3 and MAST say together, what each says alone, what is
// remembered.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <set>

#include "backends/format/tess_target_name.h"
#include "tests/backends/tess_stage.h"

namespace astrofs {
namespace {

using ::testing::Contains;
using ::testing::EndsWith;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kTarget = "tic/25132999";

class TessTargets : public TessArchiveTest {
 protected:
  sim::MastPortal& add_targets(int targets = 3) {
    return server_.add_targets({.targets = targets, .sectors = {1, 2, 3, 27}, .rows = 50});
  }
  std::optional<Entry> find(const std::string& name) {
    auto found = archive().find("tic", name, {});
    EXPECT_TRUE(found) << found.error().message;
    return found ? *found : std::nullopt;
  }
  static const Entry& entry(const Listing& listing, const std::string& name) {
    static const Entry none;
    for (const Entry& each : listing.entries) {
      if (each.name == name) return each;
    }
    ADD_FAILURE() << name << " is not listed";
    return none;
  }
  static std::size_t files(const Listing& listing) {
    return static_cast<std::size_t>(std::count_if(
        listing.entries.begin(), listing.entries.end(),
        [](const Entry& each) { return each.kind == EntryKind::file && !each.name.ends_with(".csv"); }));
  }
  void silence_mast() { server_.add_fault(Fault{.path = "*invoke*", .kind = Kind::status, .n = 403}); }
  void silence_tap() { server_.add_fault(Fault{.path = "*vo-tap*", .kind = Kind::status, .n = 503}); }
  void silence_s3() { server_.add_fault(Fault{.path = "*list-type*", .kind = Kind::status, .n = 403}); }
};

TEST_F(TessTargets, ShowsAllProductsOfATargetWithTheBucketsSizes) {
  const auto& portal = add_targets();
  std::set<std::string> made;
  for (const auto& observation : portal.targets()[1].observations) {
    for (const auto& product : observation.products) made.insert(product.name);
  }
  const Listing target = list("tic/" + std::to_string(portal.targets()[1].tic));
  for (const std::string& name : made) {
    const Entry& product = entry(target, name);
    EXPECT_TRUE(product.size) << name;
    EXPECT_NE(product.size, 1'000'000U) << "MAST's word for a size is not taken";
    EXPECT_FALSE(product.validator.empty()) << name;
  }
  EXPECT_EQ(files(target), made.size());
  EXPECT_EQ(target.good_for, std::chrono::hours(24));
}

TEST_F(TessTargets, PutsRunsThatALaterOneContainsIntoSuperseded) {
  add_targets();
  const Names shown = names_of(list(kTarget));
  EXPECT_THAT(shown, Contains("superseded"));
  EXPECT_THAT(shown, Contains(::testing::HasSubstr("-s0001-s0027-")));
  EXPECT_THAT(shown, Contains(::testing::HasSubstr("-s0001-s0001-")))
      << "a run of one sector is no part of another";
  EXPECT_THAT(shown, Not(Contains(::testing::HasSubstr("-s0001-s0002-"))));
  const Names old = names_of(list(std::string(kTarget) + "/superseded"));
  EXPECT_EQ(old.size(), 10U);
  EXPECT_THAT(old, Contains(::testing::HasSubstr("-s0001-s0002-")));
  EXPECT_THAT(old, Contains(::testing::HasSubstr("-s0001-s0003-")));
  EXPECT_THAT(names_of(list("tic/26133002")), Not(Contains("superseded")));
}

TEST_F(TessTargets, AsksInTwoRoundsAndOnlyOnceForALookupAndItsListing) {
  add_targets();
  ASSERT_TRUE(find("25132999"));
  EXPECT_FALSE(list(kTarget).entries.empty());
  EXPECT_EQ(server_.count("invoke"), 2U) << "observations, products";
  EXPECT_EQ(server_.count("list-type"), 5U) << "the sectors, the target's folder in each";
  EXPECT_EQ(server_.count("", "HEAD"), 0U);
  server_.clear_log();
  EXPECT_FALSE(list("tic/26133002").entries.empty());
  EXPECT_EQ(server_.count("list-type"), 4U) << "the sectors are known";
}

TEST_F(TessTargets, ATargetThatIsNotThereIsRememberedForAWhile) {
  add_targets();
  EXPECT_FALSE(find("4711"));
  const std::size_t asked = server_.requests().size();
  EXPECT_FALSE(find("4711"));
  EXPECT_EQ(server_.requests().size(), asked);
  clock_.advance(std::chrono::minutes(11));
  EXPECT_FALSE(find("4711"));
  EXPECT_GT(server_.requests().size(), asked);
  for (const char* const name : {"0", "025132999", "README", "TIC 25132999", "-1", ""}) {
    const std::size_t before = server_.requests().size();
    EXPECT_FALSE(find(name)) << name;
    EXPECT_EQ(server_.requests().size(), before) << "no number: nobody is asked";
  }
  EXPECT_EQ(error_of("tic/4711"), Errc::not_found);
}

TEST_F(TessTargets, NothingIsTakenForMissingWhileASourceIsSilent) {
  add_targets();
  silence_mast();
  const auto found = archive().find("tic", "4711", {});
  ASSERT_FALSE(found) << "the bucket knows nothing, MAST might";
  EXPECT_EQ(found.error().code, Errc::denied);
}

TEST_F(TessTargets, ANotFoundOfAServiceItselfIsNoWordOnATarget) {
  add_targets();
  server_.add_fault(Fault{.path = "*invoke*", .kind = Kind::status, .n = 404});
  const auto gone = archive().find("tic", "4711", {});
  ASSERT_FALSE(gone) << "the portal is not there, the bucket knows nothing";
  EXPECT_EQ(gone.error().code, Errc::unavailable);
  // Both, and the bucket's is the word that is passed on.
  archive_.reset();
  silence_tap();
  server_.add_fault(Fault{.path = "*list-type*", .kind = Kind::status, .n = 503});
  const auto both = archive().find("tic", "25132999", {});
  ASSERT_FALSE(both);
  EXPECT_EQ(both.error().code, Errc::unavailable);
  EXPECT_NE(both.error().message.find("503"), std::string::npos) << both.error().message;
  server_.clear_faults();
  EXPECT_TRUE(find("25132999")) << "nothing was remembered";
}

TEST_F(TessTargets, ABucketThatIsNotThereIsNoWordOnATarget) {
  add_targets();
  server_.add_fault(Fault{.path = "*list-type*", .kind = Kind::status, .n = 404});
  const auto gone = archive().find("tic", "4711", {});
  ASSERT_FALSE(gone) << "MAST knows nothing, the bucket cannot be heard";
  EXPECT_EQ(gone.error().code, Errc::unavailable);
}

TEST_F(TessTargets, ShowsWhatTheBucketHasWhileMastIsSilentAndTakesNothingAway) {
  add_targets();
  const Listing whole = list(kTarget);
  silence_mast();
  const Listing part = list(kTarget);
  EXPECT_EQ(files(part), files(whole));
  EXPECT_THAT(names_of(part), Not(Contains(EndsWith(".csv"))));
  EXPECT_LT(part.good_for, whole.good_for);
  const auto again = archive().list(kTarget, whole.token, {});
  EXPECT_FALSE(again) << "what was listed with MAST is not taken away without it";
  server_.clear_faults();
  const auto healed = archive().list(kTarget, part.token, {});
  ASSERT_TRUE(healed);
  EXPECT_EQ(std::get<Listing>(*healed).token, whole.token);
}

TEST_F(TessTargets, ShowsWhatMastNamesWhileTheBucketIsSilent) {
  add_targets();
  const Listing whole = list(kTarget);
  archive_.reset();
  silence_s3();
  const Listing part = list(kTarget);
  EXPECT_EQ(names_of(part), names_of(whole));
  for (const Entry& product : part.entries) {
    const bool is_product = product.kind == EntryKind::file && !product.name.ends_with(".csv");
    EXPECT_FALSE(is_product && product.size) << product.name;
  }
  const Entry& curve = entry(part, "tess2018206045859-s0001-0000000025132999-0120-s_lc.fits");
  EXPECT_EQ(curve.locator, entry(whole, curve.name).locator) << "the name says where a sector's product lies";
}

TEST_F(TessTargets, AsksTapWhereTheBucketAndThePortalAreSilent) {
  add_targets();
  const Listing whole = list(kTarget);
  archive_.reset();
  silence_mast();
  EXPECT_GT(files(list(kTarget)), 0U);
  EXPECT_EQ(server_.count("vo-tap"), 0U) << "the bucket names them";
  archive_.reset();
  silence_s3();
  server_.clear_log();
  const Listing part = list(kTarget);
  EXPECT_EQ(server_.requests().size(), 3U) << "sectors and observations side by side, then TAP";
  Names without_tables = names_of(whole);
  std::erase_if(without_tables, [](const std::string& name) { return name.ends_with(".csv"); });
  EXPECT_EQ(names_of(part), without_tables);
  EXPECT_LT(part.good_for, whole.good_for) << "those that were silent are asked again soon";
  for (const Entry& product : part.entries) {
    EXPECT_FALSE(product.size) << product.name << ": the service's word for a size is not taken";
    const std::string& before = entry(whole, product.name).locator;
    EXPECT_TRUE(product.locator == before || product.locator == "product/" + product.name ||
                product.kind != EntryKind::file);
  }
  EXPECT_FALSE(archive().list(kTarget, whole.token, {})) << "it takes nothing away";
}

TEST_F(TessTargets, TapDeniesNoTarget) {
  add_targets();
  silence_mast();
  const auto unknown = archive().find("tic", "4711", {});
  ASSERT_FALSE(unknown) << "the bucket and TAP know nothing, the portal might";
  EXPECT_EQ(unknown.error().code, Errc::denied);
  EXPECT_EQ(server_.count("vo-tap"), 1U);
  silence_s3();
  silence_tap();
  EXPECT_EQ(error_of(kTarget), Errc::denied);
}

TEST_F(TessTargets, WaitsForWhatIsExecutingReadsAllPagesAndReportsAnError) {
  sim::MastPortal& portal = add_targets();
  const Names whole = names_of(list(kTarget));
  portal.set({.executing = 2, .page_rows = 10});
  server_.clear_log();
  EXPECT_EQ(names_of(list(kTarget)), whole);
  EXPECT_EQ(server_.count("invoke"), 3U * (1 + 5)) << "one page of observations, five of products";
  portal.set({.executing = 1000});
  server_.clear_log();
  EXPECT_THAT(names_of(list(kTarget)), Not(Contains("products.csv"))) << "it is not asked without end";
  EXPECT_LE(server_.count("invoke"), 12U);
  portal.set({.error = "session is in the kill state"});
  silence_s3();
  silence_tap();
  const auto failed = archive().list(kTarget, "", {});
  ASSERT_FALSE(failed);
}

TEST_F(TessTargets, GivesMastsTablesAsTheyAre) {
  add_targets();
  const Listing target = list(kTarget);
  for (const char* const name : {"observations.csv", "products.csv"}) {
    const Entry& table = entry(target, name);
    ASSERT_TRUE(archive().makes(table.locator));
    const auto made = archive().make(table.locator, {});
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(made->size(), table.size);
    EXPECT_EQ(made_version(*made), table.validator);
    archive_.reset();  // a mount that has been restarted asks again
    EXPECT_EQ(archive().make(table.locator, {}).value_or(""), *made);
  }
  const std::string observations = archive().make("table/25132999/observations", {}).value_or("");
  EXPECT_TRUE(observations.starts_with("intentType,obs_collection,provenance_name,"))
      << observations.substr(0, 80);
  EXPECT_NE(observations.find("\"G011183_G011132, \"\"A\"\"\""), std::string::npos);
  EXPECT_EQ(std::count(observations.begin(), observations.end(), '\n'), 1 + 4 + 1 + 3)
      << "sectors, fast, runs";
  EXPECT_FALSE(archive().make("table/25132999/other", {}));
  EXPECT_EQ(archive().make("table/4711/products", {}).error().code, Errc::not_found);
}

TEST_F(TessTargets, TheListingOfAllTargetsLeavesThoseThatWereFound) {
  add_targets();
  const Listing first = list("tic");
  EXPECT_THAT(first.entries, IsEmpty());
  const auto again = archive().list("tic", first.token, {});
  ASSERT_TRUE(again);
  EXPECT_TRUE(std::holds_alternative<NotModified>(*again));
  EXPECT_TRUE(archive().finds("tic"));
  EXPECT_FALSE(archive().finds(kTarget));
}

TEST_F(TessTargets, GivesTheMirrorsOfAProduct) {
  add_targets();
  const std::string name = "tess2018206045859-s0001-0000000025132999-0120-s_lc.fits";
  const std::string locator = "tid/s0001/0000/0000/2513/2999/" + name;
  const auto mirrors = archive().locate(locator);
  ASSERT_TRUE(mirrors);
  ASSERT_EQ(mirrors->size(), 3U);
  EXPECT_EQ((*mirrors)[0].url, server_.url() + "/tess/public/" + locator);
  EXPECT_EQ((*mirrors)[1].url, server_.url() + "/missions/tess/" + locator);
  EXPECT_EQ((*mirrors)[2].url, server_.url() + "/api/v0.1/Download/file?uri=mast:TESS/product/" + name);
  EXPECT_EQ(archive().locate("product/" + name)->size(), 1U);
  for (const char* const wrong : {"product/../x", "product/a b", "product/",
                                  "tid/s0001/0000/0000/2513/2999/a?b", "table/25132999/products"})
    EXPECT_FALSE(archive().locate(wrong)) << wrong;
}

TEST_F(TessTargets, RefusesDirectoriesThatNoUserWouldWrite) {
  add_targets();
  const std::size_t before = server_.requests().size();
  for (const char* const dir :
       {"tic/", "tic/x", "tic/01", "tic/25132999/x", "tic/25132999/superseded/x", "ticks"})
    EXPECT_EQ(error_of(dir), Errc::not_found) << dir;
  EXPECT_EQ(server_.requests().size(), before);
}

TEST_F(TessTargets, ASectorShowsItsTargetsFromTheScript) {
  const auto& portal = add_targets(9);
  std::set<std::string> of_the_sector;
  for (const sim::Target& target : portal.targets()) {
    for (const auto& observation : target.observations) {
      if (observation.first_sector == 2 && observation.last_sector == 2)
        of_the_sector.insert(std::to_string(target.tic));
    }
  }
  const Listing targets = list("2/targets");
  const Names shown = names_of(targets);
  EXPECT_EQ(std::set<std::string>(shown.begin(), shown.end()), of_the_sector);
  EXPECT_LT(of_the_sector.size(), 9U) << "some were not observed in it";
  EXPECT_EQ(targets.entries.front().kind, EntryKind::directory);
  EXPECT_THAT(list("9/targets").entries, IsEmpty()) << "no script, no targets";
  EXPECT_EQ(error_of("2/targets/4711"), Errc::not_found);
  for (const char* const dir : {"2/targets/x", "2/targets/01", "2/targets/25132999/x", "0/targets"})
    EXPECT_EQ(error_of(dir), Errc::not_found) << dir;
}

TEST_F(TessTargets, ATargetOfASectorHasTheSameProductsFromTheBucketAndFromTheScripts) {
  // More targets than are read in one go: the scripts are searched.
  const auto& portal = server_.add_targets({.targets = 300, .sectors = {2, 27}, .rows = 1});
  for (const std::size_t index : {0U, 1U, 20U, 151U, 298U}) {
    const sim::Target& target = portal.targets()[index];
    for (const char* const sector : {"2", "27"}) {
      const std::string dir = std::string(sector) + "/targets/" + std::to_string(target.tic);
      const auto from_s3 = archive().list(dir, "", {});
      const int fault = server_.add_fault(Fault{.path = "*list-type*", .kind = Kind::status, .n = 403});
      server_.clear_log();
      const auto from_scripts = archive().list(dir, "", {});
      server_.remove_fault(fault);
      ASSERT_EQ(from_s3.has_value(), from_scripts.has_value()) << dir;
      if (!from_s3) continue;
      const auto& in_sector = std::get<Listing>(*from_s3).entries;
      EXPECT_EQ(names_of(std::get<Listing>(*from_scripts)), names_of(std::get<Listing>(*from_s3))) << dir;
      EXPECT_GT(in_sector.size(), 1U) << dir;
      for (const Entry& product : std::get<Listing>(*from_scripts).entries)
        EXPECT_EQ(product.locator, entry(std::get<Listing>(*from_s3), product.name).locator);
    }
  }
}

TEST_F(TessTargets, ALongScriptIsSearchedAndNotReadForOneTarget) {
  const auto& portal = server_.add_targets({.targets = 3000, .sectors = {1}, .rows = 1});
  silence_s3();
  const std::string dir = "1/targets/" + std::to_string(portal.targets()[1234].tic);
  server_.clear_log();
  EXPECT_FALSE(list(dir).entries.empty());
  std::uint64_t sent = 0;
  for (const auto& request : server_.requests()) {
    if (request.path.ends_with("_1_lc.sh")) sent += request.body_bytes;
  }
  EXPECT_LT(sent, 3000U * 197 / 3);
  EXPECT_GT(sent, 0U);
}

class TessRuns : public TessTargets {
 protected:
  /// Reports of so many targets over sectors 1 to 2, in lines as they are: of several widths, in no order
  /// within a target.
  void serve_run(int targets) {
    std::string script = "#!/bin/sh\n";
    for (int i = 0; i < targets; ++i) {
      const std::string tic = fmt::format("-s0001-s0002-{:016}", 25132999 + 10 * i);
      for (const char* const end :
           {"-02-00205_dvs.pdf", "-01-00205_dvs.pdf", "-00205_dvt.fits", "-00205_dvr.xml"})
        script += fmt::format(
            "curl -C - -L -o {0} https://mast.stsci.edu/api/v0.1/Download/file/?uri=mast:TESS/product/{0}\n",
            "tess2018206190142" + tic + end);
    }
    server_.serve_file(std::string(kScript), script);
  }
  std::size_t runs_of(int index) {
    const Names names = names_of(list("2/targets/" + std::to_string(25132999 + 10 * index)));
    return static_cast<std::size_t>(std::count_if(names.begin(), names.end(), [](const std::string& name) {
      return name.find("-s0001-s0002-") != std::string::npos;
    }));
  }
  static constexpr std::string_view kScript =
      "/missions/tess/download_scripts/sector/tesscurl_multisector_s0001-s0002_dv.sh";
  static constexpr const char* kPage = "*bulk_downloads*";
};

TEST_F(TessRuns, ARunOverSeveralSectorsIsSearchedWhateverTheWidthsOfItsLines) {
  add_targets();
  serve_run(4000);
  silence_s3();
  for (const int index : {0, 1, 1234, 3999}) {
    server_.clear_log();
    EXPECT_EQ(runs_of(index), 4U) << index;
    std::uint64_t sent = 0;
    for (const auto& request : server_.requests()) {
      if (request.path == kScript) sent += request.body_bytes;
    }
    EXPECT_LT(sent, 4U * 4000 * 206 / 10);
  }
  EXPECT_EQ(error_of("2/targets/" + std::to_string(25132999 + 10 * 4000)), Errc::not_found);
}

TEST_F(TessRuns, WhichRunsThereAreIsAskedOnceADayAndElsewhereWhereThePageIsGone) {
  add_targets();
  silence_s3();
  EXPECT_EQ(runs_of(0), 5U);
  EXPECT_EQ(runs_of(0), 5U);
  EXPECT_EQ(server_.count("bulk_downloads"), 1U);
  clock_.advance(std::chrono::hours(25));
  const int gone = server_.add_fault(Fault{.path = kPage, .kind = Kind::status, .n = 404});
  EXPECT_EQ(runs_of(0), 5U) << "the folder of the scripts says it too";
  clock_.advance(std::chrono::hours(25));
  server_.set_style("/missions/", ListingStyle::none);
  EXPECT_EQ(runs_of(0), 0U) << "nobody names such a run";
  server_.remove_fault(gone);
  clock_.advance(std::chrono::hours(25));
  server_.add_fault(Fault{.path = kPage, .kind = Kind::status, .n = 403});
  EXPECT_EQ(error_of("2/targets/25132999"), Errc::denied) << "what is not known takes nothing away";
}

TEST_F(TessTargets, AScriptThatIsNotSortedIsReadWhole) {
  std::string script = "#!/bin/sh\n";
  for (int i = 0; i < 500; ++i) {
    const std::string name = fmt::format("tess2018206045859-s0001-{:016}-0120-s_lc.fits", 1 + i * 7919 % 500);
    script += fmt::format(
        "curl -C - -L -o {0} https://mast.stsci.edu/api/v0.1/Download/file/?uri=mast:TESS/product/{0}\n",
        name);
  }
  server_.serve_file("/missions/tess/download_scripts/sector/tesscurl_sector_1_lc.sh", script);
  for (const int tic : {1, 2, 250, 500})
    EXPECT_EQ(list("1/targets/" + std::to_string(tic)).entries.size(), 1U) << tic;
  EXPECT_EQ(list("1/targets").entries.size(), 500U);
}

}  // namespace
}  // namespace astrofs
