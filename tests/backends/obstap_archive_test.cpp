// Type "obstap" on the stand-in: what the contract does not ask.
#include "backends/obstap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>

#include "tests/backends/http_stage.h"
#include "tests/contract/http_stack.h"
#include "tests/format/samples.h"
#include "tests/support/archive_sim.h"
#include "tests/support/vo_archive.h"

namespace astrofs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Obstap : public ::testing::Test {
 protected:
  void start(const sim::VoOptions& options, const std::string& tree, ObstapArchive::Limits limits = {},
             const std::string& where = "") {
    vo_ = &server_.add_vo(options);
    ASSERT_TRUE(server_.start());
    archive_ = remade(tree, limits, where);
  }
  std::unique_ptr<ObstapArchive> remade(const std::string& tree, ObstapArchive::Limits limits = {},
                                        const std::string& where = "") {
    obstap::Table table;
    table.levels = *obstap::parse_tree(tree);
    table.where = where;
    return std::make_unique<ObstapArchive>(server_.url() + "/vo/tap", std::move(table), access_,
                                           http_.fetcher(), clock_, limits);
  }
  void set(const std::function<void(sim::VoSettings&)>& change) {
    sim::VoSettings settings = vo_->settings();
    change(settings);
    vo_->set(settings);
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
  /// Through find() where the listing does not show it.
  std::string into(const std::string& dir, const std::string& name) {
    for (const Entry& entry : list(dir).entries) {
      if (entry.name == name) return entry.locator;
    }
    const auto found = archive_->find(dir, name, {});
    return found && *found ? (*found)->locator : "nowhere";
  }
  std::string bytes(const std::string& locator, bool again = false) {
    const auto request = archive_->seek(locator, again, {});
    if (!request) return "not sought: " + request.error().message;
    const auto body = http_.fetcher().fetch({request->front()});
    return body ? body->body : "not fetched: " + body.error().message;
  }

  sim::ArchiveSim server_;
  contract::HttpStack http_;
  ManualClock clock_;
  sim::VoArchive* vo_{nullptr};
  VoAccess access_;
  std::unique_ptr<ObstapArchive> archive_;
};

TEST_F(Obstap, LevelsAreTheValuesOfColumns) {
  start({.plates = 6, .linked = 2}, "{obs_collection}/{calib_level}/{obs_id}");
  EXPECT_THAT(names(""), ElementsAre("LINKED", "PLATES"));
  EXPECT_THAT(names("lPLATES"), ElementsAre("1"));
  EXPECT_EQ(into("lPLATES", "1"), "lPLATES/v1");  // a number, and asked for as one
  EXPECT_EQ(names("lPLATES/v1").size(), 6U);
  EXPECT_EQ(server_.count("/vo/links"), 0U);
}

/// Of single precision, yes or no, and times: each is entered as it is listed and as it is asked for by name.
TEST_F(Obstap, LevelsOfEveryTypeCanBeEntered) {
  for (const auto& [column, shown] :
       {std::pair{"seeing", std::vector<std::string>{"0.1", "0.7"}},
        std::pair{"is_public", std::vector<std::string>{"NULL", "false", "true"}},
        std::pair{"obs_date", std::vector<std::string>{"2014-10-01T09:43:12", "2014-10-02T09:43:12", "NULL"}},
        std::pair{"s_fov", std::vector<std::string>{"0.1", "0.16000001"}},
        std::pair{"s_ra", std::vector<std::string>{"10", "10.25", "10.5", "10.75", "11", "11.25"}}}) {
    sim::ArchiveSim server;
    vo_ = &server.add_vo({.plates = 6, .linked = 0});
    ASSERT_TRUE(server.start());
    obstap::Table table;
    table.levels = {column};
    const auto make = [&] {
      return std::make_unique<ObstapArchive>(server.url() + "/vo/tap", table, access_, http_.fetcher(),
                                             clock_, ObstapArchive::Limits{});
    };
    const auto by_name = make();
    std::size_t files = 0;
    for (const std::string& name : shown) {
      const auto found = by_name->find("", name, {});
      ASSERT_TRUE(found) << column << ": " << found.error().message;
      ASSERT_TRUE(*found) << column << " " << name;
      archive_ = make();
      EXPECT_EQ(names(""), shown);
      EXPECT_EQ(into("", name), (*found)->locator);
      const auto below = names((*found)->locator);
      EXPECT_FALSE(below.empty()) << column << " " << name;
      files += below.size();
    }
    EXPECT_EQ(files, 6U) << column;
    EXPECT_FALSE(by_name->find("", "never", {})->has_value());
  }
}

TEST_F(Obstap, AConditionHoldsOnEveryLevel) {
  start({.plates = 6, .linked = 2}, "{obs_collection}", {}, "calib_level>=2 OR obs_id='none'");
  EXPECT_THAT(names(""), ElementsAre("LINKED"));
  const auto none = archive_->list("lPLATES", "", {});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Errc::not_found);
}

