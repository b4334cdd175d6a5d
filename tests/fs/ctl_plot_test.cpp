// Plots: round numbers on their axes, and points where they belong, in letters and in pictures.
#include "fs/ctl_plot.h"

#include <cairo.h>
#include <fontconfig/fontconfig.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "fs/ctl_plot_image.h"
#include "fs/ctl_plot_text.h"

namespace astrofs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> labels(const Axis& axis, std::size_t most) {
  std::vector<std::string> out;
  for (const Tick& tick : ticks_of(axis, most)) out.push_back(tick.label);
  return out;
}

constexpr double kDay = 1'666'569'600;  // 2022-10-24

TEST(PlotAxis, NumbersAreRoundAndOfOneLength) {
  EXPECT_THAT(labels({"", 0.04, 0.31, false}, 6),
              ElementsAre("0.05", "0.10", "0.15", "0.20", "0.25", "0.30"));
  EXPECT_THAT(labels({"", -1.2, 1.2, false}, 5), ElementsAre("-1.0", "-0.5", "0.0", "0.5", "1.0"));
  EXPECT_THAT(labels({"", 0, 4'000, false}, 5), ElementsAre("0", "1000", "2000", "3000", "4000"));
  EXPECT_THAT(labels({"", 0, 1e30, false}, 3), ElementsAre("0", "5e+29", "1e+30"));
  EXPECT_THAT(labels({"", 0, 2.5e-9, false}, 3), ElementsAre("0", "1e-09", "2e-09"));
}

TEST(PlotAxis, TimesAreRoundWhateverTheRange) {
  const double begin = kDay + 19 * 3600 + 47 * 60 + 14;
  EXPECT_THAT(labels({"", begin, begin + 40, true}, 5),
              ElementsAre("19:47:20", "19:47:30", "19:47:40", "19:47:50"));
  EXPECT_THAT(labels({"", begin, begin + 0.004, true}, 5),
              ElementsAre("19:47:14.000", "19:47:14.001", "19:47:14.002", "19:47:14.003", "19:47:14.004"));
  EXPECT_THAT(labels({"", begin, begin + 3'000, true}, 4), ElementsAre("20:00", "20:15", "20:30"));
  EXPECT_THAT(labels({"", kDay, kDay + 3 * 86'400, true}, 4),
              ElementsAre("2022-10-24", "2022-10-25", "2022-10-26", "2022-10-27"));
  EXPECT_EQ(title_of({"T", begin, begin + 60, true}), "T, 2022-10-24 UTC");
  EXPECT_EQ(title_of({"T", begin, begin + 86'400, true}), "T, 2022-10-24 to 2022-10-25 UTC");
}

TEST(PlotAxis, NeverMoreNumbersThanThereIsRoomFor) {
  for (const bool is_time : {false, true}) {
    for (double range = 1e-9; range < 1e9; range *= 1.37) {
      for (std::size_t most = 2; most < 12; ++most) {
        const auto ticks = ticks_of({"", 5e8, 5e8 + range, is_time}, most);
        EXPECT_LE(ticks.size(), most) << range;
      }
    }
  }
}

TEST(PlotAxis, OneValueHasAnAxisAroundIt) {
  for (const double value : {0.0, 7.0, -1e300, 5e-324}) {
    const Axis axis = axis_over("", value, value, false);
    EXPECT_LT(axis.low, value);
    EXPECT_GT(axis.high, value);
    EXPECT_FALSE(ticks_of(axis, 5).empty()) << value;
  }
}

template <class T>
TableColumn column(const std::string& name, std::vector<T> values,
                   const std::vector<std::size_t>& missing = {}) {
  std::vector<bool> is_missing(values.size(), false);
  for (const std::size_t row : missing) is_missing[row] = true;
  return {name, 8, {std::move(values), std::move(is_missing)}};
}

Table four_frames() {
  Table table{{0, 1, 2, 7}, {}};
  table.columns.push_back(column<std::string>("file", {"a", "b", "c", "d"}));
  table.columns.push_back(column<std::string>("DATE-AVG", {"2022-10-24T00:00:03", "2022-10-24T00:00:01.25",
                                                           "2022-10-24T00:00:02", "2022-10-24T00:00:09"}));
  table.columns.push_back(column<double>("ATMOS_R0", {0.3, 0.1, 0, 1e301}, {2}));
  return table;
}

TEST(Plot, IsOverTimeInItsOrderWithoutWhatHasNoValue) {
  const auto plot = plot_of(four_frames(), "BEOGN");
  ASSERT_TRUE(plot.has_value());
  ASSERT_EQ(plot->points.size(), 2U);
  EXPECT_DOUBLE_EQ(plot->points[0].x, kDay + 1.25);
  EXPECT_DOUBLE_EQ(plot->points[0].y, 0.1);
  EXPECT_DOUBLE_EQ(plot->points[1].x, kDay + 3);
  EXPECT_TRUE(plot->x.is_time);
  EXPECT_EQ(plot->title, "ATMOS_R0");
  EXPECT_EQ(plot->subtitle, "BEOGN: 4 frames, 2 without a value");
}

TEST(Plot, IsOverTheNumbersOfFramesWhereThereAreNoTimes) {
  Table table = four_frames();
  table.columns[1] = column<std::string>("DATE-AVG", {"", "x", "", ""}, {0});
  table.columns[2] = column<bool>("AO_LOCK", {true, false, true, true});
  const auto plot = plot_of(table, "BEOGN");
  ASSERT_TRUE(plot.has_value());
  EXPECT_FALSE(plot->x.is_time);
  EXPECT_EQ(plot->x.name, "frame");
  EXPECT_EQ(plot->points.back().x, 8);
  EXPECT_EQ(plot->points.back().y, 1);
}

TEST(Plot, LeavesOutWhatLiesFarFromAllOthersAndSaysSo) {
  Table table = four_frames();
  table.columns[2] = column<double>("ATMOS_R0", {0.07, 1e30, 0.05, 0.06});
  const auto plot = plot_of(table, "BEOGN");
  ASSERT_TRUE(plot.has_value());
  EXPECT_EQ(plot->points.size(), 3U);
  EXPECT_LT(plot->y.high, 0.1);
  EXPECT_EQ(plot->subtitle, "BEOGN: 4 frames, 1 too far out to be drawn");
}

TEST(Plot, OfTextsOrOfNothingIsRefused) {
  Table table = four_frames();
  table.columns[2] = column<double>("ATMOS_R0", {0, 0, 0, 0}, {0, 1, 2, 3});
  EXPECT_EQ(plot_of(table, "").error().code, Errc::not_found);
  table.columns[2] = column<std::string>("OBJECT", {"a", "b", "c", "d"});
  EXPECT_EQ(plot_of(table, "").error().code, Errc::invalid);
}

Plot corners() {
  Plot plot;
  plot.title = "N\x1b[1m";
  plot.subtitle = "of \xff nothing";
  plot.x = {"frame", 0, 100, false};
  plot.y = {"N", 0, 10, false};
  plot.points = {{0, 0}, {100, 10}};
  return plot;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::stringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::size_t letters(const std::string& line) {
  return static_cast<std::size_t>(std::count_if(
      line.begin(), line.end(), [](char c) { return (static_cast<unsigned>(c) & 0xc0U) != 0x80U; }));
}

TEST(PlotText, HasItsPointsInTheCornersAndNumbersBesideThem) {
  const auto lines = lines_of(draw_text(corners(), {40, 16}));
  ASSERT_EQ(lines.size(), 14U);
  EXPECT_EQ(lines[0], "N\\x1b[1m  of ? nothing");
  EXPECT_EQ(lines[1], "10 ┤" + std::string(35, ' ') + "⠈");
  EXPECT_THAT(lines[10], HasSubstr(" 0 ┤⡀"));
  EXPECT_THAT(lines[11], HasSubstr("   └┬──"));
  EXPECT_THAT(lines[12], HasSubstr("0"));
  EXPECT_THAT(lines[12], HasSubstr("100"));
  EXPECT_EQ(lines[13], "    frame");
}

TEST(PlotText, IsNeverWiderThanTheTerminal) {
  for (const std::size_t width : {24U, 31U, 80U, 203U}) {
    const auto plot = plot_of(four_frames(), std::string(300, 'x'));
    ASSERT_TRUE(plot.has_value());
    for (const std::string& line : lines_of(draw_text(*plot, {width, 24})))
      EXPECT_LE(letters(line), width) << line;
  }
  EXPECT_FALSE(draw_text(corners(), {0, 0}).empty());
}

cairo_status_t read_png(void* from, unsigned char* data, unsigned length) {
  auto& left = *static_cast<std::string_view*>(from);
  if (left.size() < length) return CAIRO_STATUS_READ_ERROR;
  std::copy_n(left.begin(), length, data);
  left.remove_prefix(length);
  return CAIRO_STATUS_SUCCESS;
}

/// cairo and its fonts keep what they have found; a leak checker takes that for lost.
class PlotImage : public ::testing::Test {
 protected:
  static void TearDownTestSuite() {
    cairo_debug_reset_static_data();
    FcFini();
  }
};

TEST_F(PlotImage, APngIsAPictureWithTheColourOfItsPoints) {
  const auto file = draw_image(corners(), ImageKind::png);
  ASSERT_TRUE(file.has_value()) << file.error().message;
  std::string_view left = *file;
  cairo_surface_t* const picture = cairo_image_surface_create_from_png_stream(read_png, &left);
  ASSERT_EQ(cairo_surface_status(picture), CAIRO_STATUS_SUCCESS);
  EXPECT_EQ(cairo_image_surface_get_width(picture), 1920);
  const unsigned char* const pixels = cairo_image_surface_get_data(picture);
  const auto stride = static_cast<std::size_t>(cairo_image_surface_get_stride(picture));
  int points = 0;
  for (std::size_t y = 0; y < 1080; ++y) {
    for (std::size_t x = 0; x < 1920; ++x) {
      const unsigned char* const pixel = pixels + y * stride + 4 * x;  // blue, green, red on this machine
      if (pixel[0] > pixel[2] + 100) ++points;
    }
  }
  cairo_surface_destroy(picture);
  EXPECT_GT(points, 100);  // two dots, ten pixels wide each
  EXPECT_LT(points, 400);
}

TEST_F(PlotImage, AnSvgHasAStrokeForEachPoint) {
  Plot plot = corners();
  plot.points.assign(2'500, {50, 5});
  const auto file = draw_image(plot, ImageKind::svg);
  ASSERT_TRUE(file.has_value()) << file.error().message;
  EXPECT_TRUE(file->starts_with("<?xml"));
  std::size_t strokes = 0;
  for (const std::string& line : lines_of(*file)) {
    if (line.find("stroke-linecap:round") == std::string::npos) continue;
    const std::string path = line.substr(line.find(" d=\"") + 4);
    strokes += static_cast<std::size_t>(std::count(path.begin(), path.end(), 'M'));
  }
  EXPECT_EQ(strokes, plot.points.size());
}

TEST_F(PlotImage, TheFilesNameSaysWhichKind) {
  EXPECT_EQ(image_kind_of("a.png"), ImageKind::png);
  EXPECT_EQ(image_kind_of("a.svg"), ImageKind::svg);
  EXPECT_EQ(image_kind_of("a.pdf"), std::nullopt);
}

}  // namespace
}  // namespace astrofs
