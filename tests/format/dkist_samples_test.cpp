// Files of the data centre and of its client's tests, one for each version that there is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/format/dkist_dataset.h"
#include "tests/format/asdf_bytes.h"
#include "tests/format/samples.h"

namespace astrofs {
namespace {

using testing::AsdfBytes;

enum class Names : std::uint8_t {
  match,
  random,
  none
};  ///< FILENAME against the list; simulated ones are random

struct Expected {
  std::string_view file, tag, id;
  std::size_t frames, groups, columns;
  std::string_view datatype;
  std::vector<std::uint64_t> shape, files_shape;
  std::uint32_t target;
  Names names;
};

const std::vector<Expected>& all_samples() {
  static constexpr std::string_view kOld = "tag:dkist.nso.edu:dkist/dataset-",
                                    kNew = "asdf://dkist.nso.edu/tags/dataset-1";
  static const std::string k01 = std::string(kOld) + "0.1.0", k03 = std::string(kOld) + "0.3.0",
                           k10 = std::string(kNew) + ".0.0", k11 = std::string(kNew) + ".1.0",
                           k12 = std::string(kNew) + ".2.0", k13 = std::string(kNew) + ".3.0";
  constexpr std::string_view kTiled0 = "asdf://dkist.nso.edu/tags/tiled_dataset-1.0.0",
                             kTiled3 = "asdf://dkist.nso.edu/tags/tiled_dataset-1.3.0";
  static const std::vector<Expected> kAll{
      {"asdf/EIT/eit_test_dataset.asdf", k12, "", 11, 1, 47, "float64", {128, 128}, {11}, 0, Names::random},
      {"asdf/croppable_cryo.asdf.gz",
       k12,
       "BMPNP",
       36,
       1,
       347,
       "float64",
       {1, 1888, 1751},
       {4, 3, 3},
       1,
       Names::match},
      {"asdf/croppable_visp.asdf.gz",
       k12,
       "BKEWK",
       2752,
       1,
       254,
       "float64",
       {1, 976, 2555},
       {4, 688},
       1,
       Names::match},
      {"asdf/eit_dataset-0.1.0.asdf", k01, "", 11, 1, 42, "float64", {128, 128}, {11}, 0, Names::random},
      {"asdf/eit_dataset-0.3.0.asdf", k03, "", 11, 1, 42, "float64", {128, 128}, {11}, 0, Names::random},
      {"asdf/eit_dataset-1.0.0.asdf", k10, "", 11, 1, 42, "float64", {128, 128}, {11}, 0, Names::random},
      {"asdf/eit_dataset-1.2.0.asdf", k12, "", 11, 1, 47, "float64", {128, 128}, {11}, 0, Names::random},
      {"asdf/large_vbi.asdf.gz",
       kTiled3,
       "AJQWW",
       27,
       9,
       241,
       "float32",
       {1, 4096, 4096},
       {3},
       1,
       Names::match},
      {"asdf/small_visp/test_visp.asdf",
       k10,
       "qVXjk",
       3,
       1,
       283,
       "float64",
       {1, 10, 25},
       {3},
       0,
       Names::random},
      {"asdf/test_old_wcs_BRMQY.asdf",
       k11,
       "BRMQY",
       400,
       1,
       0,
       "float64",
       {1, 981, 2555},
       {4, 100},
       1,
       Names::none},
      {"asdf/test_tiled_dataset-1.0.0_dataset-1.0.0.asdf",
       kTiled0,
       "Kr0pn",
       18,
       9,
       179,
       "float64",
       {2, 2},
       {2},
       0,
       Names::random},
      {"asdf/test_tiled_dataset-1.3.0_dataset-1.2.0.asdf",
       kTiled3,
       "G6qg8",
       18,
       9,
       170,
       "float64",
       {2, 2},
       {2},
       0,
       Names::random},
      {"full_BEOGN/VISP_L1_20221024T194714_BEOGN_metadata.asdf.gz",
       k13,
       "BEOGN",
       4000,
       1,
       254,
       "float64",
       {1, 976, 2555},
       {4, 1000},
       1,
       Names::match},
  };
  return kAll;
}

AsdfBytes sample(std::string_view name) {
  return AsdfBytes(testing::content_of(*testing::samples() / "dkist" / name));
}

void compare_names(const DkistDataset& dataset, const Expected& expected) {
  if (expected.names == Names::none) return;
  const auto names = dataset.headers().column("FILENAME");
  if (!names) {
    EXPECT_EQ(expected.names, Names::random) << expected.file;
    return;
  }
  ASSERT_EQ(names->size(), dataset.frame_count());
  for (std::size_t i = 0; i < names->size(); ++i) {
    const bool same = names->at(i) == CellValue(std::string(dataset.frame_name(i)));
    EXPECT_EQ(same, expected.names == Names::match) << expected.file << " frame " << i;
  }
}

TEST(DkistSamples, EveryVersionReads) {
  NEEDS_SAMPLES();
  for (const Expected& expected : all_samples()) {
    AsdfBytes file = sample(expected.file);
    const auto dataset = DkistDataset::open(file.reader(), file.size());
    ASSERT_TRUE(dataset.has_value()) << expected.file << ": " << dataset.error().message;
    EXPECT_EQ(dataset->tag(), expected.tag) << expected.file;
    EXPECT_EQ(dataset->inventory("datasetId"), expected.id) << expected.file;
    EXPECT_EQ(dataset->frame_count(), expected.frames) << expected.file;
    EXPECT_EQ(dataset->groups().size(), expected.groups) << expected.file;
    EXPECT_EQ(dataset->headers().columns().size(), expected.columns) << expected.file;
    EXPECT_EQ(dataset->headers().rows(), expected.frames) << expected.file;
    EXPECT_EQ(dataset->headers_problem(), "") << expected.file;
    for (const DkistFrames& group : dataset->groups()) {
      EXPECT_EQ(group.datatype, expected.datatype) << expected.file;
      EXPECT_EQ(group.shape, expected.shape) << expected.file;
      EXPECT_EQ(group.files_shape, expected.files_shape) << expected.file;
      EXPECT_EQ(std::get<std::uint32_t>(group.target), expected.target) << expected.file;
    }
    compare_names(*dataset, expected);
  }
}

TEST(DkistSamples, EveryColumnReadsAndRowsAgreeWithThem) {
  NEEDS_SAMPLES();
  for (const Expected& expected : all_samples()) {
    AsdfBytes file = sample(expected.file);
    const auto dataset = DkistDataset::open(file.reader(), file.size());
    ASSERT_TRUE(dataset.has_value());
    const DkistHeaders& headers = dataset->headers();
    const std::uint64_t i = headers.rows() / 3;
    const auto row = headers.row(i);
    ASSERT_TRUE(row.has_value()) << row.error().message;
    EXPECT_EQ(row->empty(), expected.columns == 0);
    auto card = row->begin();
    for (const DkistColumn& column : headers.columns()) {
      const auto values = headers.column(column.name);
      ASSERT_TRUE(values.has_value())
          << expected.file << " " << column.name << ": " << values.error().message;
      EXPECT_EQ(values->type(), column.type) << column.name;
      if (card == row->end() || card->name != column.name) continue;
      EXPECT_EQ(card->value, values->at(i)) << expected.file << " " << column.name;
      ++card;
    }
    EXPECT_EQ(card, row->end()) << expected.file;
  }
}

TEST(DkistSamples, TheRowOfTheRealFrameIsItsHeader) {
  NEEDS_SAMPLES();
  AsdfBytes file = sample("full_BEOGN/VISP_L1_20221024T194714_BEOGN_metadata.asdf.gz");
  const auto dataset = DkistDataset::open(file.reader(), file.size());
  ASSERT_TRUE(dataset.has_value());
  ASSERT_EQ(dataset->frame_name(6), "VISP_2022_10_24T19_47_33_218_00630205_I_BEOGN_L1.fits");
  const auto row = dataset->headers().row(6);
  const auto value = [&](std::string_view name) {
    for (const HeaderCard& card : *row) {
      if (card.name == name) return card.value;
    }
    return CellValue(std::string("none"));
  };
  EXPECT_EQ(value("NAXIS1"), CellValue(std::int64_t{2555}));
  EXPECT_EQ(value("DTYPE4"), CellValue(std::string("STOKES")));
  EXPECT_EQ(value("DATASUM"), CellValue(std::string("3404696219")));  // the file's ZDATASUM
}

TEST(DkistSamples, OpeningAndOneColumnReadLittleOfALargeFile) {
  NEEDS_SAMPLES();
  AsdfBytes file = sample("full_BEOGN/VISP_L1_20221024T194714_BEOGN_metadata.asdf.gz");
  const auto dataset = DkistDataset::open(file.reader(), file.size());
  ASSERT_TRUE(dataset.has_value());
  EXPECT_LT(file.bytes_asked(), 700'000U);  // of 27 MB: the tree, and the index
  file.asked.clear();
  ASSERT_TRUE(dataset->headers().column("ATMOS_R0").has_value());
  EXPECT_LE(file.bytes_asked(), 4'000U * 8U + 54U);
  file.asked.clear();
  ASSERT_TRUE(dataset->headers().row(77).has_value());
  EXPECT_LT(file.bytes_asked(), 60'000U);
}

}  // namespace
}  // namespace astrofs
