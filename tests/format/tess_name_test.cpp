#include "backends/format/tess_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>

#include "tests/format/samples.h"

namespace astrofs::tess {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::string_view kName = "tess2018292095939-s0004-1-1-0124-s_ffic.fits";

std::vector<std::string> names_of(const std::vector<Entry>& entries) {
  std::vector<std::string> names;
  for (const Entry& entry : entries) names.push_back(entry.name);
  return names;
}

Entry entry(std::string name, int mtime) {
  Entry e;
  e.name = std::move(name);
  e.mtime = SysSeconds(std::chrono::seconds(mtime));
  return e;
}

std::string frame(std::string_view stamp, std::string_view chip = "1-1",
                  std::string_view rest = "0124-s_ffic.fits") {
  return "tess" + std::string(stamp) + "-s0002-" + std::string(chip) + "-" + std::string(rest);
}

TEST(TessName, ReadsAndWritesTheNameOfAFrame) {
  const auto name = parse_ffi_name(kName);
  ASSERT_TRUE(name.has_value());
  EXPECT_EQ(*name, (FfiName{2018, 292, 9, 59, 39, 4, 1, 1, 124, 's', FfiKind::calibrated}));
  EXPECT_EQ(name->text(), kName);
  EXPECT_EQ(name->path(), "ffi/s0004/2018/292/1-1/" + std::string(kName));
  EXPECT_EQ(ffi_path("readme.txt"), "");
  const std::string special = "tess2025199000000-s1751-2-3-0999-x_ffir.fits";
  ASSERT_TRUE(parse_ffi_name(special).has_value());
  EXPECT_EQ(parse_ffi_name(special)->sector, 1751U);
  EXPECT_EQ(parse_ffi_name(special)->text(), special);
}

TEST(TessName, RefusesEveryNameThatDiffersInOneCharacter) {
  for (std::size_t i = 0; i < kName.size(); ++i) {
    std::string changed(kName);
    changed[i] = '_' == changed[i] ? '-' : '_';
    EXPECT_FALSE(parse_ffi_name(changed).has_value()) << changed;
    EXPECT_FALSE(parse_ffi_name(kName.substr(0, i)).has_value());
  }
  for (const char* name :
       {"tess2018292095939-s0004-0-1-0124-s_ffic.fits", "tess2018292095939-s0004-1-5-0124-s_ffic.fits",
        "tess2018292095939-s0004-1-1-0124-c_ffic.fits", "tess2018292095939-s0004-1-1-0124-s_ffix.fits",
        "tess2018366095939-s0004-1-1-0124-s_ffic.fits", "tess2018000095939-s0004-1-1-0124-s_ffic.fits",
        "tess2018292246000-s0004-1-1-0124-s_ffic.fits", "tess2018292095960-s0004-1-1-0124-s_ffic.fits",
        "tess2018292095939-s0004-1-1-0124-s_ffic.fits.gz"}) {
    EXPECT_FALSE(parse_ffi_name(name).has_value()) << name;
  }
  EXPECT_TRUE(parse_ffi_name("tess2020366235959-s0004-1-1-0124-s_ffic.fits").has_value());  // a leap year
}

TEST(TessName, ShiftsStampsNearestFirst) {
  EXPECT_THAT(shifted_names(kName, 3), ElementsAre("tess2018292095938-s0004-1-1-0124-s_ffic.fits",
                                                   "tess2018292095940-s0004-1-1-0124-s_ffic.fits",
                                                   "tess2018292095937-s0004-1-1-0124-s_ffic.fits",
                                                   "tess2018292095941-s0004-1-1-0124-s_ffic.fits",
                                                   "tess2018292095936-s0004-1-1-0124-s_ffic.fits",
                                                   "tess2018292095942-s0004-1-1-0124-s_ffic.fits"));
  EXPECT_THAT(shifted_names("x.fits"), IsEmpty());
}

TEST(TessName, ShiftsAcrossDaysAndYears) {
  EXPECT_THAT(shifted_names("tess2019001000000-s0006-1-1-0126-s_ffic.fits", 1),
              ElementsAre("tess2018365235959-s0006-1-1-0126-s_ffic.fits",
                          "tess2019001000001-s0006-1-1-0126-s_ffic.fits"));
  EXPECT_THAT(shifted_names("tess2020366235959-s0033-1-1-0195-s_ffic.fits", 1),
              ElementsAre("tess2020366235958-s0033-1-1-0195-s_ffic.fits",
                          "tess2021001000000-s0033-1-1-0195-s_ffic.fits"));
  EXPECT_EQ(shifted_names("tess2018292235959-s0004-1-1-0124-s_ffic.fits", 2).back(),
            "tess2018293000001-s0004-1-1-0124-s_ffic.fits");
}

TEST(TessName, KeepsOneOfADoubledExposure) {
  // The later processing stays.
  EXPECT_THAT(
      names_of(collapse_doubles({entry(frame("2018235142941"), 1), entry(frame("2018235142942"), 2)})),
      ElementsAre(frame("2018235142942")));
  EXPECT_THAT(
      names_of(collapse_doubles({entry(frame("2018235142942"), 1), entry(frame("2018235142940"), 2)})),
      ElementsAre(frame("2018235142940")));
  // No times: the earlier stamp, because reprocessing moved them back.
  EXPECT_THAT(
      names_of(collapse_doubles({entry(frame("2018235142942"), 0), entry(frame("2018235142941"), 0)})),
      ElementsAre(frame("2018235142941")));
  // Across a day.
  EXPECT_THAT(
      names_of(collapse_doubles({entry(frame("2018236000000"), 0), entry(frame("2018235235959"), 0)})),
      ElementsAre(frame("2018235235959")));
}

TEST(TessName, KeepsFramesThatAreNoDoubles) {
  const std::vector<Entry> entries{entry("readme", 1),
                                   entry(frame("2018235145941"), 1),
                                   entry(frame("2018235142941"), 1),
                                   entry(frame("2018235142942", "1-2"), 2),
                                   entry(frame("2018235142942", "1-1", "0124-s_ffir.fits"), 2),
                                   entry(frame("2018235142944"), 2),
                                   entry(frame("2018235142941", "1-1", "0125-s_ffic.fits"), 1)};
  EXPECT_EQ(names_of(collapse_doubles(entries)), names_of(entries));
  EXPECT_THAT(collapse_doubles({}), IsEmpty());
}

std::vector<std::string> paths_of(const std::filesystem::path& csv) {
  std::istringstream in(testing::content_of(csv));
  std::vector<std::string> paths;
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) paths.push_back(line.substr(0, line.find(',')));
  return paths;
}

