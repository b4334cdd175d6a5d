// The bulk scripts as the source of a chip's names, when S3 does not list.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "backends/format/tess_name.h"
#include "tests/backends/tess_stage.h"

namespace astrofs {
namespace {

std::string script_line(const std::string& name) {
  return fmt::format(
      "curl -C - -L -o {0} https://mast.stsci.edu/api/v0.1/Download/file/?uri=mast:TESS/product/{0}\n", name);
}

/// Frames of all chips, as many as make a script of more than one piece.
class TessScriptTest : public TessArchiveTest {
 protected:
  static constexpr unsigned kPerChip = 2000;
  static constexpr const char* kPath = "/missions/tess/download_scripts/sector/tesscurl_sector_70_ffic.sh";

  TessScriptTest() { stop_s3(); }
  static std::string name(unsigned camera, unsigned ccd, unsigned number) {
    tess::FfiName made{.year = 2023, .doy = 264, .sector = 70, .camera = camera, .ccd = ccd, .scid = 265};
    return made.at(made.stamp() + std::chrono::seconds(200 * number)).text();
  }
  static Names names_of_chip(unsigned camera, unsigned ccd) {
    Names names;
    for (unsigned i = 0; i < kPerChip; ++i) names.push_back(name(camera, ccd, i));
    return names;
  }
  static std::string sorted_script() {
    std::string text = "#!/bin/sh\n";
    for (unsigned chip = 0; chip < 16; ++chip) {
      for (unsigned i = 0; i < kPerChip; ++i) text += script_line(name(chip / 4 + 1, chip % 4 + 1, i));
    }
    return text;
  }
  static std::string script_by_time() {
    std::string text = "#!/bin/sh\n";
    for (unsigned i = 0; i < kPerChip; ++i) {
      for (unsigned chip = 0; chip < 16; ++chip) text += script_line(name(chip / 4 + 1, chip % 4 + 1, i));
    }
    return text;
  }
};

TEST_F(TessScriptTest, ReadsAnEighthOfASortedScript) {
  const std::string script = sorted_script();
  server_.serve_file(kPath, script);
  for (const auto& [camera, ccd] : {std::pair{1U, 1U}, {2U, 3U}, {4U, 4U}}) {
    server_.clear_log();
    const std::string dir = fmt::format("70/{}/{}", camera, ccd);
    EXPECT_EQ(names_of(list(dir)), names_of_chip(camera, ccd)) << dir;
    EXPECT_LT(server_.bytes_sent(), script.size() / 4) << dir;
  }
}

TEST_F(TessScriptTest, ReadsAllOfAScriptThatIsNotSorted) {
  const std::string script = script_by_time();
  server_.serve_file(kPath, script);
  EXPECT_EQ(names_of(list("70/2/3")), names_of_chip(2, 3));
  EXPECT_GE(server_.bytes_sent(), script.size());
}

TEST_F(TessScriptTest, NoticesThatOnlyTheSampledLinesAreSorted) {
  std::string script = sorted_script();
  // A line of the first chip far behind, beside the block of the chip that is wanted: no sample lies on it.
  const std::size_t line = script_line(name(1, 1, 0)).size();
  const std::size_t inside = 10 + line * (kPerChip * 6 + 77);  // 10: the first line of the script
  script.replace(inside, line, script_line(name(1, 1, kPerChip)));
  server_.serve_file(kPath, script);
  Names expected = names_of_chip(2, 3);
  expected.erase(expected.begin() + 77);
  EXPECT_EQ(names_of(list("70/2/3")), expected);
  EXPECT_GE(server_.bytes_sent(), script.size()) << "the block was out of order, so all lines had to be read";
}

TEST_F(TessScriptTest, ReadsTheWholeScriptWhereRangesAreIgnored) {
  const std::string script = sorted_script();
  server_.serve_file(kPath, script);
  server_.add_fault(Fault{.path = "*tesscurl*", .kind = Kind::range_ignored});
  EXPECT_EQ(names_of(list("70/2/3")), names_of_chip(2, 3));
  EXPECT_LT(server_.bytes_sent(), script.size() * 4) << "and not once for each range";
}

}  // namespace
}  // namespace astrofs
