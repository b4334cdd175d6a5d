// The container: where blocks are, what is believed of them, and what is not.
#include "backends/format/asdf_blocks.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "backends/format/asdf_tree.h"
#include "tests/format/asdf_bytes.h"
#include "tests/support/asdf_writer.h"

namespace astrofs {
namespace {

using sim::AsdfIndex;
using sim::AsdfPacking;
using sim::AsdfWriter;
using testing::AsdfBytes;

/// The data of a block, or the name of what went wrong.
std::string data_of(AsdfBytes& file, std::int64_t number, std::uint64_t offset = 0,
                    std::uint64_t length = UINT64_MAX) {
  const auto open = open_asdf(file.reader(), file.size());
  if (!open) return std::string(name_of(open.error().code));
  const auto block = open->blocks->block(number);
  if (!block) return std::string(name_of(block.error().code));
  if (length == UINT64_MAX && block->size > 1'000'000) return "too much";
  std::string out(std::min(length, block->size), '\0');
  const auto read = open->blocks->read(*block, offset, std::as_writable_bytes(std::span(out)));
  return read ? out : std::string(name_of(read.error().code));
}

std::string noise(std::size_t length, unsigned seed) {
  std::mt19937 random(seed);
  std::string out;
  for (std::size_t i = 0; i < length; ++i) out += static_cast<char>(random() % 7 == 0 ? random() % 256 : 'a');
  return out;
}

AsdfWriter three_blocks() {
  AsdfWriter writer;
  writer.add_block("first");
  writer.add_block(noise(5'000, 1));
  writer.add_block("third", {.spare = 100});
  writer.add_block("last");
  return writer;
}

TEST(AsdfBlocks, FindsEveryBlockWhateverTheIndexSays) {
  const AsdfWriter writer = three_blocks();
  for (const AsdfIndex index :
       {AsdfIndex::right, AsdfIndex::none, AsdfIndex::shifted, AsdfIndex::middle_wrong, AsdfIndex::flow}) {
    for (const std::size_t padding : {0U, 600U, 300'000U}) {
      AsdfBytes file(writer.file("a: 1\n", index, std::string(padding, ' ')));
      EXPECT_EQ(data_of(file, 0), "first");
      EXPECT_EQ(data_of(file, 1), noise(5'000, 1));
      EXPECT_EQ(data_of(file, 2), "third");
      EXPECT_EQ(data_of(file, 3), "last");
      EXPECT_EQ(data_of(file, -1), "last");
      EXPECT_EQ(data_of(file, -4), "first");
      EXPECT_EQ(data_of(file, 4), "corrupt");
      EXPECT_EQ(data_of(file, -5), "corrupt");
    }
  }
}

TEST(AsdfBlocks, WithARightIndexOnlyTheBlockThatIsWantedIsRead) {
  AsdfWriter writer;
  for (int i = 0; i < 50; ++i) writer.add_block(noise(100'000, 3));
  AsdfBytes file(writer.file("a: 1\n"));
  EXPECT_EQ(data_of(file, 25), noise(100'000, 3));
  EXPECT_LT(file.bytes_asked(), 600'000U);  // head, tail, and that block
  EXPECT_LT(file.asked.size(), 10U);
}

TEST(AsdfBlocks, AnIndexThatLiesInTheMiddleIsNoticedWhenItIsUsed) {
  AsdfBytes file(three_blocks().file("a: 1\n", AsdfIndex::middle_wrong));
  const auto open = open_asdf(file.reader(), file.size());
  ASSERT_TRUE(open.has_value());
  const auto block = open->blocks->block(1);  // its own entry is right, the next is not
  ASSERT_TRUE(block.has_value());
  EXPECT_EQ(block->size, 5'000U);
  EXPECT_EQ(open->blocks->block(2)->size, 5U);
}

TEST(AsdfBlocks, AnIndexThatLeavesABlockOutIsNotBelieved) {
  AsdfBytes first(three_blocks().file("a: 1\n", AsdfIndex::without_first));
  EXPECT_EQ(data_of(first, 0), "first");
  EXPECT_EQ(data_of(first, 2), "third");
  AsdfBytes second(three_blocks().file("a: 1\n", AsdfIndex::without_second));
  EXPECT_EQ(data_of(second, 0), "first");
  EXPECT_EQ(data_of(second, 3), "last");
  const auto open = open_asdf(second.reader(), second.size());
  ASSERT_TRUE(open->blocks->block(0).has_value());  // the gap is behind it
  EXPECT_EQ(open->blocks->block(1)->size, 5'000U);
}

TEST(AsdfBlocks, DecodesEveryPacking) {
  const std::string data = noise(300'000, 2);
  for (const AsdfPacking packing :
       {AsdfPacking::none, AsdfPacking::zlib, AsdfPacking::bzp2, AsdfPacking::lz4}) {
    for (const bool of_packed : {false, true}) {
      AsdfWriter writer;
      writer.add_block(data, {.packing = packing, .md5_of_packed = of_packed});
      AsdfBytes file(writer.file("a: 1\n"));
      EXPECT_EQ(data_of(file, 0), data);
      EXPECT_EQ(data_of(file, 0, 12'345, 1'000), data.substr(12'345, 1'000));
      EXPECT_EQ(data_of(file, 0, data.size() - 5, 5), data.substr(data.size() - 5));
      EXPECT_EQ(data_of(file, 0, data.size() - 4, 5), "corrupt");
    }
  }
}

TEST(AsdfBlocks, ComparesTheMd5OfWhatIsReadInFull) {
  for (const AsdfPacking packing :
       {AsdfPacking::none, AsdfPacking::zlib, AsdfPacking::bzp2, AsdfPacking::lz4}) {
    AsdfWriter writer;
    writer.add_block(noise(2'000, 4), {.packing = packing});
    AsdfBytes file(writer.file("a: 1\n"));
    file.content[file.content.find("BLK") + 40] ^= 1;  // in the MD5
    EXPECT_EQ(data_of(file, 0), "corrupt");
    EXPECT_EQ(data_of(file, 0, 0, 100), noise(2'000, 4).substr(0, 100));
  }
  AsdfWriter without;
  without.add_block("data", {.md5 = false});
  AsdfBytes file(without.file("a: 1\n"));
  EXPECT_EQ(data_of(file, 0), "data");
}

TEST(AsdfBlocks, AStreamedBlockGoesOnToTheEnd) {
  AsdfWriter writer;
  writer.add_block("one");
  writer.add_block("to the end", {.streamed = true});
  AsdfBytes file(writer.file("a: 1\n", AsdfIndex::none));
  EXPECT_EQ(data_of(file, 0), "one");
  EXPECT_EQ(data_of(file, 1), "to the end");
  EXPECT_EQ(data_of(file, 2), "corrupt");
}

TEST(AsdfBlocks, RefusesAPackingThatItDoesNotKnow) {
  AsdfWriter writer;
  writer.add_block("data", {.fourcc = "zstd"});
  AsdfBytes file(writer.file("a: 1\n"));
  EXPECT_EQ(data_of(file, 0), "unsupported");
}

TEST(AsdfBlocks, NoByteOfAHeaderCanMakeItReadWhatIsNotThere) {
  AsdfWriter writer;
  writer.add_block(noise(3'000, 5), {.packing = AsdfPacking::zlib});
  writer.add_block(noise(3'000, 6));
  const std::string whole = writer.file("a: 1\n");
  const std::size_t first = whole.find(
      "\xD3"
      "BLK");
  const std::size_t second = whole.find(
      "\xD3"
      "BLK",
      first + 1);
  for (const std::size_t block : {first, second}) {
    for (std::size_t i = 0; i < 54; ++i) {
      for (const char value : {'\0', '\x01', '\x7F', '\xFF'}) {
        AsdfBytes file(whole);
        file.content[block + i] = value;
        for (const std::int64_t number : {0, 1}) EXPECT_LE(data_of(file, number).size(), whole.size());
      }
    }
  }
}

TEST(AsdfBlocks, AFileThatWasCutHasItsFirstBlocksAndAnErrorForTheRest) {
  const std::string whole = three_blocks().file("a: 1\n");
  const std::size_t third = whole.find("third");
  AsdfBytes file(whole.substr(0, third + 2));
  EXPECT_EQ(data_of(file, 0), "first");
  EXPECT_EQ(data_of(file, 1), noise(5'000, 1));
  EXPECT_EQ(data_of(file, 2), "corrupt");
  for (std::size_t cut = 0; cut < whole.size(); cut += 7) {
    AsdfBytes part(whole.substr(0, cut));
    const std::string data = data_of(part, 0);
    EXPECT_TRUE(data == "first" || data == "corrupt") << cut;
  }
}

TEST(AsdfBlocks, ABombOfCompressionCostsNoMoreThanWhatIsAskedOfIt) {
  AsdfWriter writer;
  writer.add_block(std::string(30 << 20, 'x'), {.packing = AsdfPacking::bzp2, .md5 = false});
  AsdfBytes file(writer.file("a: 1\n"));
  EXPECT_LT(file.size(), 100'000U);
  EXPECT_EQ(data_of(file, 0, 0, 10), "xxxxxxxxxx");
}

TEST(AsdfBlocks, PassesOnTheErrorOfTheReader) {
  AsdfBytes file(three_blocks().file("a: 1\n"));
  for (int good = 0; good < 4; ++good) {
    int left = good;
    const ReadAt failing = [&, inner = file.reader()](std::uint64_t offset,
                                                      std::span<std::byte> into) -> Result<void> {
      if (left-- == 0) return fail(Errc::timed_out, "slow");
      return inner(offset, into);
    };
    const auto open = open_asdf(failing, file.size());
    ASSERT_FALSE(open.has_value());
    EXPECT_EQ(open.error().code, Errc::timed_out);
  }
}

TEST(AsdfTree, RefusesWhatIsNoAsdf) {
  const auto refused = [](std::string content) {
    AsdfBytes file(std::move(content));
    const auto open = open_asdf(file.reader(), file.size());
    return open ? Errc::internal : open.error().code;
  };
  EXPECT_EQ(refused(""), Errc::corrupt);
  EXPECT_EQ(refused("<html>log in</html>"), Errc::corrupt);
  EXPECT_EQ(refused("#ASDF 1.0.0\n%YAML 1.1\n---\na: 1\n"), Errc::corrupt);
  EXPECT_EQ(refused("#ASDF 1.0.0\n%YAML 1.1\n---\na: [1\n...\n"), Errc::corrupt);
  EXPECT_EQ(refused("#ASDF 1.0.0\n---\n" + std::string(65 << 20, '#')), Errc::too_large);
}

TEST(AsdfTree, ReadsLineEndsOfBothKindsAndAFileWithoutBlocks) {
  for (const char* text : {"#ASDF 1.0.0\n---\na: 1\n...\n", "#ASDF 1.0.0\r\n---\r\na: 1\r\n...\r\n",
                           "#ASDF 1.0.0\n---\na: 1\n..."}) {
    AsdfBytes file(text);
    const auto open = open_asdf(file.reader(), file.size());
    ASSERT_TRUE(open.has_value()) << open.error().message;
    EXPECT_EQ(open->tree.root()["a"].integer(), 1);
    EXPECT_FALSE(open->blocks->block(0).has_value());
  }
}

TEST(AsdfTree, ReadsATreeThatIsLongerThanOnePiece) {
  std::string tree = "list:\n";
  for (int i = 0; i < 50'000; ++i) tree += "- frame_" + std::to_string(i) + ".fits\n";
  AsdfBytes file(three_blocks().file(tree));
  const auto open = open_asdf(file.reader(), file.size());
  ASSERT_TRUE(open.has_value());
  EXPECT_EQ(open->tree.root()["list"].at(49'999).text(), "frame_49999.fits");
}

}  // namespace
}  // namespace astrofs