TEST_F(Obstap, ReadsEverySerializationPackedOrNot) {
  start({.plates = 3, .linked = 0}, "{obs_collection}/{target_name}");
  const auto plain = names("lPLATES");
  set([](sim::VoSettings& settings) { settings.gzip = true; });
  EXPECT_EQ(names("lPLATES"), plain);
}

TEST_F(Obstap, ALevelWithTooManyValuesShowsSomeAndOpensAll) {
  start({.plates = 1, .linked = 0, .stars = 300}, "{obs_collection}/{target_name}",
        {.page = 50, .names = 100});
  const Listing some = list("lSURVEY");
  EXPECT_EQ(some.entries.size(), 100U);
  EXPECT_THAT(archive_->remark("lSURVEY", some.token), HasSubstr("opens by its name"));
  EXPECT_THAT(archive_->remark("", list("").token), "301 data sets");
  const std::string star = into("lSURVEY", "TIC 1000299");
  EXPECT_THAT(names(star), ElementsAre("star000299.fits"));
  EXPECT_FALSE(archive_->find("lSURVEY", "TIC 7", {})->has_value());
  EXPECT_TRUE(archive_->finds_first("lSURVEY"));
  EXPECT_FALSE(archive_->lists_all("lSURVEY", some.token));
  EXPECT_TRUE(archive_->lists_all("", list("").token));
  EXPECT_FALSE(archive_->lists_all("", ""));
}

TEST_F(Obstap, AServiceThatGivesMoreThanItWasAskedForIsReadInPagesAllTheSame) {
  start({.plates = 1, .linked = 0, .stars = 300}, "{obs_collection}", {.page = 50, .rows = 100});
  const Listing paged = list("lSURVEY");
  set([](sim::VoSettings& settings) { settings.ignores_maxrec = true; });
  const Listing some = list("lSURVEY");
  EXPECT_EQ(some.entries.size(), paged.entries.size());
  EXPECT_EQ(some.token, paged.token);
  EXPECT_FALSE(archive_->lists_all("lSURVEY", some.token));
}

/// Daiquiri before 2025 and MAST: exactly as many rows as were asked for, and not a word that there are more.
TEST_F(Obstap, AnAnswerThatIsCutOffWithoutAWordIsNotTheWholeOfIt) {
  start({.plates = 0, .linked = 0, .stars = 120}, "{obs_collection}/{target_name}", {.page = 50});
  set([](sim::VoSettings& settings) { settings.hides_overflow = true; });
  const Listing all = list("lSURVEY");
  EXPECT_EQ(all.entries.size(), 120U);
  EXPECT_TRUE(archive_->lists_all("lSURVEY", all.token));

  archive_ = remade("{obs_collection}", {.page = 50, .namesakes = 20});
  EXPECT_EQ(list("lSURVEY").entries.size(), 120U);
  const auto vague = archive_->find("lSURVEY", "star0001.fits", {});
  ASSERT_FALSE(vague) << "a hundred data sets may be meant, and so many were not seen";
  EXPECT_EQ(vague.error().code, Errc::unavailable);
}

