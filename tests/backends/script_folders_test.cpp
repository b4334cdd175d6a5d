// Download scripts as trees of directories: what is found, and how little is read for it.
#include "backends/script_folders.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "backends/script_lines.h"
#include "tests/contract/http_stack.h"
#include "tests/support/archive_sim.h"

namespace astrofs {
namespace {

using sim::Fault;
using sim::Kind;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kQlp = "/hlsps/qlp/download_scripts/hlsp_qlp_tess_ffi_s0023_tess_v01_llc-fits.sh";
constexpr const char* kSpoc =
    "/hlsps/tess-spoc/download_scripts/hlsp_tess-spoc_tess_phot_s0023_tess_v1_dl-lc.sh";
constexpr const char* kTglc = "/hlsps/tglc/download_scripts/hlsp_tglc_tess_ffi_s0023_tess_v1_llc.sh";

class ScriptFoldersTest : public ::testing::Test {
 protected:
  ScriptFoldersTest() { EXPECT_TRUE(server_.start()); }
  /// Sector 23 as large as the real one.
  void add_sector(bool shuffled = false) {
    options_ = {
        .sectors = {23}, .targets = 311'543, .stars = 80'000, .images = 0, .rows = 4, .shuffled = shuffled};
    server_.add_hlsp(options_);
  }
  Result<ScriptFolder> find(const char* path, const std::string& folder) {
    return ScriptTrees(http_.fetcher(), clock_).folder(server_.url() + path, folder, {});
  }
  ScriptFolder found(const char* path, const std::string& folder) {
    auto folders = find(path, folder);
    EXPECT_TRUE(folders) << folder << ": " << folders.error().message;
    return folders.value_or(ScriptFolder{});
  }
  static std::string folders_of(std::uint64_t id) {
    std::string digits = fmt::format("{:016}", id);
    for (const std::size_t at : {std::size_t{12}, std::size_t{8}, std::size_t{4}}) digits.insert(at, "/");
    return digits + "/";
  }

