#include "tests/support/dkist_asdf.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>

#include "base/bytes.h"
#include "base/hash.h"

namespace astrofs::sim {
namespace {

std::uint64_t big_endian(std::string_view text) {
  std::uint64_t value = 0;
  for (const char c : text) value = value << 8U | static_cast<unsigned char>(c);
  return value;
}

/// Just enough to look at what was written: offsets from the index, columns by the layout of the head.
class WrittenAsdf {
 public:
  explicit WrittenAsdf(std::string file)
      : file_(std::move(file)), head_(file_.substr(0, file_.find("\n...\n") + 5)) {
    std::size_t line = file_.rfind("#ASDF BLOCK INDEX\n%YAML 1.1\n---\n");
    EXPECT_NE(line, std::string::npos);
    line += 32;
    for (; file_.compare(line, 2, "- ") == 0; line = file_.find('\n', line) + 1)
      offsets_.push_back(std::stoul(file_.substr(line + 2)));
    EXPECT_EQ(file_.substr(line), "...\n");
  }
  [[nodiscard]] const std::string& head() const { return head_; }
  [[nodiscard]] const std::vector<std::size_t>& offsets() const { return offsets_; }
  [[nodiscard]] std::string_view header(std::size_t block) const {
    return std::string_view(file_).substr(offsets_[block], 54);
  }
  [[nodiscard]] std::string_view block(std::size_t block) const {
    return std::string_view(file_).substr(offsets_[block] + 54, big_endian(header(block).substr(22, 8)));
  }
  /// What stands in the head for a column.
  [[nodiscard]] std::string column(const std::string& name) const {
    const auto end = head_.find("\n        name: " + name + "\n");
    EXPECT_NE(end, std::string::npos) << name;
    return head_.substr(head_.rfind("      - !", end), end - head_.rfind("      - !", end));
  }
  [[nodiscard]] std::string_view values(const std::string& name) const {
    const std::string text = column(name);
    return block(std::stoul(text.substr(text.find("source: ") + 8)));
  }
  [[nodiscard]] std::string_view mask(const std::string& name) const {
    const std::string text = column(name);
    const auto at = text.find("mask: ");
    return at == std::string::npos ? std::string_view{}
                                   : block(std::stoul(text.substr(text.find("source: ", at) + 8)));
  }

 private:
  std::string file_, head_;
  std::vector<std::size_t> offsets_;
};

DkistDataset dataset(int number, int frames) {
  DkistOptions options;
  options.datasets = 12;
  options.frames = frames;
  return make_dataset(number, options);
}

TEST(DkistAsdf, HasBlocksOneBehindTheOtherWithTheirSums) {
  const WrittenAsdf file(asdf_file(dataset(0, 40)));
  std::size_t next = file.head().size();
  ASSERT_GT(file.offsets().size(), 30U);
  for (std::size_t block = 0; block < file.offsets().size(); ++block) {
    EXPECT_EQ(file.offsets()[block], next);
    EXPECT_EQ(file.header(block).substr(0, 4),
              "\xD3"
              "BLK");
    EXPECT_EQ(big_endian(file.header(block).substr(4, 2)), 48U);
    StreamDigest md5(DigestKind::md5);
    md5.add(as_bytes(file.block(block)));
    EXPECT_EQ(to_hex(as_bytes(file.header(block).substr(38, 16))), md5.hex());
    next += 54 + file.block(block).size();
  }
}

TEST(DkistAsdf, NamesTheFramesOfItsRowsInOrder) {
  const DkistDataset beogn = dataset(0, 40);
  const WrittenAsdf file(asdf_file(beogn));
  const std::string_view names = file.values("FILENAME");
  const std::size_t width = names.size() / 40;
  std::size_t at = 0;
  for (int frame = 0; frame < 40; ++frame) {
    const std::string& name = beogn.names->all[static_cast<std::size_t>(frame)];
    std::string read;
    for (std::size_t letter = 0; letter < width; letter += 4) {
      const char c = names[static_cast<std::size_t>(frame) * width + letter];
      if (c != '\0') read += c;
    }
    EXPECT_EQ(read, name);
    at = file.head().find(name, at);
    ASSERT_NE(at, std::string::npos) << "fileuris are in another order";
  }
}

TEST(DkistAsdf, MasksTheSeeingWhereThereIsNoLock) {
  const DkistDataset beogn = dataset(0, 80);
  const WrittenAsdf file(asdf_file(beogn));
  const std::string_view locked = file.values("AO_LOCK");
  const std::string_view mask = file.mask("ATMOS_R0");
  const std::string_view seeing = file.values("ATMOS_R0");
  ASSERT_EQ(locked.size(), 80U);
  ASSERT_EQ(mask.size(), 80U);
  int absurd = 0, missing = 0;
  for (std::size_t row = 0; row < 80; ++row) {
    double value = 0;
    std::memcpy(&value, seeing.data() + 8 * row, 8);
    if (mask[row] != 0) {
      ++missing;
    } else if (value > 1) {
      ++absurd;
    } else {
      EXPECT_TRUE(value >= 0.05 && value <= 0.25) << value;
      EXPECT_EQ(locked[row], 1);
      continue;
    }
    EXPECT_EQ(locked[row], 0);
  }
  EXPECT_GT(absurd, 0);
  EXPECT_GT(missing, 0);
}

TEST(DkistAsdf, HasOneTwoAndThreeAxesOfFiles) {
  EXPECT_NE(asdf_file(dataset(0, 8)).find("    fileuris:\n    - [VISP_"), std::string::npos);
  EXPECT_NE(asdf_file(dataset(1, 8)).find("    fileuris: [VBI_"), std::string::npos);
  EXPECT_NE(asdf_file(dataset(2, 8)).find("    fileuris:\n    - - [CRYO-NIRSP_"), std::string::npos);
}

TEST(DkistAsdf, WritesTextsAsPyYamlDoes) {
  EXPECT_EQ(yaml_text("pid_1_123/BEOGN/BEOGN.mp4", 0, 0), "pid_1_123/BEOGN/BEOGN.mp4");
  EXPECT_EQ(yaml_text("(233.36,-368.86),(202.9,-503.94)", 0, 0), "(233.36,-368.86),(202.9,-503.94)");
  EXPECT_EQ(yaml_text("3.6.0", 0, 0), "3.6.0");
  EXPECT_EQ(yaml_text("4.8", 0, 0), "'4.8'");
  EXPECT_EQ(yaml_text("2022-10-24T19:48:14.002", 0, 0), "'2022-10-24T19:48:14.002'");
  EXPECT_EQ(yaml_text("it's: so", 0, 0), "'it''s: so'");
  EXPECT_EQ(yaml_text("null", 0, 0), "'null'");
  EXPECT_EQ(yaml_text("", 0, 0), "''");
  EXPECT_EQ(yaml_text("\xC3\x89tude \"A\"", 0, 0), "\"\\xC9tude \\\"A\\\"\"");
  EXPECT_EQ(yaml_flow({"aaa", "bbb"}, 75, 4), "[aaa,\n    bbb]");
}

TEST(DkistAsdf, IsTheSameEveryTimeAndAnotherAfterAnUpdate) {
  DkistDataset beogn = dataset(0, 16);
  const std::string first = asdf_file(beogn);
  EXPECT_EQ(asdf_file(dataset(0, 16)), first);
  ++beogn.revision;
  EXPECT_NE(asdf_file(beogn), first);
}

}  // namespace
}  // namespace astrofs::sim