TEST_F(Obstap, ALastPageThatIsFullIsFollowedByAnEmptyOne) {
  start({.plates = 0, .linked = 0, .stars = 100}, "{obs_collection}/{target_name}", {.page = 50});
  set([](sim::VoSettings& settings) { settings.hides_overflow = true; });
  const Listing all = list("lSURVEY");
  EXPECT_EQ(all.entries.size(), 100U);
  EXPECT_TRUE(archive_->lists_all("lSURVEY", all.token));
  archive_ = remade("{obs_collection}", {.page = 50});
  EXPECT_EQ(list("lSURVEY").entries.size(), 100U);
}

TEST_F(Obstap, WhatIsNotThereIsAskedForOnceInAWhile) {
  start({.plates = 1, .linked = 0}, "{obs_collection}/{target_name}");
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(archive_->find("", "NOWHERE", {})->has_value());
  EXPECT_EQ(server_.count("/vo/tap"), 1U);
  EXPECT_TRUE(archive_->find("", "PLATES", {})->has_value());
  EXPECT_TRUE(archive_->find("", "PLATES", {})->has_value());
  EXPECT_EQ(server_.count("/vo/tap"), 2U);
  clock_.advance(std::chrono::minutes(11));
  vo_->add({.collection = "NOWHERE", .obs_id = "x", .did = "ivo://x", .path = "/data?id=x"});
  EXPECT_TRUE(archive_->find("", "NOWHERE", {})->has_value());
}

TEST_F(Obstap, ADirectoryOfTooManyDataSetsOpensThemByTheirNames) {
  start({.plates = 0, .linked = 60, .stars = 300}, "{obs_collection}",
        {.page = 50, .rows = 50, .files = {.documents = 10}});
  const Listing some = list("lSURVEY");
  EXPECT_EQ(some.entries.size(), 2 * (50U - 1));  // the last of a page stands on the next one
  EXPECT_FALSE(archive_->lists_all("lSURVEY", some.token));
  EXPECT_FALSE(archive_->finds_first("lSURVEY")) << "the listing may have it";
  EXPECT_THAT(archive_->remark("lSURVEY", some.token), HasSubstr("any other opens by"));
  for (const Entry& listed : some.entries) {
    const auto same = archive_->find("lSURVEY", listed.name, {});
    ASSERT_TRUE(same && *same) << listed.name;
    EXPECT_EQ((*same)->locator, listed.locator);
  }
  const auto star = archive_->find("lSURVEY", "star000299.fits", {});
  ASSERT_TRUE(star) << star.error().message;
  ASSERT_TRUE(*star);
  EXPECT_EQ(bytes((*star)->locator), sim::VoArchive::file("star000299.fits"));
  EXPECT_FALSE(archive_->find("lSURVEY", "star000299.jpg", {})->has_value());
  EXPECT_FALSE(archive_->find("lSURVEY", "star000300.fits", {})->has_value());
  // Data sets with documents are directories there, found or listed.
  const auto linked = archive_->find("lLINKED", "DR01459", {});
  ASSERT_TRUE(linked && *linked);
  EXPECT_EQ((*linked)->kind, EntryKind::directory);
  EXPECT_THAT(names((*linked)->locator), ::testing::Contains("DR01459.fits"));
  // Of a name that too many have nobody can say that it is none.
  const auto vague = archive_->find("lSURVEY", "star.fits", {});
  EXPECT_TRUE(vague && !*vague);
}

