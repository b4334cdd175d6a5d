// Of which curves a file of HDF5 is built: pixels by the sector's target list, against the stand-in archive.
#include "backends/hlsp_standard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>

#include "backends/format/healpix.h"
#include "backends/hlsp.h"
#include "tests/contract/http_stack.h"
#include "tests/support/archive_sim.h"

namespace astrofs {
namespace {

using hlsp::Pipeline;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

/// The archive's own files, fetched at once: what a mount does with a cache between.
class FetchedFiles final : public OwnFiles {
 public:
  FetchedFiles(Archive& archive, http::Fetcher& fetcher) : archive_(archive), fetcher_(fetcher) {}
  Result<void> files(std::string_view, const std::function<bool(const OwnFile&)>&) const override {
    return fail(Errc::unsupported, "not here");
  }
  Result<OwnFile> file(std::string_view path) const override {
    return body(path).map([&](const std::string& text) {
      return OwnFile{std::string(path), text.size(), 7};
    });
  }
  Result<Bytes> read(std::string_view path, std::uint64_t version, ByteRange range) const override {
    EXPECT_EQ(version, 7U);
    return body(path).map([&](const std::string& text) {
      return Bytes::copy_of(std::string_view(text).substr(range.offset, range.length));
    });
  }

 private:
  Result<std::string> body(std::string_view path) const {
    auto mirrors = archive_.locate(path);
    if (!mirrors) return tl::unexpected<Error>(mirrors.error());
    return fetcher_.fetch(std::move(*mirrors)).map([](http::Response answer) {
      return std::move(answer.body);
    });
  }
  Archive& archive_;
  http::Fetcher& fetcher_;
};

class HlspStandardTest : public ::testing::Test {
 protected:
  HlspStandardTest() : archive_(hosts(), http_.fetcher(), clock_), files_(archive_, http_.fetcher()) {
    server_.add_hlsp({.sectors = {23, 56}, .targets = 150, .stars = 10});
    archive_.attach(files_);
  }
  StsciHosts hosts() {
    EXPECT_TRUE(server_.start());
    return {server_.url(), server_.url(), server_.url()};
  }
  std::vector<Entry> list(const std::string& dir) {
    auto answer = archive_.list(dir, "", {});
    EXPECT_TRUE(answer) << dir << ": " << answer.error().message;
    return answer ? std::get<Listing>(std::move(*answer)).entries : std::vector<Entry>{};
  }
  std::vector<std::string> names(const std::string& dir) {
    std::vector<std::string> names;
    for (const Entry& entry : list(dir)) names.push_back(entry.name);
    return names;
  }
  std::vector<hlsp::Target> targets(const std::string& path) {
    std::vector<hlsp::Target> targets;
    hlsp::TargetList reader;
    const auto keep = [&](const hlsp::Target& target) { targets.push_back(target); };
    const Bytes text = *files_.read(path, 7, {0, files_.file(path)->size});
    EXPECT_TRUE(reader.feed(text.text(), keep) && reader.finish(keep));
    return targets;
  }

