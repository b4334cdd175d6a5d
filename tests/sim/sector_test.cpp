#include "tests/support/sim_sector.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <map>

#include "tests/sim/raw_client.h"
#include "tests/support/archive_sim.h"
#include "tests/support/fits_cards.h"

namespace astrofs::sim {
namespace {

std::string read_all(const Resource& resource, std::uint64_t offset, std::size_t length) {
  std::string bytes(length, '\0');
  resource.read(offset, std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

std::uint32_t folded(std::uint64_t sum) {
  while ((sum >> 32) != 0) sum = (sum & 0xFFFFFFFFU) + (sum >> 32);
  return static_cast<std::uint32_t>(sum);
}

TEST(Sector, HasFramesOfEveryHeaderLengthWithValidChecksums) {
  ContentTree tree;
  SectorOptions options;
  options.frames = static_cast<int>(kDataOffsets.size());
  options.chips = {{2, 3}};
  options.data_offsets.assign(kDataOffsets.begin(), kDataOffsets.end());
  const auto names = put_sector(tree, options);
  ASSERT_TRUE(names);
  ASSERT_EQ(names->size(), kDataOffsets.size());
  for (std::size_t number = 0; number < names->size(); ++number) {
    const ResourcePtr frame = tree.find((*names)[number].path);
    ASSERT_NE(frame, nullptr);
    const std::uint64_t data = padded(std::uint64_t{64} * 48 * 4);
    ASSERT_EQ(frame->size, 2 * kDataOffsets[number] - 2880 + 2 * data);
    const std::string bytes = read_all(*frame, 0, static_cast<std::size_t>(frame->size));
    const std::size_t header = kDataOffsets[number] - 2880;
    const std::size_t unit = header + static_cast<std::size_t>(data);
    EXPECT_EQ(folded(word_sum(std::string_view(bytes).substr(0, 2880))), 0xFFFFFFFFU);
    EXPECT_EQ(folded(word_sum(std::string_view(bytes).substr(2880, unit))), 0xFFFFFFFFU);
    EXPECT_EQ(folded(word_sum(std::string_view(bytes).substr(2880 + unit))), 0xFFFFFFFFU);
    EXPECT_EQ(bytes.substr(0, 30), "SIMPLE  =                    T");
    EXPECT_NE(bytes.find("EXTNAME = 'CAMERA.CCD 2.3 cal'"), std::string::npos);
    EXPECT_NE(bytes.find("EXTNAME = 'CAMERA.CCD 2.3 uncert'"), std::string::npos);
    EXPECT_EQ(bytes.find("CRVAL1  =") != std::string::npos, kDataOffsets[number] != 14400)
        << kDataOffsets[number];
    // END stands in the last block of the header.
    const auto end = bytes.find("END     ", 2880);
    EXPECT_GE(end, 2880 + header - 2880);
    EXPECT_LT(end, 2880 + header);
  }
}

TEST(Sector, GivesTheSameBytesWhereverARangeBegins) {
  ContentTree tree;
  SectorOptions options;
  options.frames = 1;
  options.chips = {{1, 1}};
  const auto names = put_sector(tree, options);
  ASSERT_TRUE(names);
  const ResourcePtr frame = tree.find(names->front().path);
  const std::string whole = read_all(*frame, 0, static_cast<std::size_t>(frame->size));
  for (std::size_t offset = 0; offset < whole.size(); offset += 997) {
    const std::size_t length = std::min<std::size_t>(1 + offset % 5000, whole.size() - offset);
    ASSERT_EQ(read_all(*frame, offset, length), whole.substr(offset, length)) << offset;
  }
}

TEST(Sector, MakesFullFramesOfTheRealSizeWithStarsAndDeadPixels) {
  ContentTree tree;
  SectorOptions options;
  options.frames = 1;
  options.chips = {{4, 4}};
  options.size = kFullFrame;
  const auto names = put_sector(tree, options);
  ASSERT_TRUE(names);
  EXPECT_EQ(names->front().size, 35'547'840U);
  const ResourcePtr frame = tree.find(names->front().path);
  const std::string bytes = read_all(*frame, 0, static_cast<std::size_t>(frame->size));
  EXPECT_EQ(folded(word_sum(std::string_view(bytes).substr(2880, 17280 + 17'755'200))), 0xFFFFFFFFU);
  int dead = 0;
  int bright = 0;
  for (std::size_t at = 20160; at < 20160 + std::size_t{4} * 2136 * 2078; at += 4) {
    std::uint32_t word = 0;
    for (std::size_t byte = 0; byte < 4; ++byte)
      word = word << 8 | static_cast<unsigned char>(bytes[at + byte]);
    const auto pixel = std::bit_cast<float>(word);
    dead += std::isnan(pixel) ? 1 : 0;
    bright += pixel > 500 ? 1 : 0;
  }
  EXPECT_GT(dead, 1000);
  EXPECT_GT(bright, 10'000);
}

TEST(Sector, AnswersOnEveryRouteAndDeniesEverywhere) {
  ArchiveSim sim;
  SectorOptions options;
  options.frames = 2;
  options.chips = {{1, 2}};
  options.denied = {"tess2018292095939-s0004-1-2-0124-s_ffic.fits"};
  const auto names = sim.add_sector(options);
  ASSERT_TRUE(names);
  ASSERT_TRUE(sim.start());
  RawClient client(sim.port());
  const auto get = [&](const std::string& target) {
    client.ask("GET", target);
    return client.read();
  };
  const auto routes = [](const std::string& name) {
    const std::string below = "ffi/s0004/2018/292/1-2/" + name;
    return std::vector<std::string>{"/tess/public/" + below, "/stpubdata/tess/public/" + below,
                                    "/missions/tess/" + below,
                                    "/api/v0.1/Download/file?uri=mast:TESS/product/" + name,
                                    "/api/v0.1/Download/file/?uri=mast:TESS/product/" + name};
  };
  const std::string body = get(routes((*names)[1].name)[0]).body;
  EXPECT_EQ(body.size(), (*names)[1].size);
  for (const std::string& route : routes((*names)[1].name)) EXPECT_EQ(get(route).body, body) << route;
  for (const std::string& route : routes(options.denied[0])) EXPECT_EQ(get(route).status(), 404) << route;
  EXPECT_NE(get("/missions/tess/ffi/s0004/2018/292/1-2/").body.find(options.denied[0]), std::string::npos);
  EXPECT_NE(get("/?list-type=2&prefix=tess/").body.find(options.denied[0]), std::string::npos);
  sim.allow(options.denied[0]);
  EXPECT_EQ(get(routes(options.denied[0])[0]).status(), 200);
}

TEST(Sector, HasAScriptOfFixedWidth) {
  ContentTree tree;
  SectorOptions options;
  options.frames = 3;
  ASSERT_TRUE(put_sector(tree, options));
  const ResourcePtr script = tree.find("/missions/tess/download_scripts/sector/tesscurl_sector_4_ffic.sh");
  ASSERT_NE(script, nullptr);
  ASSERT_EQ(script->size, 10U + 175U * 48);
  const std::string text = read_all(*script, 0, static_cast<std::size_t>(script->size));
  EXPECT_TRUE(text.starts_with(
      "#!/bin/sh\ncurl -C - -L -o tess2018292095939-s0004-1-1-0124-s_ffic.fits https://mast.stsci.edu/"));
  EXPECT_EQ(text.back(), '\n');
  for (std::size_t line = 0; line < 48; ++line) {
    EXPECT_EQ(read_all(*script, 10 + 175 * line + 16, 44), text.substr(10 + 175 * line + 16, 44));
  }
}

TEST(Sector, ListsDoubledExposuresWithTheirTimesOfProcessing) {
  ContentTree tree;
  SectorOptions options;
  options.frames = 2;
  options.doubled = 1;
  options.chips = {{1, 1}};
  const auto names = put_sector(tree, options);
  ASSERT_TRUE(names);
  ASSERT_EQ(names->size(), 3U);
  EXPECT_EQ((*names)[0].name.substr(0, 17), "tess2018292095939");
  EXPECT_EQ((*names)[1].name.substr(0, 17), "tess2018292095940");
  EXPECT_LT(tree.find((*names)[1].path)->last_modified, tree.find((*names)[0].path)->last_modified);
}

TEST(Sector, RefusesAListingThatIsNone) {
  ContentTree tree;
  SectorOptions options;
  options.listing = "/does/not/exist.csv";
  const auto missing = put_sector(tree, options);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::not_found);
  EXPECT_FALSE(parse_chips("1-5"));
  EXPECT_EQ(parse_chips("1-1,4-4")->size(), 2U);
  EXPECT_TRUE(parse_chips("all")->empty());
}

TEST(Sector, TakesItsNamesFromARealListing) {
  const char* samples = std::getenv("ASTROFS_SAMPLES");
  if (samples == nullptr) GTEST_SKIP() << "ASTROFS_SAMPLES is not set";
  ContentTree tree;
  SectorOptions options;
  options.listing = std::string(samples) + "/tess/listings/tess-s0004-spoc-ffi-2023-10.csv.gz";
  options.size = kFullFrame;
  const auto names = put_sector(tree, options);
  ASSERT_TRUE(names) << names.error().message;
  ASSERT_EQ(names->size(), 16'960U);
  std::map<std::uint64_t, int> sizes;
  for (const FrameName& name : *names) ++sizes[name.size];
  EXPECT_EQ(sizes, (std::map<std::uint64_t, int>{{35'536'320, 240}, {35'547'840, 16'720}}));
  EXPECT_EQ(tree.find("/missions/tess/download_scripts/sector/tesscurl_sector_4_ffic.sh")->size, 2'968'010U);
  EXPECT_NE(tree.find("/tess/public/ffi/s0004/2018/292/1-1/tess2018292095939-s0004-1-1-0124-s_ffic.fits"),
            nullptr);
}

TEST(Prf, HasEightHundredModels) {
  ContentTree tree;
  put_prf_models(tree);
  EXPECT_EQ(tree.keys("missions/", "", "", 2000).entries.size(), 800U);
  const ResourcePtr model = tree.find(
      "/missions/tess/models/prf_fitsfiles/start_s0004/cam3_ccd2/"
      "tess2019107181902-prf-3-2-row1025-col1069.fits");
  ASSERT_NE(model, nullptr);
  const std::string bytes = read_all(*model, 0, static_cast<std::size_t>(model->size));
  EXPECT_EQ(folded(word_sum(bytes)), 0xFFFFFFFFU);
  EXPECT_EQ(bytes.size(), prf_bytes());
}

}  // namespace
}  // namespace astrofs::sim
