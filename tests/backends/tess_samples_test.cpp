// Type "tess" on the names that the archive really had: lists of 2021 and 2023.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/format/samples.h"
#include "tests/backends/tess_stage.h"

namespace astrofs {
namespace {

class TessSampleTest : public TessArchiveTest {
 protected:
  static Names add_listing(sim::ArchiveSim& server, const std::string& file, int sector,
                           std::vector<sim::Chip> chips = {}) {
    const auto path = *testing::samples() / "tess" / "listings" / file;
    const auto made =
        server.add_sector({.sector = sector, .listing = path.string(), .chips = std::move(chips)});
    EXPECT_TRUE(made) << made.error().message;
    Names names;
    if (!made) return names;
    for (const sim::FrameName& frame : *made) names.push_back(frame.name);
    return names;
  }
};

TEST_F(TessSampleTest, SectorFourIsSixteenTimes1060Names) {
  NEEDS_SAMPLES();
  const Names truth = add_listing(server_, "tess-s0004-spoc-ffi-2023-10.csv.gz", 4);
  ASSERT_EQ(truth.size(), 16960U);
  std::set<std::string> shown;
  for (const Entry& camera : list("4").entries) {
    for (const Entry& ccd : list(camera.locator).entries) {
      server_.clear_log();
      const Listing chip = list(ccd.locator);
      EXPECT_EQ(chip.entries.size(), 1060U) << ccd.locator;
      EXPECT_EQ(server_.requests().size(), 26U) << "years, days of 2018, 24 days";
      for (const Entry& entry : chip.entries) {
        EXPECT_TRUE(entry.size) << entry.name;
        shown.insert(entry.name);
      }
    }
  }
  EXPECT_EQ(shown, std::set<std::string>(truth.begin(), truth.end()));
}

TEST_F(TessSampleTest, TheScriptGivesTheSameNamesAsS3) {
  NEEDS_SAMPLES();
  add_listing(server_, "tess-s0004-spoc-ffi-2023-10.csv.gz", 4);
  const Names from_s3 = names_of(list("4/3/2"));
  stop_s3();
  EXPECT_EQ(names_of(list("4/3/2")), from_s3);
}

TEST_F(TessSampleTest, EveryNameOf2021LeadsToExactlyOneOf2023) {
  NEEDS_SAMPLES();
  add_listing(server_, "tess-s0004-spoc-ffi-2023-10.csv.gz", 4, {{1, 1}});
  sim::ArchiveSim past;
  const Names old_names = add_listing(past, "tess-s0004-spoc-ffi-2021-03.csv.gz", 4, {{1, 1}});
  ASSERT_EQ(old_names.size(), 1060U);
  const Names today = names_of(list("4/1/1"));
  const std::set<std::string> known(today.begin(), today.end());
  std::set<std::string> reached;
  for (const std::string& old_name : old_names) {
    const Names others = archive().other_names(old_name);
    const auto first = std::find_if(others.begin(), others.end(),
                                    [&](const std::string& other) { return known.contains(other); });
    if (known.contains(old_name)) {
      reached.insert(old_name);
    } else if (first != others.end()) {
      reached.insert(*first);
    } else {
      ADD_FAILURE() << old_name << " leads nowhere";
    }
  }
  EXPECT_EQ(reached.size(), 1060U) << "two old names lead to one frame";
}

TEST_F(TessSampleTest, SectorTwoShowsItsDoubledExposuresOnce) {
  NEEDS_SAMPLES();
  const Names truth = add_listing(server_, "tess-s0002-spoc-ffi-2023-10.csv.gz", 2, {{1, 1}});
  ASSERT_EQ(truth.size(), 1543U);
  const Names shown = names_of(list("2/1/1"));
  EXPECT_EQ(shown.size(), 1245U);
  // Those left out are reached under their names all the same.
  const std::set<std::string> known(shown.begin(), shown.end());
  for (const std::string& name : truth) {
    if (known.contains(name)) continue;
    const Names others = archive().other_names(name);
    EXPECT_TRUE(std::any_of(others.begin(), others.end(), [&](const std::string& other) {
      return known.contains(other);
    })) << name;
  }
}

}  // namespace
}  // namespace astrofs