TEST_F(Obstap, AFolderThatIsEnteredAMomentLaterCostsNoQuestion) {
  start({.plates = 1, .linked = 1}, "{obs_collection}");
  EXPECT_THAT(names("lLINKED"), ElementsAre("DR01400.fits", "DR01400_part.fits", "calibration", "preview"));
  server_.clear_log();
  EXPECT_THAT(names("lLINKED/spreview"), ElementsAre("DR01400.jpg"));
  EXPECT_THAT(names("lLINKED/scalibration"), ElementsAre("flat.fits"));
  EXPECT_TRUE(server_.requests().empty());
  EXPECT_THAT(names("lLINKED/spreview"), ElementsAre("DR01400.jpg"));  // who asks again asks the service
  EXPECT_EQ(server_.count("/vo/tap"), 1U);
  clock_.advance(std::chrono::minutes(2));
  EXPECT_THAT(names("lLINKED/scalibration"), ElementsAre("flat.fits"));
  EXPECT_EQ(server_.count("/vo/tap"), 2U);
}

TEST_F(Obstap, AFileThatIsRefusedUnderANewAddressIsNotSoughtByEachReader) {
  start({.plates = 1, .linked = 1}, "{obs_collection}");
  const std::string locator = list("lLINKED").entries.front().locator;
  server_.add_fault(sim::Fault{.path = "*DR01400.fits*", .kind = sim::Kind::status, .n = 403});
  server_.clear_log();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(archive_->seek(locator, true, {}));
  EXPECT_EQ(server_.count("/vo/tap/sync"), 1U);
  EXPECT_EQ(server_.count("/vo/links"), 2U);  // and the one that it leads to
  clock_.advance(std::chrono::seconds(31));
  EXPECT_TRUE(archive_->seek(locator, true, {}));
  EXPECT_EQ(server_.count("/vo/tap/sync"), 2U);
}

TEST_F(Obstap, PagesAreAskedUntilTheyAreAll) {
  start({.plates = 0, .linked = 0, .stars = 120}, "{obs_collection}/{target_name}");
  vo_->add(
      {.collection = "SURVEY", .obs_id = "x", .did = "ivo://x", .path = "/data?id=x", .has_target = false});
  set([](sim::VoSettings& settings) { settings.most_rows = 50; });
  const Listing all = list("lSURVEY");
  EXPECT_EQ(all.entries.size(), 121U);
  EXPECT_EQ(all.entries.front().name, "NULL");
  EXPECT_EQ(archive_->remark("lSURVEY", all.token), "121 data sets");
  EXPECT_THAT(names("lSURVEY/n"), ElementsAre("x.fits"));
}

TEST_F(Obstap, ValuesThatAreNoNamesAreWhatTheyAre) {
  start({.plates = 1, .linked = 0}, "{obs_collection}/{target_name}");
  int number = 0;
  for (const std::string target : {"../../etc/passwd", "a/b", "it's", "tab\there", "", "NULL", "M31 "}) {
    vo_->add({.collection = "TRICKY",
              .obs_id = "o",
              .did = "ivo://t/" + std::to_string(number++),
              .target = target,
              .path = "/data?id=t"});
  }
  const std::string longest(400, 'y');
  vo_->add({.collection = "TRICKY",
            .obs_id = "o",
            .did = "ivo://t/long",
            .target = longest,
            .path = "/data?id=t"});
  std::map<std::string, std::string> locators;
  for (const Entry& entry : list("lTRICKY").entries) locators[entry.name] = entry.locator;
  EXPECT_EQ(locators.size(), 7U);  // "" and NULL are one
  for (const auto& [name, locator] : locators) EXPECT_FALSE(names(locator).empty()) << name;
  EXPECT_EQ(names(locators.at("NULL")).size(), 2U);
  EXPECT_EQ(names(locators.at("../../etc/passwd")).size(), 1U);
}

