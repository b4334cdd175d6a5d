#include "tests/support/dkist_frame.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <span>

#include "tests/support/fits_cards.h"
#include "tests/support/gzip.h"

namespace astrofs::sim {
namespace {

constexpr std::uint64_t kHeaderBytes = 4 * kFitsBlock;  ///< room for 143 cards; a row has fewer than 70
constexpr int kTileRows = 8;
constexpr std::uint64_t kDescriptor = 8;  ///< 1PB: two 32-bit numbers

std::uint64_t pixel_bytes(const DkistDataset& dataset) {
  return dataset.single ? 4 : 8;
}

std::uint64_t tiles_of(const DkistDataset& dataset) {
  return static_cast<std::uint64_t>((dataset.rows + kTileRows - 1) / kTileRows);
}

template <class Word>
void append_big_endian(std::string& out, Word word) {
  for (std::size_t shift = 8 * sizeof word; shift > 0; shift -= 8)
    out += static_cast<char>(word >> (shift - 8));
}

/// Rows `first` to `last`: a spectrum with a line in it and noise, in steps of 1/64 so that it packs.
std::string pixels(const DkistDataset& dataset, std::uint64_t seed, int first, int last) {
  std::string out;
  out.reserve(static_cast<std::size_t>(last - first) * static_cast<std::size_t>(dataset.columns) *
              pixel_bytes(dataset));
  for (int row = first; row < last; ++row) {
    std::uint64_t noise = seed + static_cast<std::uint64_t>(row) * 0x9E3779B97F4A7C15U;
    const int line = std::min(40, std::abs(row - dataset.rows / 2) * 3);
    for (int column = 0; column < dataset.columns; ++column) {
      noise = noise * 6364136223846793005U + 1442695040888963407U;
      const double value =
          100 + line + static_cast<double>(column % 32) / 4 + static_cast<double>(noise >> 59U) / 64;
      if (dataset.single) {
        append_big_endian(out, std::bit_cast<std::uint32_t>(static_cast<float>(value)));
      } else {
        append_big_endian(out, std::bit_cast<std::uint64_t>(value));
      }
    }
  }
  return out;
}

std::uint64_t seed_of(const DkistDataset& dataset, std::string_view name) {
  return scatter(name, static_cast<std::uint64_t>(dataset.pixels_version));
}

/// Table, heap and padding of a frame. What the tiles leave of it is a part of the heap that nothing points
/// at.
std::uint64_t data_bytes(const DkistDataset& dataset, std::string_view name) {
  const std::uint64_t image = static_cast<std::uint64_t>(dataset.rows) *
                              static_cast<std::uint64_t>(dataset.columns) * pixel_bytes(dataset);
  const std::uint64_t most = image + image / 1000 + tiles_of(dataset) * (kDescriptor + kGzipFrame);
  return padded(most) + kFitsBlock * (seed_of(dataset, name) % 4);  // sizes differ, as real ones do
}

struct Table {
  std::string data;
  std::uint64_t longest{0};  ///< packed tile
  std::uint32_t pixel_sum{0};
};

std::uint32_t folded(std::uint64_t sum) {
  while ((sum >> 32U) != 0) sum = (sum & 0xFFFFFFFFU) + (sum >> 32U);
  return static_cast<std::uint32_t>(sum);
}

Table table_of(const DkistDataset& dataset, std::string_view name) {
  Table table;
  std::string heap;
  std::uint64_t sum = 0;
  for (int row = 0; row < dataset.rows; row += kTileRows) {
    const std::string plain =
        pixels(dataset, seed_of(dataset, name), row, std::min(row + kTileRows, dataset.rows));
    sum += word_sum(plain);
    const std::string packed = gzip(plain);
    append_big_endian(table.data, static_cast<std::uint32_t>(packed.size()));
    append_big_endian(table.data, static_cast<std::uint32_t>(heap.size()));
    table.longest = std::max<std::uint64_t>(table.longest, packed.size());
    heap += packed;
  }
  table.data += heap;
  const std::uint64_t bytes = data_bytes(dataset, name);
  assert(table.data.size() <= bytes);
  table.data.resize(static_cast<std::size_t>(bytes), '\0');
  table.pixel_sum = folded(sum);
  return table;
}

void add_field(CardList& cards, const std::string& keyword, const Field& field) {
  if (const auto* truth = std::get_if<bool>(&field)) cards.add(keyword, *truth ? "T" : "F");
  if (const auto* number = std::get_if<std::int64_t>(&field)) cards.add(keyword, std::to_string(*number));
  if (const auto* text = std::get_if<std::string>(&field)) cards.add_text(keyword, *text);
  if (const auto* number = std::get_if<double>(&field)) {
    std::string digits = fmt::format("{}", *number);
    if (digits.find_first_of(".e") == std::string::npos) digits += ".0";
    std::ranges::replace(digits, 'e', 'E');
    cards.add(keyword, digits);
  }
}

/// Of the compressed image: what describes the table, and behind Z what described the image.
void add_structure(CardList& cards, const DkistDataset& dataset, const Table& table) {
  const std::uint64_t descriptors = tiles_of(dataset) * kDescriptor;
  cards.add("XTENSION", "'BINTABLE'          ", "binary table extension");
  cards.add("BITPIX", "8");
  cards.add("NAXIS", "2");
  cards.add("NAXIS1", std::to_string(kDescriptor), "width of table in bytes");
  cards.add("NAXIS2", std::to_string(tiles_of(dataset)), "number of rows in table");
  cards.add("PCOUNT", std::to_string(table.data.size() - descriptors), "heap");
  cards.add("GCOUNT", "1");
  cards.add("TFIELDS", "1");
  cards.add_text("TTYPE1", "COMPRESSED_DATA");
  cards.add_text("TFORM1", fmt::format("1PB({})", table.longest));
  cards.add("ZIMAGE", "T", "extension contains compressed image");
  cards.add_text("ZTENSION", "IMAGE");
  cards.add("ZBITPIX", dataset.single ? "-32" : "-64");
  cards.add("ZNAXIS", "3");
  cards.add("ZNAXIS1", std::to_string(dataset.columns));
  cards.add("ZNAXIS2", std::to_string(dataset.rows));
  cards.add("ZNAXIS3", "1");
  cards.add("ZPCOUNT", "0");
  cards.add("ZGCOUNT", "1");
  cards.add("ZTILE1", std::to_string(dataset.columns));
  cards.add("ZTILE2", std::to_string(kTileRows));
  cards.add("ZTILE3", "1");
  cards.add_text("ZCMPTYPE", "GZIP_1", "compression algorithm");
  cards.add_text("ZQUANTIZ", "NONE", "the pixels as they are");
  cards.add_text("ZDATASUM", std::to_string(table.pixel_sum), "of the image before it was compressed");
}

bool describes_the_image(std::string_view keyword) {
  return keyword == "XTENSION" || keyword == "BITPIX" || keyword.starts_with("NAXIS") ||
         keyword == "PCOUNT" || keyword == "GCOUNT" || keyword == "DATASUM";
}

std::string file_of(const DkistDataset& dataset, std::string_view name, const Row& row) {
  CardList primary;
  primary.add("SIMPLE", "T", "conforms to FITS standard");
  primary.add("BITPIX", "8");
  primary.add("NAXIS", "0");
  primary.add("EXTEND", "T");
  const Table table = table_of(dataset, name);
  CardList cards;
  add_structure(cards, dataset, table);
  for (const auto& [keyword, field] : row) {
    if (!describes_the_image(keyword)) add_field(cards, keyword, field);
  }
  return primary.finish(kFitsBlock, 0) + cards.finish(kHeaderBytes, word_sum(table.data)) + table.data;
}

}  // namespace

std::uint64_t frame_size(const DkistDataset& dataset, int frame) {
  return kFitsBlock + kHeaderBytes + data_bytes(dataset, dataset.names->all[static_cast<std::size_t>(frame)]);
}

std::uint32_t pixels_sum(const DkistDataset& dataset, int frame) {
  const std::string& name = dataset.names->all[static_cast<std::size_t>(frame)];
  return folded(word_sum(pixels(dataset, seed_of(dataset, name), 0, dataset.rows)));
}

std::string frame_file(const DkistDataset& dataset, int frame) {
  return file_of(dataset, dataset.names->all[static_cast<std::size_t>(frame)], row_of(dataset, frame));
}

std::string extra_file(const DkistDataset& dataset) {
  return file_of(dataset, dataset.extra_name(), {{"EXTNAME", std::string("dark")}, {"DSETID", dataset.id}});
}

std::string movie_file(const DkistDataset& dataset) {
  std::string file(
      "\0\0\0\x18"
      "ftypisom\0\0\2\0isomiso2",
      24);  // the first box of an MP4
  return file + fmt::format("made-up movie of {}, revision {}\n", dataset.id, dataset.revision);
}

std::string report_file(const DkistDataset& dataset) {
  return fmt::format("%PDF-1.4\n% made-up quality report of {}, revision {}\n%%EOF\n", dataset.id,
                     dataset.revision);
}

std::string report_document(const DkistDataset& dataset) {
  return fmt::format("{{\"datasetId\": \"{}\", \"metrics\": []}}\n", dataset.id);
}

}  // namespace astrofs::sim
