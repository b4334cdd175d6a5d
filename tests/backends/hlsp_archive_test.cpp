// Type "hlsp" against the stand-in archive: the tree, its sources, targets by their TIC.
#include "backends/hlsp.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <memory>

#include "tests/contract/http_stack.h"
#include "tests/support/archive_sim.h"

namespace astrofs {
namespace {

using sim::Fault;
using sim::Kind;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;
using ::testing::UnorderedElementsAre;
using Names = std::vector<std::string>;

class HlspArchiveTest : public ::testing::Test {
 protected:
  HlspArchiveTest() {
    EXPECT_TRUE(server_.start());
    server_.add_hlsp(options_);
    archive_ = std::make_unique<HlspArchive>(StsciHosts{server_.url(), server_.url(), server_.url()},
                                             http_.fetcher(), clock_);
  }
  Listing list(const std::string& dir) {
    auto answer = archive_->list(dir, "", {});
    EXPECT_TRUE(answer) << dir << ": " << answer.error().message;
    return answer ? std::get<Listing>(std::move(*answer)) : Listing{};
  }
  Names names(const std::string& dir) {
    Names names;
    for (const Entry& entry : list(dir).entries) names.push_back(entry.name);
    return names;
  }
  Errc error_of(const std::string& dir) {
    const auto answer = archive_->list(dir, "", {});
    EXPECT_FALSE(answer) << dir;
    return answer ? Errc::internal : answer.error().code;
  }
  void stop_s3() { server_.add_fault(Fault{.path = "*list-type*", .kind = Kind::status, .n = 503}); }
  void stop_scripts() { server_.add_fault(Fault{.path = "*.sh", .kind = Kind::status, .n = 503}); }
  hlsp::Curve qlp(int sector, std::uint64_t number) const {
    return {hlsp::Pipeline::qlp, static_cast<unsigned>(sector), sim::hlsp_tic(sector, number, options_), 0,
            0};
  }
  /// Every file below a directory, with its size.
  std::map<std::string, std::optional<std::uint64_t>> walk(const std::string& dir) {
    std::map<std::string, std::optional<std::uint64_t>> files;
    for (const Entry& entry : list(dir).entries) {
      if (entry.kind == EntryKind::directory) {
        files.merge(walk(entry.locator));
      } else {
        files.emplace(entry.locator, entry.size);
      }
    }
    return files;
  }