TEST_F(Obstap, DatalinkIsFollowedAndSorted) {
  start({.plates = 1, .linked = 4}, "{obs_collection}/{target_name}");
  EXPECT_THAT(names("lLINKED/lM31"), ElementsAre("DR01400.fits", "DR01400_part.fits", "DR01403.fits",
                                                 "DR01403_part.fits", "calibration", "preview"));
  EXPECT_THAT(names("lLINKED/lM31/spreview"), ElementsAre("DR01400.jpg", "DR01403.jpg"));
  const auto flats = names("lLINKED/lM31/scalibration");
  ASSERT_EQ(flats.size(), 2U);  // of one name each: told apart, and not by chance
  EXPECT_THAT(flats[0], ::testing::MatchesRegex("flat~[0-9a-f]{8}\\.fits"));
  EXPECT_EQ(names("lLINKED/lM31/scalibration"), flats);
  EXPECT_FALSE(archive_->list("lLINKED/lM31/sweight", "", {}));
}

TEST_F(Obstap, ManyDocumentsAreAskedOnlyForWhoEnters) {
  start({.plates = 1, .linked = 12}, "{obs_collection}", {.files = {.documents = 10}});
  EXPECT_EQ(names("lLINKED").size(), 12U);
  EXPECT_EQ(server_.count("/vo/links"), 0U);
  EXPECT_THAT(names(into("lLINKED", "DR01402")),
              ElementsAre("DR01402.fits", "DR01402_part.fits", "calibration", "preview"));
}

TEST_F(Obstap, AFaultThatMayPassIsNoMissingFile) {
  start({.plates = 1, .linked = 2}, "{obs_collection}");
  server_.add_fault(sim::Fault{.path = "*links*", .kind = sim::Kind::status, .n = 503});
  const auto answer = archive_->list("lLINKED", "", {});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::unavailable);
}

TEST_F(Obstap, AddressesThatRunOutAreAskedForAgainAndNeverKept) {
  start({.plates = 1, .linked = 1}, "{obs_collection}");
  const Listing listing = list("lLINKED");
  const auto entry = std::ranges::find(listing.entries, "DR01400.fits", &Entry::name);
  ASSERT_NE(entry, listing.entries.end());
  EXPECT_EQ(entry->size, std::nullopt);  // content_length is an estimate
  EXPECT_EQ(entry->locator.find("http"), std::string::npos);
  const std::string truth = sim::VoArchive::file("DR01400.fits");
  server_.clear_log();
  EXPECT_EQ(bytes(entry->locator), truth);
  EXPECT_EQ(server_.count("/vo/tap"), 0U);  // it was learnt with the listing
  set([](sim::VoSettings& settings) { ++settings.key; });
  EXPECT_NE(bytes(entry->locator), truth);
  EXPECT_EQ(bytes(entry->locator, true), truth);
  set([](sim::VoSettings& settings) { ++settings.key; });
  clock_.advance(std::chrono::minutes(6));
  EXPECT_FALSE(archive_->locate(entry->locator));
  EXPECT_EQ(bytes(entry->locator), truth);
}

