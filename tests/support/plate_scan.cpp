#include "tests/support/plate_scan.h"

#include <array>
#include <vector>

#include "tests/support/fits_cards.h"

namespace astrofs::sim {
namespace {

/// A prime: rows of any usual width do not fall on each other.
constexpr std::size_t kPeriod = 65521;

struct Words {
  std::vector<std::uint32_t> word;
  std::vector<std::uint64_t> sum_before;  ///< one more than words
};

const Words& words() {
  static const Words made = [] {
    Words words;
    words.sum_before.push_back(0);
    std::uint64_t state = 0x9E3779B97F4A7C15U;
    for (std::size_t i = 0; i < kPeriod; ++i) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      // Two pixels of fog, as bytes that differ: neither is near the blank value.
      const auto high = static_cast<std::uint32_t>(0x2000U + ((state >> 20) & 0xFFFU));
      const auto low = static_cast<std::uint32_t>(0x2000U + ((state >> 40) & 0xFFFU));
      words.word.push_back(high << 16 | low);
      words.sum_before.push_back(words.sum_before.back() + words.word.back());
    }
    return words;
  }();
  return made;
}

std::size_t start_of(const PlateScan& scan) {
  constexpr std::size_t kStep = 7919;
  return static_cast<std::size_t>(scan.scan_id) * kStep % kPeriod;
}

std::uint64_t pixel_bytes(const PlateScan& scan) {
  return std::uint64_t{2} * scan.width * scan.height;
}

std::uint64_t data_sum(const PlateScan& scan) {
  const std::uint64_t count = pixel_bytes(scan) / 4;
  const std::vector<std::uint64_t>& before = words().sum_before;
  const std::size_t start = start_of(scan);
  const auto rest = static_cast<std::size_t>(count % kPeriod);
  std::uint64_t sum = count / kPeriod * before.back();
  const std::size_t end = start + rest;
  sum += end <= kPeriod ? before[end] - before[start] : before.back() - before[start] + before[end - kPeriod];
  return sum;
}

}  // namespace

std::string scan_header(const PlateScan& scan) {
  CardList cards;
  cards.add("SIMPLE", "T", "file conforms to FITS standard");
  cards.add("BITPIX", "16");
  cards.add("NAXIS", "2");
  cards.add("NAXIS1", std::to_string(scan.width));
  cards.add("NAXIS2", std::to_string(scan.height));
  cards.add("EXTEND", "T");
  cards.add("BSCALE", "1");
  cards.add("BZERO", "32768");
  cards.add_text("TELESCOP", scan.telescope);
  cards.add_text("DATEORIG", scan.date);
  cards.add_text("OBJECT", scan.object);
  cards.add_text("PLATENUM", scan.plate_number);
  cards.add("SCANRES1", "2400", "[in-1] scan resolution");
  cards.add("SCANRES2", "2400", "[in-1] scan resolution");
  cards.add_text("FILENAME", scan.file_name);
  return cards.finish(0, data_sum(scan));
}

std::uint64_t scan_size(const PlateScan& scan) {
  return scan_header(scan).size() + padded(pixel_bytes(scan));
}

void read_scan(const PlateScan& scan, const std::string& header, std::uint64_t offset,
               std::span<std::byte> into) {
  const std::uint64_t end_of_pixels = header.size() + pixel_bytes(scan);
  const std::size_t start = start_of(scan);
  for (std::size_t i = 0; i < into.size(); ++i) {
    const std::uint64_t at = offset + i;
    if (at < header.size()) {
      into[i] = static_cast<std::byte>(header[static_cast<std::size_t>(at)]);
    } else if (at >= end_of_pixels) {
      into[i] = std::byte{0};
    } else {
      const std::uint64_t pixel_byte = at - header.size();
      const std::uint32_t word = words().word[(start + pixel_byte / 4) % kPeriod];
      into[i] = static_cast<std::byte>(word >> (24 - 8 * (pixel_byte % 4)));
    }
  }
}

}  // namespace astrofs::sim
