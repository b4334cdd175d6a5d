// What is kept of a lost table in the catalog, and what the archives of light curves make of it. The search
// itself is tried with a mount: tests/mount/tess_targets.py.
#include "fs/table_models.h"

#include <gtest/gtest.h>

#include "backends/format/fits_layout.h"
#include "backends/hlsp_shape.h"
#include "backends/tess_target_shape.h"
#include "fs/blank_table.h"
#include "fs/placeholder.h"

namespace astrofs {
namespace {

constexpr const char* kCurve = "tess2018206045859-s0001-0000000025132999-0120-s_lc.fits";
constexpr const char* kPixels = "tess2018206045859-s0001-0000000025132999-0120-s_tp.fits";
constexpr const char* kSpocPixels = "hlsp_tess-spoc_tess_phot_0000000025132999-s0023_tess_v1_tp.fits";

TEST(TableModels, WhatIsKeptIsReadBackAndTakenForNoLayout) {
  const TableModel model{.rows = 18012, .width = 11, .height = 13};
  EXPECT_EQ(table_model_in(text_of(model)), model);
  EXPECT_EQ(text_of({}), "") << "nothing is nothing to be kept";
  FitsLayout layout(1ULL << 30);
  EXPECT_FALSE(layout.recall(text_of(model)));
  for (const char* const other : {"", "2 0 7 1234i.", "like ", "like 1,2", "like 1,2,", "like 1,2,3,",
                                  "like 1,2,3 ", "like -1,2,3", "like 99999999999999999999,1,1", "1,2,3"})
    EXPECT_FALSE(table_model_in(other)) << other;
}

TEST(TableModels, ALostTableHasTheRowsAndTheStampThatAreKnown) {
  const auto shape = tess::target_shape_of(kPixels, {.rows = 500, .width = 13, .height = 9});
  ASSERT_TRUE(shape);
  EXPECT_EQ(shape->hdus[1].axes[1], 500U);
  EXPECT_EQ(shape->hdus[2].axes, (std::vector<std::uint64_t>{13, 9}));
  const auto made = Placeholder::make(*shape, {}, {}, MissingCause::denied_by_archive, kPixels);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_GT(made->size(), 500U * 13 * 9 * 5 * 4);
  const auto spoc = hlsp::shape_of(kSpocPixels, {.rows = 7, .width = 3, .height = 4});
  ASSERT_TRUE(spoc);
  EXPECT_EQ(spoc->hdus[1].axes[1], 7U);
  EXPECT_EQ(spoc->hdus[2].axes, (std::vector<std::uint64_t>{3, 4}));
}

TEST(TableModels, RowsThatDoNotAgreeWithTheListedSizeAreNotBelieved) {
  const auto of_rows = [](std::uint64_t rows) { return *tess::target_shape_of(kCurve, {.rows = rows}); };
  constexpr std::uint64_t kSize = 1'800'000 / 2880 * 2880;
  const auto open = with_rows(*tess::target_shape_of(kCurve), kSize, 0);
  const std::uint64_t room = open.hdus[1].axes[1];
  EXPECT_TRUE(rows_fit(of_rows(room), kSize));
  EXPECT_TRUE(rows_fit(of_rows(room - 20), kSize));
  EXPECT_FALSE(rows_fit(of_rows(room / 2), kSize));
  EXPECT_FALSE(rows_fit(of_rows(room * 2), kSize));
}

TEST(TableModels, FamiliesAreSectorsAndTwinsAreCurveAndPixels) {
  const auto family = [](const char* name) { return tess::target_family(*tess::parse_target_name(name)); };
  EXPECT_EQ(family(kCurve), family(kPixels));
  EXPECT_NE(family(kCurve), family("tess2018234235059-s0002-0000000025132999-0121-s_lc.fits"));
  EXPECT_NE(family("tess2020186164531-s0027-0000000025132999-0189-a_fast-lc.fits"),
            family("tess2020186164531-s0027-0000000025132999-0189-s_lc.fits"));
  EXPECT_EQ(family("tess2018206190142-s0001-s0001-0000000117544915-00106_dvt.fits"), "");
  EXPECT_EQ(tess::target_twin(kCurve), kPixels);
  EXPECT_EQ(tess::target_twin(kPixels), kCurve);
  EXPECT_EQ(tess::target_twin("x_dvt.fits"), "");
  EXPECT_EQ(hlsp::twin_of(kSpocPixels), "hlsp_tess-spoc_tess_phot_0000000025132999-s0023_tess_v1_lc.fits");
  EXPECT_EQ(hlsp::family_of(kSpocPixels), hlsp::family_of(hlsp::twin_of(kSpocPixels)));
  EXPECT_EQ(hlsp::family_of("s0023_target_list.csv"), "");
}

}  // namespace
}  // namespace astrofs