TEST(TessName, AgreesWithEveryNameAndPathOfTheRealListings) {
  NEEDS_SAMPLES();
  std::size_t names = 0;
  for (const auto& csv : testing::sample_files("tess/listings", ".csv.gz")) {
    if (csv.string().find("-spoc-") == std::string::npos) continue;
    for (const std::string& path : paths_of(csv)) {
      const std::string text = path.substr(path.rfind('/') + 1);
      const auto name = parse_ffi_name(text);
      ASSERT_TRUE(name.has_value()) << path;
      ASSERT_EQ(name->path(), path);
      ASSERT_EQ(name->at(name->stamp()), *name);
      ++names;
    }
  }
  EXPECT_GT(names, 100'000U);
}

TEST(TessName, CollapsesTheRealDoublesOfSectorTwoAndNothingOfSectorFour) {
  NEEDS_SAMPLES();
  const auto count = [](const std::string& listing) {
    std::vector<Entry> entries;
    for (const std::string& path : paths_of(*testing::samples() / "tess/listings" / listing)) {
      Entry e;
      e.name = path.substr(path.rfind('/') + 1);
      entries.push_back(std::move(e));
    }
    std::map<std::pair<unsigned, unsigned>, unsigned> chips;
    for (const Entry& e : collapse_doubles(std::move(entries))) {
      const auto name = parse_ffi_name(e.name);
      ++chips[{name->camera, name->ccd}];
    }
    std::set<unsigned> counts;
    for (const auto& [chip, frames] : chips) counts.insert(frames);
    EXPECT_EQ(chips.size(), 16U);
    return counts;
  };
  EXPECT_THAT(count("tess-s0002-spoc-ffi-2023-10.csv.gz"), ElementsAre(1245U));  // 1543 with 298 doubles
  EXPECT_THAT(count("tess-s0004-spoc-ffi-2023-10.csv.gz"), ElementsAre(1060U));
}

TEST(TessName, FindsEveryOldNameOfSectorFourAmongTheShiftedNewOnes) {
  NEEDS_SAMPLES();
  std::set<std::string> now;
  for (const std::string& path :
       paths_of(*testing::samples() / "tess/listings/tess-s0004-spoc-ffi-2023-10.csv.gz"))
    now.insert(path.substr(path.rfind('/') + 1));
  for (const std::string& path :
       paths_of(*testing::samples() / "tess/listings/tess-s0004-spoc-ffi-2021-03.csv.gz")) {
    std::size_t found = 0;
    for (const std::string& name : shifted_names(path.substr(path.rfind('/') + 1))) found += now.count(name);
    ASSERT_EQ(found, 1U) << path;
  }
}

}  // namespace
}  // namespace astrofs::tess
