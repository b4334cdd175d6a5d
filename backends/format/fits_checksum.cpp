#include "backends/format/fits_checksum.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>

namespace astrofs::fits {
namespace {

constexpr std::size_t kWordSize = 4;
constexpr std::size_t kEncodedSize = 16;

/// The same number modulo 2^32 - 1; zero stays the only one that gives zero.
std::uint32_t fold(std::uint64_t sum) {
  while ((sum >> 32U) != 0) sum = (sum & 0xFFFFFFFFU) + (sum >> 32U);
  return static_cast<std::uint32_t>(sum);
}

std::uint32_t word_of(const char* bytes) {
  std::uint32_t word = 0;
  for (std::size_t i = 0; i < kWordSize; ++i) word = word << 8U | static_cast<unsigned char>(bytes[i]);
  return word;
}

/// Bytes summed side by side before the lanes of 16 bits, into which they are added, would overflow: 256
/// times 255 is below 2^16.
constexpr std::size_t kRounds = 256;
constexpr std::size_t kStretch = kRounds * sizeof(std::uint64_t);

/// Sum of the words of a stretch. Every byte in a lane of its place, so that no word is turned round: one
/// word after the other was a sixth of the processor time that a fetched file costs.
std::uint64_t sum_of_stretch(const std::byte* bytes) {
  constexpr std::uint64_t kEvery2nd = 0x00FF00FF00FF00FF;
  std::uint64_t even = 0;
  std::uint64_t odd = 0;
  for (std::size_t round = 0; round < kRounds; ++round) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, bytes + round * sizeof eight, sizeof eight);
    even += eight & kEvery2nd;
    odd += eight >> 8U & kEvery2nd;
  }
  const auto lane = [](std::uint64_t lanes, unsigned at) { return lanes >> (16U * at) & 0xFFFFU; };
  return ((lane(even, 0) + lane(even, 2)) << 24U) + ((lane(odd, 0) + lane(odd, 2)) << 16U) +
         ((lane(even, 1) + lane(even, 3)) << 8U) + lane(odd, 1) + lane(odd, 3);
}

bool is_alphanumeric(unsigned letter) {
  return (letter >= '0' && letter <= '9') || (letter >= 'A' && letter <= 'Z') ||
         (letter >= 'a' && letter <= 'z');
}

/// A byte as four letters whose distances from '0' add up to it. Letters that are no digits or letters are
/// moved apart in pairs, which keeps the sum.
std::array<unsigned, 4> four_letters(unsigned byte) {
  std::array<unsigned, 4> letters{};
  letters.fill(byte / 4 + '0');
  letters[0] += byte % 4;
  while (!std::ranges::all_of(letters, is_alphanumeric)) {
    for (std::size_t pair = 0; pair < letters.size(); pair += 2) {
      if (is_alphanumeric(letters[pair]) && is_alphanumeric(letters[pair + 1])) continue;
      ++letters[pair];
      --letters[pair + 1];
    }
  }
  return letters;
}

}  // namespace

void WordSum::add(std::uint32_t word, std::uint64_t times) {
  const std::uint64_t product = std::uint64_t{fold(times)} * word;  // below 2^64: both are below 2^32
  sum_ = fold(std::uint64_t{sum_} + fold(product));
}

void WordSum::add(std::string_view text) {
  assert(text.size() % kWordSize == 0);
  for (std::size_t at = 0; at < text.size(); at += kWordSize) add(word_of(text.data() + at));
}

void WordSum::add(std::span<const std::byte> bytes, std::uint64_t before) {
  std::uint64_t sum = 0;  // holds 2^32 words before it overflows; nobody gives 16 GB at a time
  std::size_t at = 0;
  const auto add_byte = [&] {
    const auto place = static_cast<unsigned>((before + at) % kWordSize);
    sum += static_cast<std::uint64_t>(bytes[at++]) << (8U * (kWordSize - 1 - place));
  };
  while (at < bytes.size() && (before + at) % kWordSize != 0) add_byte();
  if constexpr (std::endian::native == std::endian::little) {
    for (; at + kStretch <= bytes.size(); at += kStretch) sum += sum_of_stretch(bytes.data() + at);
  }
  for (; at + kWordSize <= bytes.size(); at += kWordSize)
    sum += word_of(reinterpret_cast<const char*>(bytes.data()) + at);
  while (at < bytes.size()) add_byte();
  sum_ = fold(std::uint64_t{sum_} + fold(sum));
}

WordSum sum_of(const Pattern& pattern, std::uint64_t length) {
  WordSum sum;
  const char* bytes = reinterpret_cast<const char*>(pattern.data());
  const std::uint64_t words = length / kWordSize;
  sum.add(word_of(bytes), words - words / 2);
  sum.add(word_of(bytes + kWordSize), words / 2);
  std::array<char, kWordSize> rest{};
  std::copy_n(bytes + (words % 2) * kWordSize, length % kWordSize, rest.begin());
  sum.add(word_of(rest.data()));
  return sum;
}

std::string encode_checksum(WordSum hdu) {
  const std::uint32_t wanted = ~hdu.value();
  std::string encoded(kEncodedSize, '0');
  for (std::size_t byte = 0; byte < kWordSize; ++byte) {
    const auto letters = four_letters(wanted >> (24 - 8 * byte) & 0xFFU);
    for (std::size_t i = 0; i < letters.size(); ++i) {
      // The value begins in column 12 of its card, one byte before a word: the letters go round by one.
      encoded[(kWordSize * i + byte + 1) % kEncodedSize] = static_cast<char>(letters[i]);
    }
  }
  return encoded;
}

}  // namespace astrofs::fits
