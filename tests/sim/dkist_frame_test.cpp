#include "tests/support/dkist_frame.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <set>

#include "tests/support/fits_cards.h"

namespace astrofs::sim {
namespace {

DkistDataset dataset(int number) {
  DkistOptions options;
  options.datasets = 12;
  options.frames = 40;
  return make_dataset(number, options);
}

std::uint32_t folded(std::uint64_t sum) {
  while ((sum >> 32U) != 0) sum = (sum & 0xFFFFFFFFU) + (sum >> 32U);
  return static_cast<std::uint32_t>(sum);
}

/// The value of a card of the second header, as it stands there.
std::string card(const std::string& file, const std::string& keyword) {
  std::string start = keyword;
  start.resize(8, ' ');
  for (std::size_t at = kFitsBlock; file.compare(at, 8, "END     ") != 0; at += kCard) {
    if (file.compare(at, 10, start + "= ") == 0) return file.substr(at + 10, 20);
  }
  return "";
}

std::uint32_t word(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint32_t>(word_sum(bytes.substr(at, 4)));
}

TEST(DkistFrame, HasExactlyTheSizeThatIsPromised) {
  const DkistDataset beogn = dataset(0);
  std::set<std::uint64_t> sizes;
  for (int frame = 0; frame < beogn.frames(); ++frame) {
    EXPECT_EQ(frame_file(beogn, frame).size(), frame_size(beogn, frame));
    EXPECT_EQ(frame_size(beogn, frame) % kFitsBlock, 0U);
    sizes.insert(frame_size(beogn, frame));
  }
  EXPECT_GT(sizes.size(), 2U) << "frames of one dataset differ in size";
}

TEST(DkistFrame, HasValidChecksums) {
  for (const int number : {0, 1, 2, 3}) {
    const std::string file = frame_file(dataset(number), 1);
    EXPECT_EQ(folded(word_sum(std::string_view(file).substr(0, kFitsBlock))), 0xFFFFFFFFU);
    EXPECT_EQ(folded(word_sum(std::string_view(file).substr(kFitsBlock))), 0xFFFFFFFFU);
  }
}

TEST(DkistFrame, ItsTilesUnpackToTheImageWhoseSumTheRowGives) {
  const DkistDataset beogn = dataset(0);
  const std::string file = frame_file(beogn, 5);
  std::size_t data = kFitsBlock;
  while (file.compare(data, 8, "END     ") != 0) data += kCard;
  data = static_cast<std::size_t>(padded(data + kCard));
  const std::string_view table = std::string_view(file).substr(data);
  const std::size_t rows = std::stoul(card(file, "NAXIS2"));
  std::string image;
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t length = word(table, 8 * row);
    std::string packed(table.substr(8 * rows + word(table, 8 * row + 4), length));
    std::string plain(1U << 16U, '\0');
    z_stream stream{};
    ASSERT_EQ(::inflateInit2(&stream, 15 + 16), Z_OK);
    stream.next_in = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_in = static_cast<uInt>(packed.size());
    stream.next_out = reinterpret_cast<Bytef*>(plain.data());
    stream.avail_out = static_cast<uInt>(plain.size());
    EXPECT_EQ(::inflate(&stream, Z_FINISH), Z_STREAM_END);
    image += plain.substr(0, stream.total_out);
    ::inflateEnd(&stream);
  }
  EXPECT_EQ(image.size(), 24U * 40U * 8U);
  EXPECT_EQ(folded(word_sum(image)), pixels_sum(beogn, 5));
  EXPECT_EQ(card(file, "ZDATASUM").substr(1, std::to_string(pixels_sum(beogn, 5)).size()),
            std::to_string(pixels_sum(beogn, 5)));
}

TEST(DkistFrame, SaysInItsHeaderWhatItsRowSays) {
  const DkistDataset beogn = dataset(0);
  const std::string first = frame_file(beogn, 0);
  EXPECT_NE(first.find("FILENAME= '" + beogn.names->all[0] + "'"), std::string::npos);
  EXPECT_NE(card(first, "ATMOS_R0"), "");
  EXPECT_EQ(card(first, "DINDEX4"), "                   1");
  EXPECT_EQ(card(frame_file(beogn, 39), "DINDEX4"), "                   4");
  // Step 8 of ten is without a lock, and even: there the card is left out.
  EXPECT_EQ(card(frame_file(beogn, 8), "ATMOS_R0"), "");
}

TEST(DkistFrame, IsTheSameEveryTimeUntilItIsWrittenAnew) {
  DkistDataset beogn = dataset(0);
  const std::string file = frame_file(beogn, 3);
  EXPECT_EQ(frame_file(dataset(0), 3), file);
  EXPECT_NE(frame_file(beogn, 4), file);
  ++beogn.pixels_version;
  EXPECT_NE(frame_file(beogn, 3), file);
}

}  // namespace
}  // namespace astrofs::sim