  sim::ArchiveSim server_;
  contract::HttpStack http_;
  ManualClock clock_;
  HlspArchive archive_;
  FetchedFiles files_;
};

TEST_F(HlspStandardTest, ShowsThePixelsOfTheTargetListAndTheFirstHundredApart) {
  EXPECT_THAT(names("qlp/s0023"), Contains("standard"));
  EXPECT_THAT(names("tica/s0023"), Not(Contains("standard")));
  EXPECT_THAT(names("qlp/s0023/standard"), ElementsAre("QLP"));
  EXPECT_THAT(names("tess-spoc/s0023/standard"), ElementsAre("SPOC"));
  EXPECT_THAT(names("tglc/s0056/standard"), ElementsAre("TGLC"));
  std::set<std::string> want;
  for (const hlsp::Target& target : targets("qlp/s0023/target_list.csv"))
    want.insert("healpix=" + std::to_string(*healpix::nested_pixel(target.ra, target.dec)));
  std::set<std::string> whole;
  std::size_t tiny = 0;
  for (const std::string& name : names("qlp/s0023/standard/QLP")) {
    if (!name.ends_with("-tiny")) whole.insert(name);
    if (!name.ends_with("-tiny")) continue;
    ++tiny;
    EXPECT_TRUE(want.contains(name.substr(0, name.size() - 5))) << name;
  }
  EXPECT_EQ(whole, want);
  EXPECT_GT(tiny, 80U);
  EXPECT_LE(tiny, 100U);
}

TEST_F(HlspStandardTest, EachTargetIsAPartOfOnePixelInTheOrderOfIds) {
  for (const std::string pipeline : {"qlp/s0023/standard/QLP", "tglc/s0023/standard/TGLC"}) {
    const bool stars = pipeline.starts_with("tglc");
    std::multiset<std::int64_t> seen;
    std::size_t tiny = 0;
    for (const Entry& pixel : list(pipeline)) {
      const std::vector<Entry> files = list(pixel.locator);
      ASSERT_EQ(files.size(), 1U);
      EXPECT_EQ(files[0].name, "001-of-001.hdf5");
      EXPECT_FALSE(files[0].size);
      ASSERT_TRUE(archive_.builds(files[0].locator));
      EXPECT_FALSE(archive_.locate(files[0].locator));
      const auto recipe = archive_.recipe(files[0].locator, {});
      ASSERT_TRUE(recipe) << recipe.error().message;
      std::int64_t before = 0;
      for (const Recipe::Part& part : recipe->parts) {
        const std::int64_t id = part.given[stars ? 1 : 0];
        EXPECT_GT(id, before);
        before = id;
        const bool is_tiny = pixel.name.ends_with("-tiny");
        tiny += is_tiny ? 1 : 0;
        if (!is_tiny) seen.insert(id);
        EXPECT_EQ(part.any_of.size(), stars && !is_tiny ? 16U : 1U);
        const auto curve = hlsp::parse_curve(part.any_of[0].substr(part.any_of[0].rfind('/') + 1));
        ASSERT_TRUE(curve);
        EXPECT_EQ(static_cast<std::int64_t>(curve->id), id);
        EXPECT_EQ(curve->path(), part.any_of[0]);
      }
    }
    EXPECT_EQ(seen.size(), stars ? 160U : 150U);
    EXPECT_EQ(tiny, 100U);
  }
}

TEST_F(HlspStandardTest, OnlyTheSamplesForATryAreNotBuiltOffline) {
  const std::string top = "qlp/s0023/standard";
  EXPECT_TRUE(archive_.builds_offline(top + "/QLP/healpix=12/001-of-001.hdf5"));
  EXPECT_FALSE(archive_.builds_offline(top + "/QLP/healpix=12-tiny/001-of-001.hdf5"));
  EXPECT_TRUE(archive_.builds_offline(
      "qlp/by-target/1234/hlsp_qlp_tess_ffi_s0023-0000000000001234_tess_v01_llc.hdf5"));
  EXPECT_FALSE(archive_.builds_offline(
      "qlp/by-target/1234/hlsp_qlp_tess_ffi_s0023-0000000000001234_tess_v01_llc.fits"));
  for (const std::string& dir : {top, top + "/QLP/healpix=12", top + "/QLP/healpix=12-tiny"})
    EXPECT_TRUE(archive_.lists_offline(dir)) << dir;
  for (const std::string& dir : {top + "/QLP", std::string("qlp/s0023"), std::string("qlp"), std::string(),
                                 std::string("tica/s0023/standard")})
    EXPECT_FALSE(archive_.lists_offline(dir)) << dir << " is asked for";
}

TEST_F(HlspStandardTest, ACurveHasItsOtherFormBesideIt) {
  const auto first = targets("tess-spoc/s0023/target_list.csv").front();
  const std::string dir = "tess-spoc/by-target/" + std::to_string(first.tic);
  std::size_t forms = 0;
  for (const Entry& entry : list(dir)) {
    if (!entry.name.ends_with(".hdf5")) continue;
    ++forms;
    ASSERT_TRUE(archive_.builds(entry.locator)) << entry.locator;
    const auto recipe = archive_.recipe(entry.locator, {});
    ASSERT_TRUE(recipe);
    EXPECT_TRUE(recipe->single);
    ASSERT_EQ(recipe->parts.size(), 1U);
    EXPECT_EQ(recipe->parts[0].any_of,
              std::vector{dir + "/" + entry.name.substr(0, entry.name.size() - 5) + ".fits"});
    EXPECT_EQ(recipe->parts[0].given[0], static_cast<std::int64_t>(first.tic));
    EXPECT_EQ(recipe->datasets[0].name, "TIC_ID");
  }
  EXPECT_GE(forms, 1U);
}

TEST_F(HlspStandardTest, QlpHasOtherDatasetsFromSector56On) {
  const auto recipe_of = [&](unsigned sector) {
    return hlsp::single_recipe({Pipeline::qlp, sector, 1234, 0, 0}, 1234, "x");
  };
  const auto has = [](const Recipe& recipe, std::string_view name) {
    return std::any_of(recipe.datasets.begin(), recipe.datasets.end(),
                       [&](const Recipe::Dataset& each) { return each.name == name; });
  };
  EXPECT_TRUE(has(recipe_of(55), "kspsap_flux_lag"));
  EXPECT_FALSE(has(recipe_of(55), "det_flux"));
  EXPECT_TRUE(has(recipe_of(56), "det_flux_sml"));
  EXPECT_TRUE(has(recipe_of(56), "sys_rm_flux"));
  EXPECT_FALSE(has(recipe_of(56), "kspsap_flux"));
}

TEST_F(HlspStandardTest, WhatIsNoPlaceIsNotThere) {
  for (const char* const below :
       {"standard/TGLC", "standard/QLP/healpix=", "standard/QLP/healpix=3072", "standard/QLP/healpix=012",
        "standard/QLP/healpix=-1", "standard/QLP/healpix=1/x.hdf5",
        "standard/QLP/healpix=1/001-of-001.hdf5/x", "standards", "standard/QLP/healpix=1-tiny-tiny",
        "standard/QLP/healpix=99999999999"})
    EXPECT_FALSE(hlsp::standard_place(Pipeline::qlp, 23, below)) << below;
  for (const char* const locator :
       {"qlp/s0023/standard/QLP/healpix=1", "qlp/standard/QLP/healpix=1/001-of-001.hdf5",
        "qlp/by-target/1/x.hdf5", "qlp/by-target/hlsp_qlp_tess_ffi_s0023-0000000000001234_tess_v01_llc.hdf5",
        "tess-spoc/by-target/1234/hlsp_qlp_tess_ffi_s0023-0000000000001234_tess_v01_llc.hdf5",
        "tica/s0023/standard/TICA/healpix=1/001-of-001.hdf5"}) {
    EXPECT_FALSE(archive_.builds(locator)) << locator;
    EXPECT_FALSE(archive_.recipe(locator, {})) << locator;
  }
  EXPECT_TRUE(archive_.builds("qlp/s0023/standard/QLP/healpix=1/001-of-001.hdf5"));
}

TEST_F(HlspStandardTest, AnArchiveThatFailsIsAnErrorAndAMissingScriptIsNoSample) {
  server_.add_fault({.path = "*llc-fits.sh", .kind = sim::Kind::status, .n = 404});
  for (const std::string& name : names("qlp/s0023/standard/QLP"))
    EXPECT_FALSE(name.ends_with("-tiny")) << name;
  server_.add_fault({.path = "*target_lists*", .kind = sim::Kind::status, .n = 503});
  EXPECT_FALSE(archive_.list("qlp/s0023/standard/QLP", "", {}));
  EXPECT_FALSE(archive_.recipe("qlp/s0023/standard/QLP/healpix=1/001-of-001.hdf5", {}));
}

}  // namespace
}  // namespace astrofs