/// What was learnt of addresses has run out; the document has another order, one row more and other keys.
TEST_F(Obstap, AFileIsTheSameInADocumentOfAnotherOrder) {
  start({.plates = 1, .linked = 1}, "{obs_collection}");
  set([](sim::VoSettings& settings) { settings.more_links = 3; });
  std::map<std::string, std::string> nameless, paths;
  EXPECT_THAT(names("lLINKED"), ::testing::Contains("auxiliary"));
  EXPECT_EQ(server_.count("/vo/files"), 0U);  // names are asked for where they are shown
  for (const Entry& entry : list("lLINKED/sauxiliary").entries)
    nameless[entry.locator] = bytes(entry.locator);
  ASSERT_EQ(nameless.size(), 3U);
  EXPECT_THAT(nameless.begin()->second, HasSubstr("AUX.2014-10-01T09:43:12.000"));
  const auto path_of = [&](const std::string& locator) {
    const auto request = archive_->seek(locator, false, {});
    return request ? request->front().url.substr(0, request->front().url.find('?')) : "not sought";
  };
  for (const Entry& entry : list("lLINKED/sbias").entries) paths[entry.locator] = path_of(entry.locator);
  ASSERT_EQ(paths.size(), 3U);
  const auto darks = list("lLINKED/sdark").entries;
  ASSERT_EQ(darks.size(), 3U);

  set([](sim::VoSettings& settings) { settings.reversed = true; });
  clock_.advance(std::chrono::minutes(6));
  for (const Entry& dark : darks) {
    const auto request = archive_->seek(dark.locator, false, {});
    ASSERT_TRUE(request) << request.error().message;
  }

  set([](sim::VoSettings& settings) {
    settings.more_links = 4;
    ++settings.key;
  });
  clock_.advance(std::chrono::minutes(6));
  for (const auto& [locator, before] : nameless) EXPECT_EQ(bytes(locator), before) << locator;
  for (const auto& [locator, before] : paths) EXPECT_EQ(path_of(locator), before) << locator;
  // Nothing but what is signed tells these apart: none is guessed, and none is said to be missing.
  for (const Entry& dark : darks) {
    const auto request = archive_->seek(dark.locator, true, {});
    ASSERT_FALSE(request);
    EXPECT_EQ(request.error().code, Errc::unavailable);
  }
  // The last of several is still itself, and the others are not it.
  set([](sim::VoSettings& settings) { settings.more_links = 1; });
  clock_.advance(std::chrono::minutes(6));
  std::size_t found = 0;
  for (const auto& [locator, before] : paths) {
    const auto there = path_of(locator);
    EXPECT_TRUE(there == before || there == "not sought") << there;
    if (there == before) ++found;
  }
  EXPECT_EQ(found, 1U);
}

TEST_F(Obstap, AnAddressWithoutANameIsAskedForOne) {
  start({.plates = 1, .linked = 0, .stars = 3}, "{obs_collection}");
  set([](sim::VoSettings& settings) { settings.silent_heads = true; });
  const Listing listing = list("lSURVEY");
  ASSERT_EQ(listing.entries.size(), 3U);
  EXPECT_EQ(listing.entries[0].name, "star000000.fits");
  EXPECT_EQ(listing.entries[0].size, sim::VoArchive::file("star000000.fits").size());
  EXPECT_EQ(server_.count("/vo/data", "HEAD"), 0U);
}

TEST_F(Obstap, ManyAddressesWithoutNamesAreCalledByTheirDataSets) {
  start({.plates = 1, .linked = 0, .stars = 5}, "{obs_collection}", {.files = {.names_to_ask = 4}});
  EXPECT_THAT(names("lSURVEY"), ::testing::Contains("star000004.fits"));
  EXPECT_EQ(server_.count("/vo/data"), 0U);
}

TEST_F(Obstap, ADataSetThatIsGoneIsNotFound) {
  start({.plates = 2, .linked = 0}, "{obs_collection}");
  const std::string locator = list("lPLATES").entries.front().locator;
  vo_->remove("ivo://org.example/~?plates/data/GS00700_x.fits");
  const auto gone = archive_->seek(locator, true, {});
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, Errc::not_found);
}

TEST_F(Obstap, ARefusedQueryIsToldInTheServicesWords) {
  start({.plates = 1, .linked = 0}, "{no_such_column}");
  const auto answer = archive_->list("", "", {});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::invalid);
  EXPECT_THAT(answer.error().message, HasSubstr("no_such_column"));
}