  sim::ArchiveSim server_;
  sim::HlspOptions options_;
  contract::HttpStack http_;
  ManualClock clock_;
};

TEST_F(ScriptFoldersTest, TheStandInsScriptsAreAsLongAsTheRealOnes) {
  add_sector();
  const auto qlp = RemoteScript::open(http_.fetcher(), server_.url() + kQlp, {});
  ASSERT_TRUE(qlp);
  EXPECT_EQ(qlp->size(), 84'116'620U);
  options_.targets = 154'523;
  server_.add_hlsp({.sectors = {24}, .targets = 154'523, .stars = 0, .images = 0});
  std::string path = kSpoc;
  path.replace(path.find("s0023"), 5, "s0024");
  const auto spoc = RemoteScript::open(http_.fetcher(), server_.url() + path, {});
  ASSERT_TRUE(spoc);
  EXPECT_EQ(spoc->size(), 47'129'525U);
}

TEST_F(ScriptFoldersTest, FindsOneTargetOfHundredsOfThousandsInUnderAMegabyte) {
  add_sector();
  for (const std::uint64_t number : {0ULL, 1ULL, 155'000ULL, 311'541ULL, 311'542ULL}) {
    const std::uint64_t tic = sim::hlsp_tic(23, number, options_);
    server_.clear_log();
    const ScriptFolder folder = found(kQlp, "s0023/" + folders_of(tic));
    EXPECT_THAT(folder.files,
                ElementsAre(fmt::format("hlsp_qlp_tess_ffi_s0023-{:016}_tess_v01_llc.fits", tic)));
    EXPECT_THAT(folder.folders, IsEmpty());
    EXPECT_LT(server_.bytes_sent(), 1'000'000U) << number;
    EXPECT_LT(server_.requests().size(), 80U) << number;
  }
}

TEST_F(ScriptFoldersTest, FindsAStarWhereLinesDifferInLength) {
  add_sector();
  for (const std::uint64_t number : {0ULL, 9'999ULL, 79'999ULL}) {
    for (const int chip : {0, 6, 15}) {
      const std::uint64_t gaia = sim::hlsp_gaia(chip, number, options_);
      const std::string on = fmt::format("cam{}-ccd{}", chip / 4 + 1, chip % 4 + 1);
      server_.clear_log();
      const ScriptFolder folder = found(kTglc, "s0023/" + on + "/" + folders_of(gaia / 100'000));
      EXPECT_THAT(folder.files, ElementsAre(fmt::format(
                                    "hlsp_tglc_tess_ffi_gaiaid-{}-s0023-{}_tess_v1_llc.fits", gaia, on)));
      EXPECT_LT(server_.bytes_sent(), 3'000'000U) << gaia;
    }
  }
}

TEST_F(ScriptFoldersTest, ListsTheChipsOfASectorFromAFewPartsOfItsScript) {
  add_sector();
  const ScriptFolder folder = found(kTglc, "s0023/");
  EXPECT_EQ(folder.folders.size(), 16U);
  EXPECT_EQ(folder.folders.front(), "cam1-ccd1");
  EXPECT_EQ(folder.folders.back(), "cam4-ccd4");
  EXPECT_LT(server_.bytes_sent(), 24'000'000U) << "of 465 MB";
}

TEST_F(ScriptFoldersTest, ListsEveryFolderOfALevelAndNoneBesides) {
  add_sector();
  std::vector<std::string> wanted;
  std::string before;
  for (std::uint64_t n = 0; n < options_.targets; ++n) {
    const std::string folders = folders_of(sim::hlsp_tic(23, n, options_));
    if (!folders.starts_with("0000/0003/") || folders.substr(10, 4) == before) continue;
    before = folders.substr(10, 4);
    wanted.push_back(before);
  }
  ASSERT_GT(wanted.size(), 5'000U);
  EXPECT_EQ(found(kQlp, "s0023/0000/0003/").folders, wanted);
  EXPECT_EQ(found(kSpoc, "s0023/target/0000/0003/").folders, wanted);
}

TEST_F(ScriptFoldersTest, SaysNotFoundForWhatNoLineNames) {
  add_sector();
  for (const char* const folder : {"s0023/0000/0000/0000/0001/", "s0023/9999/", "s0022/", "s0023/target/"}) {
    const auto none = find(kQlp, folder);
    ASSERT_FALSE(none) << folder;
    EXPECT_EQ(none.error().code, Errc::not_found) << folder;
  }
}

TEST_F(ScriptFoldersTest, ReadsAllOfAScriptWhoseLinesAreInNoOrder) {
  options_ = {.sectors = {23}, .targets = 40'000, .stars = 0, .images = 0, .rows = 4, .shuffled = true};
  server_.add_hlsp(options_);
  const std::uint64_t tic = sim::hlsp_tic(23, 12'345, options_);
  const ScriptFolder folder = found(kQlp, "s0023/" + folders_of(tic));
  EXPECT_EQ(folder.files.size(), 1U);
  EXPECT_GT(server_.bytes_sent(), 40'000U * 270);
}

TEST_F(ScriptFoldersTest, ReadsASmallScriptInOneAnswer) {
  server_.add_hlsp({.sectors = {23}});
  EXPECT_EQ(found(kTglc, "s0023/").folders.size(), 16U);
  EXPECT_EQ(server_.requests().size(), 2U) << "its length, and all of it";
}

TEST_F(ScriptFoldersTest, ReadsTheWholeWhereRangesAreIgnored) {
  options_ = {.sectors = {23}, .targets = 40'000, .stars = 0, .images = 0, .rows = 4};
  server_.add_hlsp(options_);
  server_.add_fault(Fault{.path = "*.sh", .kind = Kind::range_ignored});
  const std::uint64_t tic = sim::hlsp_tic(23, 39'999, options_);
  EXPECT_EQ(found(kQlp, "s0023/" + folders_of(tic)).files.size(), 1U);
}

TEST_F(ScriptFoldersTest, AWalkIsServedFromWhatWasReadForItsFirstDirectory) {
  add_sector();
  ScriptTrees trees(http_.fetcher(), clock_);
  const std::string script = server_.url() + kQlp;
  std::size_t first = 0;
  for (std::uint64_t number = 155'000; number < 155'200; ++number) {
    const std::uint64_t tic = sim::hlsp_tic(23, number, options_);
    const auto folder = trees.folder(script, "s0023/" + folders_of(tic), {});
    ASSERT_TRUE(folder) << folder.error().message;
    EXPECT_THAT(folder->files,
                ElementsAre(fmt::format("hlsp_qlp_tess_ffi_s0023-{:016}_tess_v01_llc.fits", tic)));
    if (first == 0) first = server_.requests().size();
  }
  EXPECT_LE(server_.requests().size(), 3 * first) << "a part may end among them";
  const std::string after = "s0023/" + folders_of(sim::hlsp_tic(23, 155'199, options_) + 1);
  const std::size_t asked = server_.requests().size();
  const auto none = trees.folder(script, after, {});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Errc::not_found);
  EXPECT_EQ(server_.requests().size(), asked) << "that it is not there is known, too";
  clock_.advance(std::chrono::minutes(2));
  EXPECT_EQ(trees.folder(script, after, {}).error().code, Errc::not_found);
  EXPECT_GT(server_.requests().size(), asked);
}

TEST_F(ScriptFoldersTest, OfAScriptInNoOrderNothingIsRemembered) {
  options_ = {.sectors = {23}, .targets = 40'000, .stars = 0, .images = 0, .rows = 4, .shuffled = true};
  server_.add_hlsp(options_);
  ScriptTrees trees(http_.fetcher(), clock_);
  for (const std::uint64_t number : {7ULL, 8ULL, 39'999ULL}) {
    const std::uint64_t tic = sim::hlsp_tic(23, number, options_);
    server_.clear_log();
    const auto folder = trees.folder(server_.url() + kQlp, "s0023/" + folders_of(tic), {});
    ASSERT_TRUE(folder);
    EXPECT_EQ(folder->files.size(), 1U);
    EXPECT_GT(server_.bytes_sent(), 40'000U * 270);
  }
}

/// A script of so many lines in order, each as long as `width` says. Whoever searches it is stopped after a
/// while, so that a search without end is an error.
class OddScriptTest : public ScriptFoldersTest {
 protected:
  static std::string name_of(int line) { return fmt::format("s0023/{:04}/{:08}.fits", line / 100, line); }
  void serve(int lines, const std::function<std::size_t(int)>& width) {
    std::string script = "#!/bin/sh\n";
    for (int line = 0; line < lines; ++line) {
      std::string text = fmt::format("curl --output '{}' https://a.example/", name_of(line));
      text.resize(width(line) - 1, 'x');
      script += text + "\n";
    }
    server_.serve_file(kOdd, script);
  }
  ScriptFolder search(const std::string& folder) {
    std::stop_source source;
    std::jthread impatient([&source](const std::stop_token& found) {
      std::mutex mutex;
      std::condition_variable_any wake;
      std::unique_lock lock(mutex);
      if (!wake.wait_for(lock, found, std::chrono::seconds(20), [&] { return found.stop_requested(); }))
        source.request_stop();
    });
    auto folders =
        ScriptTrees(http_.fetcher(), clock_).folder(server_.url() + kOdd, folder, source.get_token());
    EXPECT_TRUE(folders) << folder << ": " << folders.error().message;
    return folders.value_or(ScriptFolder{});
  }
  static constexpr const char* kOdd = "/odd.sh";
};

TEST_F(OddScriptTest, LinesThatAreOfOneLengthAtFirstOnlyAreFound) {
  // The size is a multiple of the first lines' length, and no other line begins at one.
  serve(40'000, [](int line) {
    if (line < 4) return line < 3 ? 150U : 153U;
    return line == 39'999 ? 292U : line % 2 == 0 ? 155U : 145U;
  });
  for (const int line : {0, 12'345, 39'999}) {
    server_.clear_log();
    EXPECT_EQ(search(name_of(line).substr(0, 11)).files.size(), 100U) << line;
    EXPECT_LT(server_.bytes_sent(), 40'000U * 150 / 2) << "it is searched all the same";
  }
}

TEST_F(OddScriptTest, LinesThatAreLongerThanWhatIsLookedAtAreReadAll) {
  serve(2'500, [](int line) { return line == 0 ? 100U : 3'000U + static_cast<unsigned>(line % 7); });
  server_.clear_log();
  EXPECT_EQ(search("s0023/0012/").files.size(), 100U);
  EXPECT_GT(server_.bytes_sent(), 2'500U * 3'000);
}

TEST(ScriptMemory, KnowsOnlyWhatLiesWhollyWithinAPart) {
  ManualClock clock;
  ScriptMemory memory(clock);
  memory.keep({"a.sh", "s/1/a", "s/4/a", {"s/1/b", "s/2/a", "s/2/b", "s/3/a"}});
  using Paths = std::vector<std::string>;
  EXPECT_EQ(memory.below("a.sh", "s/2/"), (Paths{"s/2/a", "s/2/b"}));
  EXPECT_EQ(memory.below("a.sh", "s/3/"), (Paths{"s/3/a"}));
  EXPECT_EQ(memory.below("a.sh", "s/22/"), Paths{}) << "it is known that there is none";
  for (const char* const folder : {"s/", "s/1/", "s/4/", "s/5/", "r/"})
    EXPECT_FALSE(memory.below("a.sh", folder)) << folder;
  EXPECT_FALSE(memory.below("b.sh", "s/2/"));
  memory.keep({"a.sh", "s/4/a", "", {"s/5/a"}});
  EXPECT_EQ(memory.below("a.sh", "s/5/"), Paths{"s/5/a"});
  EXPECT_EQ(memory.below("a.sh", "s/9/"), Paths{}) << "to the end of the script";
  memory.keep({"c.sh", "s/1/a", "", std::vector<std::string>(100'000, "s/2/a")});
  EXPECT_FALSE(memory.below("c.sh", "s/2/")) << "it would be all that is kept, and more";
  EXPECT_TRUE(memory.below("a.sh", "s/2/"));
}

TEST(ScriptMemory, ForgetsTheOldestWhenItHasTooMuchAndAllAfterAWhile) {
  ManualClock clock;
  ScriptMemory memory(clock);
  const std::vector<std::string> many(30'000, "s/2/a");
  for (const char* const script : {"a.sh", "b.sh", "c.sh"}) memory.keep({script, "s/1/a", "", many});
  EXPECT_FALSE(memory.below("a.sh", "s/2/"));
  EXPECT_TRUE(memory.below("c.sh", "s/2/"));
  clock.advance(std::chrono::minutes(2));
  EXPECT_FALSE(memory.below("c.sh", "s/2/"));
}

TEST_F(ScriptFoldersTest, AScriptThatChangesWhileItIsReadIsAnError) {
  add_sector();
  server_.add_fault(Fault{.path = "*.sh", .kind = Kind::status, .n = 503, .skip = 5});
  const auto answer = find(kQlp, "s0023/0000/0003/");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::unavailable);
}

}  // namespace
}  // namespace astrofs
