// The reader of DKIST's ASDF files against those of the stand-in archive, which is another hand's writing of
// them.
#include <gtest/gtest.h>

#include "backends/format/dkist_dataset.h"
#include "tests/format/asdf_bytes.h"
#include "tests/support/dkist_asdf.h"
#include "tests/support/dkist_dataset.h"

namespace astrofs {
namespace {

using testing::AsdfBytes;

/// Enough for every instrument, generation of tags and form of texts.
constexpr int kDatasets = 24;

sim::DkistDataset made_up(int number) {
  sim::DkistOptions options;
  options.datasets = kDatasets;
  options.other_frames = 24;
  return sim::make_dataset(number, options);
}

CellValue cell_of(const sim::Field& field) {
  if (const auto* truth = std::get_if<bool>(&field)) return *truth;
  if (const auto* whole = std::get_if<std::int64_t>(&field)) return *whole;
  if (const auto* real = std::get_if<double>(&field)) return *real;
  return std::get<std::string>(field);
}

TEST(DkistSimAsdf, NamesShapesAndAxesAreReadAsTheyWereMeant) {
  for (int number = 0; number < kDatasets; ++number) {
    const sim::DkistDataset meant = made_up(number);
    AsdfBytes file(sim::asdf_file(meant));
    const auto dataset = DkistDataset::open(file.reader(), file.size());
    ASSERT_TRUE(dataset) << meant.id << ": " << dataset.error().message;
    ASSERT_EQ(dataset->frame_count(), meant.names->all.size());
    for (std::size_t frame = 0; frame < meant.names->all.size(); ++frame)
      EXPECT_EQ(dataset->frame_name(frame), meant.names->all[frame]);
    ASSERT_EQ(dataset->groups().size(), 1U);
    const DkistFrames& frames = dataset->groups()[0];
    EXPECT_EQ(frames.datatype, meant.single ? "float32" : "float64");
    EXPECT_EQ(frames.shape, (std::vector<std::uint64_t>{1, 24, 40}));
    EXPECT_EQ(frames.files_shape, std::vector<std::uint64_t>(meant.axes.begin(), meant.axes.end()));
    EXPECT_EQ(frames.target, (std::variant<std::uint32_t, std::string>(1U)));
  }
}

TEST(DkistSimAsdf, EveryCellIsTheRowsOrIsMissing) {
  for (const int number : {0, 1, 2, 3}) {
    const sim::DkistDataset meant = made_up(number);
    AsdfBytes file(sim::asdf_file(meant));
    const auto dataset = DkistDataset::open(file.reader(), file.size());
    ASSERT_TRUE(dataset) << dataset.error().message;
    std::size_t missing = 0;
    for (int frame = 0; frame < meant.frames(); frame += 3) {
      for (const auto& [name, field] : sim::row_of(meant, frame)) {
        const auto column = dataset->headers().column(name);
        ASSERT_TRUE(column) << name << ": " << column.error().message;
        const auto at = static_cast<std::size_t>(frame);
        if (std::holds_alternative<std::monostate>(field)) {
          EXPECT_TRUE(column->missing[at]) << name;
          ++missing;
          continue;
        }
        EXPECT_FALSE(column->missing[at]) << name;
        EXPECT_EQ(column->at(at), cell_of(field)) << name;
      }
    }
    EXPECT_TRUE(missing > 0 || number != 0) << "some seeing is masked";
  }
}

TEST(DkistSimAsdf, TheInventorySaysWhatTheRecordSays) {
  for (int number = 0; number < kDatasets; ++number) {
    const sim::DkistDataset meant = made_up(number);
    AsdfBytes file(sim::asdf_file(meant));
    const auto dataset = DkistDataset::open(file.reader(), file.size());
    ASSERT_TRUE(dataset) << dataset.error().message;
    for (const auto& [name, field] : sim::record_of(meant)) {
      if (name == "status" || name == "isDownloadable" || name == "updateDate") continue;
      if (const auto* text = std::get_if<std::string>(&field)) {
        EXPECT_EQ(dataset->inventory(name), *text) << meant.id << ' ' << name;
      }
      if (std::holds_alternative<std::monostate>(field)) {
        EXPECT_EQ(dataset->inventory(name), "") << name;
      }
    }
  }
}

}  // namespace
}  // namespace astrofs