/// Rows of a service elsewhere that name a service of this machine: its files, and its documents.
TEST_F(Obstap, AddressesOfThisMachineAreNotAskedForAStranger) {
  start({.plates = 1, .linked = 1}, "{obs_collection}");
  VoClient client("http://archive.example/tap", VoProtocol::tap, {}, http_.fetcher(), clock_);
  DataSets elsewhere(client, clock_, {});
  obstap::Place place;
  place.levels = {{"X", obstap::Kind::text}};
  const std::string url = server_.url() + "/vo/files/a.fits";
  const auto files = elsewhere.entries(place, {{{"ivo://x", "x", url, "image/fits"}}}, {});
  ASSERT_TRUE(files);
  const auto request = elsewhere.locate(files->entries.front().locator);
  ASSERT_TRUE(request);
  EXPECT_FALSE(http_.fetcher().fetch({request->front()}));
  const std::string links = server_.url() + "/vo/links?ID=x";
  EXPECT_FALSE(elsewhere.entries(
      place, {{{"ivo://x", "x", links, "application/x-votable+xml;content=datalink"}}}, {}));
  EXPECT_TRUE(server_.requests().empty());
  EXPECT_TRUE(tap::is_strangers("http://a.example/tap", "http://127.0.0.1/x"));
  EXPECT_FALSE(tap::is_strangers("http://a.example/tap", "https://a.example/x"));
  EXPECT_FALSE(tap::is_strangers("http://localhost:8080/tap", "http://127.0.0.1:8080/x"));
}

TEST_F(Obstap, ARowWithoutAnAddressHasNoFile) {
  start({.plates = 1, .linked = 0}, "{obs_collection}");
  vo_->add({.collection = "PLATES", .obs_id = "o", .did = "ivo://z", .target = "T", .has_address = false});
  EXPECT_THAT(names("lPLATES"), ElementsAre("GS00700_x.fits"));
}

/// A client whose script answers with what a real server was recorded to answer.
http::Scripted recorded(const http::Request& request) {
  const auto folder = *testing::samples() / "vo/dachs_exchanges";
  http::Scripted answer;
  const auto has = [&](std::string_view part) {
    return request.url.find(part) != std::string::npos || request.body.find(part) != std::string::npos;
  };
  if (has("GROUP%20BY")) {
    answer.body = testing::content_of(folder / "22_sync_collections.xml");
  } else if (has("/sync")) {
    answer.body = testing::content_of(folder / "06_sync_default.xml");
  } else if (has("dlmeta")) {
    answer.body = testing::content_of(folder / "52_dl_one.xml");
  } else {
    answer.status = 404;
  }
  return answer;
}

TEST(ObstapSamples, ARealServersAnswersAreATree) {
  NEEDS_SAMPLES();
  http::Stage stage(recorded);
  obstap::Table table;
  table.levels = {"obs_collection"};
  ObstapArchive archive("http://localhost:18099/tap", table, {}, *stage.fetcher, stage.clock, {});
  const auto list = [&](const std::string& dir) {
    std::vector<std::string> names;
    std::atomic<bool> done{false};
    std::thread reader([&] {
      const auto answer = archive.list(dir, "", {});
      EXPECT_TRUE(answer) << answer.error().message;
      if (answer) {
        for (const Entry& entry : std::get<Listing>(*answer).entries) names.push_back(entry.name);
      }
      done = true;
    });
    while (!done) {
      stage.client.run_for(milliseconds(50));
      std::this_thread::yield();
    }
    reader.join();
    return names;
  };
  EXPECT_THAT(list(""), ElementsAre("ASTROFS plates DR", "ASTROFS plates GS", "ASTROFS private"));
  const auto names = list("lASTROFS%20plates%20GS");
  const auto previews = list("lASTROFS%20plates%20GS/spreview");
  EXPECT_FALSE(previews.empty());
  for (const std::string& preview : previews) {
    EXPECT_TRUE(preview.ends_with(".fits.preview")) << preview;  // "x.fits?preview=True" is no FITS
  }
  EXPECT_THAT(names,
              ::testing::IsSupersetOf({"GS00700_x.fits", "GS00713_x.fits", "PR00001_x.fits", "preview"}));
}

}  // namespace
}  // namespace astrofs
