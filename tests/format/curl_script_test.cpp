#include "backends/format/curl_script.h"

#include <gtest/gtest.h>

#include "backends/format/tess_name.h"
#include "tests/format/samples.h"

namespace astrofs {
namespace {

constexpr std::string_view kName = "tess2018292095939-s0004-1-1-0124-s_ffic.fits";

ScriptPiece piece_of(std::string_view text, ScriptCut cut = {}) {
  auto piece = parse_script(text, cut);
  EXPECT_TRUE(piece.has_value()) << piece.error().message;
  return piece ? *std::move(piece) : ScriptPiece{};
}

TEST(CurlScript, KnowsHowManyLinesAScriptOfASizeHas) {
  EXPECT_EQ(script_lines(2'968'010), 16'960U);  // sector 4
  EXPECT_EQ(script_lines(2'968'009), 16'960U);  // without the last newline
  EXPECT_EQ(script_lines(10), 0U);
  EXPECT_EQ(script_lines(84'116'620, 270), 311'543U);  // the script of another pipeline, sector 23
  EXPECT_EQ(script_lines(84'116'620), std::nullopt);
  EXPECT_EQ(script_lines(2'968'000), std::nullopt);
  EXPECT_EQ(script_lines(9), std::nullopt);
  EXPECT_EQ(script_lines(100, 0), std::nullopt);
}

TEST(CurlScript, KnowsWhereLinesLie) {
  EXPECT_EQ(script_range(0, 1), (ByteRange{10, 175}));
  EXPECT_EQ(script_range(2, 5), (ByteRange{360, 525}));
  EXPECT_TRUE(script_range(5, 5).empty());
  EXPECT_TRUE(script_range(5, 2).empty());
}

TEST(CurlScript, ReadsNameAndUrlOfEachLine) {
  const std::string script = testing::seed("curl_script/two_lines.sh");
  const auto piece = piece_of(script);
  ASSERT_EQ(piece.lines.size(), 2U);
  EXPECT_EQ(piece.lines[0].name, kName);
  EXPECT_EQ(piece.lines[0].url,
            "https://mast.stsci.edu/api/v0.1/Download/file/?uri=mast:TESS/product/" + std::string(kName));
  EXPECT_EQ(script_lines(script.size()), 2U);
  const auto range = script_range(1, 2);
  EXPECT_EQ(piece_of(std::string_view(script).substr(range.offset, range.length)).lines.size(), 1U);
}

TEST(CurlScript, ToleratesAnOddFirstLineCarriageReturnsAndAMissingNewline) {
  const auto piece = piece_of(testing::seed("curl_script/odd.sh"));
  ASSERT_EQ(piece.lines.size(), 2U);
  EXPECT_EQ(piece.lines[0].name, kName);
  EXPECT_TRUE(piece.lines[0].url.ends_with("s_ffic.fits"));
  EXPECT_EQ(piece.dropped, 1U);  // -o ../x
}

TEST(CurlScript, LeavesOutLinesThatACutWentThrough) {
  const std::string script = testing::seed("curl_script/two_lines.sh");
  const std::string_view middle = std::string_view(script).substr(20, 250);
  EXPECT_EQ(piece_of(middle, {.first_partial = true, .last_partial = true}).lines.size(), 0U);
  EXPECT_EQ(piece_of(std::string_view(script).substr(20), {.first_partial = true}).lines.size(), 1U);
  EXPECT_EQ(piece_of(std::string_view(script).substr(0, 300), {.last_partial = true}).lines.size(), 1U);
  EXPECT_EQ(piece_of("", {.first_partial = true, .last_partial = true}).lines.size(), 0U);
  EXPECT_EQ(piece_of("half a line", {.first_partial = true}).lines.size(), 0U);
}

TEST(CurlScript, DropsLinesItCannotUse) {
  const auto piece = piece_of(
      "curl -o a\ncurl -o . http://h/x\ncurl http://h/x\ncurl -o 'q.fits' \"https://h/q\"\ncurl -o x/y "
      "http://h/y\necho curl\n");
  EXPECT_EQ(piece.dropped, 4U);
  ASSERT_EQ(piece.lines.size(), 1U);
  EXPECT_EQ(piece.lines[0].name, "q.fits");
  EXPECT_EQ(piece.lines[0].url, "https://h/q");
}

TEST(CurlScript, RefusesAPage) {
  EXPECT_EQ(parse_script("\n<!DOCTYPE html><p>503").error().code, Errc::corrupt);
  EXPECT_EQ(parse_script(std::string_view("#!/bin/sh\n\0", 11)).error().code, Errc::corrupt);
}

TEST(CurlScript, ReadsTheRealScripts) {
  NEEDS_SAMPLES();
  std::size_t scripts = 0;
  for (const auto& path : testing::sample_files("tess/scripts", "")) {
    const std::string text = testing::content_of(path);
    std::size_t expected = 0;
    for (std::size_t at = 0; (at = text.find("\ncurl ", at)) != std::string::npos; ++at) ++expected;
    const auto piece = piece_of(text);
    EXPECT_EQ(piece.lines.size(), expected) << path;
    EXPECT_EQ(piece.dropped, 0U) << path;
    for (const ScriptLine& line : piece.lines) ASSERT_TRUE(line.url.ends_with("/" + line.name)) << line.url;
    ++scripts;
    if (path.string().find("ffic") == std::string::npos) continue;
    ASSERT_EQ(script_lines(text.size()), expected) << path;
    const auto range = script_range(7777, 7778);
    EXPECT_EQ(piece_of(std::string_view(text).substr(range.offset, range.length)).lines.at(0).name,
              piece.lines.at(7777).name);
    EXPECT_TRUE(tess::parse_ffi_name(piece.lines.at(7777).name).has_value());
  }
  EXPECT_GE(scripts, 5U);
}

}  // namespace
}  // namespace astrofs