  sim::HlspOptions options_;
  sim::ArchiveSim server_;
  contract::HttpStack http_;
  ManualClock clock_;
  std::unique_ptr<HlspArchive> archive_;
};

TEST_F(HlspArchiveTest, ShowsPipelinesAndTheirSectors) {
  EXPECT_THAT(names(""), UnorderedElementsAre("tglc", "qlp", "tess-spoc", "tica"));
  EXPECT_EQ(server_.requests().size(), 0U);
  EXPECT_THAT(names("qlp"), UnorderedElementsAre("s0001", "s0023", "s0056", "by-target"));
  EXPECT_THAT(names("tess-spoc"), UnorderedElementsAre("s0001", "s0023", "s0056", "by-target"));
  EXPECT_THAT(names("tglc"), UnorderedElementsAre("s0001", "s0023", "s0056", "by-target"));
  EXPECT_THAT(names("tica"), UnorderedElementsAre("s0001", "s0023", "s0056")) << "from the archive's pages";
}

TEST_F(HlspArchiveTest, HasTheArchivesPaths) {
  const hlsp::Curve curve = qlp(23, 7);
  const Listing folder = list(curve.folder());
  ASSERT_EQ(folder.entries.size(), 2U) << "the light curve, and the same as text";
  EXPECT_EQ(folder.entries[0].name, curve.name());
  EXPECT_EQ(folder.entries[0].locator, curve.path());
  EXPECT_TRUE(folder.entries[0].size);
  EXPECT_FALSE(folder.entries[0].validator.empty());
  EXPECT_THAT(names("tess-spoc/s0023"), UnorderedElementsAre("target", "target_list.csv"));
  EXPECT_THAT(names("tglc/s0001"), Contains("cam4-ccd4"));
  const hlsp::Curve star{hlsp::Pipeline::tglc, 1, sim::hlsp_gaia(6, 3, options_), 2, 3};
  EXPECT_THAT(names(star.folder()), ElementsAre(star.name()));
  EXPECT_EQ(names("tica/s0056/cam2-ccd3").size(), 6U) << "two orbits";
}

TEST_F(HlspArchiveTest, ADirectoryCostsOneRequest) {
  server_.clear_log();
  (void)list("qlp/s0023/0000/0000");
  EXPECT_EQ(server_.requests().size(), 1U);
}

TEST_F(HlspArchiveTest, EverySourceNamesTheSameFiles) {
  for (const std::string pipeline : {"qlp", "tess-spoc", "tglc", "tica"}) {
    server_.clear_faults();
    const auto usual = walk(pipeline + "/s0023");
    EXPECT_GT(usual.size(), 39U) << pipeline;
    stop_s3();
    server_.clear_log();
    const auto without_s3 = walk(pipeline + "/s0023");
    if (pipeline != "tica") {  // its directories are the last level, and pages name all that is in one
      EXPECT_GT(server_.count(".sh"), 0U) << pipeline;
    }
    stop_scripts();
    const auto from_pages = walk(pipeline + "/s0023");
    const auto paths = [](const auto& files) {
      Names all;
      for (const auto& [path, size] : files) all.push_back(path);
      return all;
    };
    EXPECT_EQ(paths(without_s3), paths(usual)) << pipeline;
    EXPECT_EQ(paths(from_pages), paths(usual)) << pipeline;
    for (const auto& [path, size] : from_pages) EXPECT_FALSE(size) << "a rounded size is none: " << path;
  }
}

TEST_F(HlspArchiveTest, AScriptNamesTheCurvesWhereNothingElseAnswers) {
  stop_s3();
  server_.add_fault(Fault{.path = "*/0000/0000/*/", .kind = Kind::status, .n = 503});
  const hlsp::Curve curve = qlp(23, 0);
  EXPECT_THAT(names(curve.folder()), ElementsAre(curve.name()));
}

TEST_F(HlspArchiveTest, SaysNotFoundForWhatIsNotThere) {
  for (const char* const dir :
       {"eleanor", "qlp/s0099", "qlp/s0023/9999", "tglc/s0001/cam5-ccd1", "tica/s0099"})
    EXPECT_EQ(error_of(dir), Errc::not_found) << dir;
  server_.clear_log();
  for (const char* const dir :
       {"qlp/23", "qlp/s0000", "tica/by-target", "qlp/by-target/x", "qlp/by-target/01234",
        "qlp/by-target/1/2", "qlp//s0023", "qlp/s0023/..", "/"})
    EXPECT_EQ(error_of(dir), Errc::not_found) << dir;
  EXPECT_EQ(server_.requests().size(), 0U);
}

TEST_F(HlspArchiveTest, AnArchiveThatFailsIsNotEmpty) {
  server_.add_fault(Fault{.kind = Kind::status, .n = 503});
  EXPECT_EQ(error_of("qlp"), Errc::unavailable);
  EXPECT_EQ(error_of("qlp/s0023/0000"), Errc::unavailable);
  EXPECT_FALSE(archive_->find("qlp/by-target", "1234", {}));
}

TEST_F(HlspArchiveTest, FindsATargetInAllItsSectorsWithOneRequestForEach) {
  const std::uint64_t tic = qlp(23, 5).id;  // from the first sector on
  server_.clear_log();
  const auto found = archive_->find("qlp/by-target", std::to_string(tic), {});
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_TRUE(*found);
  EXPECT_EQ((*found)->kind, EntryKind::directory);
  const Listing files = list((*found)->locator);
  EXPECT_EQ(server_.requests().size(), 4U)
      << "the sectors, and the target in each of three; listing it again asks nothing";
  ASSERT_EQ(files.entries.size(), 6U);
  for (const Entry& entry : files.entries) {
    const auto curve = hlsp::parse_curve(entry.name);
    if (curve) {
      EXPECT_EQ(entry.locator, curve->path());
    }
    EXPECT_TRUE(entry.size);
  }
  clock_.advance(std::chrono::minutes(2));
  (void)list((*found)->locator);
  EXPECT_EQ(server_.requests().size(), 8U) << "what was learnt a while ago is asked again";
}

TEST_F(HlspArchiveTest, FindsATargetOnPagesToo) {
  stop_s3();
  const std::uint64_t tic = qlp(23, 5).id;
  const auto found = archive_->find("tess-spoc/by-target", std::to_string(tic), {});
  ASSERT_TRUE(found && *found);
  EXPECT_EQ(list((*found)->locator).entries.size(), 3U);
}

TEST_F(HlspArchiveTest, AsksMastWhichStarATargetOfTglcIs) {
  const std::string tic = std::to_string(sim::hlsp_star_tic(6, 3, options_));
  const auto found = archive_->find("tglc/by-target", tic, {});
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_TRUE(*found);
  EXPECT_EQ(server_.count("invoke"), 2U) << "MAST is executing at first";
  const Listing files = list((*found)->locator);
  ASSERT_EQ(files.entries.size(), 3U);
  const std::array<unsigned, 3> sectors{1, 23, 56};
  for (std::size_t i = 0; i < sectors.size(); ++i) {
    const hlsp::Curve star{hlsp::Pipeline::tglc, sectors[i], sim::hlsp_gaia(6, 3, options_), 2, 3};
    EXPECT_EQ(files.entries[i].locator, star.path());
    EXPECT_TRUE(files.entries[i].size);
  }
  const auto nobody = archive_->find("tglc/by-target", "5", {});
  ASSERT_TRUE(nobody) << nobody.error().message;
  EXPECT_FALSE(*nobody);
}

TEST_F(HlspArchiveTest, AStarIsFoundWithoutS3AndIsUnknownWhileMastFails) {
  stop_s3();
  const auto found = archive_->find("tglc/by-target", std::to_string(sim::hlsp_star_tic(0, 0, options_)), {});
  ASSERT_TRUE(found && *found);
  const Listing files = list((*found)->locator);
  ASSERT_EQ(files.entries.size(), 3U);
  EXPECT_FALSE(files.entries[0].size);
  server_.add_fault(Fault{.path = "*invoke*", .kind = Kind::status, .n = 503});
  EXPECT_FALSE(archive_->find("tglc/by-target", "25000001", {})) << "an error, and not nobody";
}

TEST_F(HlspArchiveTest, ATargetThatNoSectorHasIsNone) {
  for (const char* const name : {"999999999", "01234", "TIC 1234", "", "12345678901"}) {
    const auto found = archive_->find("qlp/by-target", name, {});
    ASSERT_TRUE(found) << name;
    EXPECT_FALSE(*found) << name;
  }
  EXPECT_TRUE(archive_->finds("qlp/by-target"));
  for (const char* const dir : {"", "qlp", "qlp/s0023", "tica/by-target", "qlp/by-target/1234"})
    EXPECT_FALSE(archive_->finds(dir)) << dir;
}

TEST_F(HlspArchiveTest, ANotFoundOfAServiceItselfIsNoWordOnATarget) {
  server_.add_fault(Fault{.path = "*invoke*", .kind = Kind::status, .n = 404});
  const auto star = archive_->find("tglc/by-target", std::to_string(sim::hlsp_star_tic(0, 0, options_)), {});
  ASSERT_FALSE(star) << "which star it is nobody can say";
  EXPECT_EQ(star.error().code, Errc::unavailable);
  stop_s3();
  server_.add_fault(Fault{.path = "/hlsps/qlp/", .kind = Kind::status, .n = 404});
  const auto target = archive_->find("qlp/by-target", std::to_string(qlp(23, 5).id), {});
  ASSERT_FALSE(target) << "which sectors there are nobody can say";
  EXPECT_EQ(target.error().code, Errc::unavailable);
}

TEST_F(HlspArchiveTest, TheListingOfTargetsTakesNothingThatWasFoundAway) {
  const Listing first = list("qlp/by-target");
  EXPECT_TRUE(first.entries.empty());
  const auto again = archive_->list("qlp/by-target", first.token, {});
  ASSERT_TRUE(again);
  EXPECT_TRUE(std::holds_alternative<NotModified>(*again));
}

TEST_F(HlspArchiveTest, GivesTheThreeMirrorsOfAFileInOrder) {
  const std::string path = qlp(23, 0).path();
  const auto mirrors = archive_->locate(path);
  ASSERT_TRUE(mirrors);
  ASSERT_EQ(mirrors->size(), 3U);
  EXPECT_EQ((*mirrors)[0].url, server_.url() + "/mast/hlsp/" + path);
  EXPECT_EQ((*mirrors)[1].url, server_.url() + "/hlsps/" + path);
  EXPECT_EQ((*mirrors)[2].url, server_.url() + "/api/v0.1/Download/file?uri=mast:HLSP/" + path);
  const auto list = archive_->locate("tglc/s0023/target_list.csv");
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 1U);
  EXPECT_EQ((*list)[0].url, server_.url() + "/hlsps/tglc/target_lists/s0023.csv");
  for (const char* const other : {"", "qlp", "qlp/s0023", "qlp/by-target/1234", "eleanor/s0023/x.fits",
                                  "qlp/s0023/../x.fits", "qlp/s0023/x/", "tica/s0023/target_list.csv"})
    EXPECT_FALSE(archive_->locate(other)) << other;
}

}  // namespace
}  // namespace astrofs
