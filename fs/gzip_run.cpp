#include "fs/gzip_run.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

// Deflate (RFC 1951), one block with a code made for this: the pattern as eight literals, as many of its
// bytes again as make the rest divisible by 258, and "258 bytes as eight bytes ago" until the end. That copy
// is written in four bits, 0101, which is why whole bytes of the stream are alike.
namespace astrofs::fits {
namespace {

constexpr std::uint64_t kCopied = 258;  // the longest copy there is

/// Bits in deflate's order: from the lowest bit of each byte up.
class BitWriter {
 public:
  void bit(unsigned bit) {
    if (used_ == 0) bytes_ += '\0';
    bytes_.back() = static_cast<char>(static_cast<unsigned char>(bytes_.back()) | bit << used_);
    used_ = (used_ + 1) % 8;
  }
  void number(unsigned value, unsigned bits) {  // lowest bit first
    for (unsigned i = 0; i < bits; ++i) bit(value >> i & 1U);
  }
  void code(unsigned value, unsigned bits) {  // a letter of a Huffman code: highest bit first
    for (unsigned i = bits; i > 0; --i) bit(value >> (i - 1) & 1U);
  }
  [[nodiscard]] bool is_whole() const { return used_ == 0; }
  [[nodiscard]] std::string take() {
    used_ = 0;
    return std::move(bytes_);
  }

 private:
  std::string bytes_;
  unsigned used_{0};  ///< bits of the last byte
};

void number32(std::string& out, std::uint32_t value) {
  for (unsigned shift = 0; shift < 32; shift += 8) out += static_cast<char>(value >> shift & 0xFFU);
}

/// The codes of the block. Letters: 0-255 literals (9 bits, 1bbbbbbbb), 256 the end (00), 285 a copy of 258
/// (01). Distances: one letter, 5 (0, and a bit that makes it 8).
void write_codes(BitWriter& out) {
  out.number(29, 5);  // 286 letters have a length,
  out.number(5, 5);   // and 6 distances,
  out.number(14, 4);  // and 18 of the letters in which these lengths are written:
  // 16 17 18 0 8 7 9 6 10 5 11 4 12 3 13 2 14 1
  constexpr std::array<unsigned, 18> kLengths = {2, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 3};
  for (const unsigned length : kLengths) out.number(length, 3);
  const auto nine = [&] { out.code(0b00, 2); };
  const auto again = [&](unsigned times) {  // the length before, 3 to 6 times
    out.code(0b01, 2);
    out.number(times - 3, 2);
  };
  const auto none = [&](unsigned times) {  // length 0, 3 to 10 times
    out.code(0b10, 2);
    out.number(times - 3, 3);
  };
  const auto one = [&] { out.code(0b110, 3); };
  const auto two = [&] { out.code(0b111, 3); };
  nine();  // literals: 1 + 42 * 6 + 3 = 256
  for (int i = 0; i < 42; ++i) again(6);
  again(3);
  two();  // the end
  none(10);
  none(10);
  none(8);
  two();  // 285
  none(5);
  one();  // the distance
}

std::uint32_t crc_of(const Pattern& pattern, std::uint64_t length) {
  const auto* bytes = reinterpret_cast<const Bytef*>(pattern.data());
  uLong crc = 0;
  uLong part = crc32(0, bytes, static_cast<uInt>(pattern.size()));
  auto part_size = static_cast<z_off_t>(pattern.size());
  for (std::uint64_t left = length / pattern.size(); left > 0; left /= 2) {
    if (left % 2 != 0) crc = crc32_combine(crc, part, part_size);
    part = crc32_combine(part, part, part_size);
    part_size *= 2;
  }
  return static_cast<std::uint32_t>(crc32(crc, bytes, static_cast<uInt>(length % pattern.size())));
}

}  // namespace

GzipRun gzip_of(const Pattern& pattern, std::uint64_t length) {
  GzipRun run;
  // Deflate, no flags, no time, strongest compression, no operating system told.
  run.head = std::string("\x1F\x8B\x08\x00\x00\x00\x00\x00\x02\xFF", 10);
  BitWriter out;
  out.bit(1);        // the last block,
  out.number(2, 2);  // with codes of its own
  write_codes(out);
  const std::uint64_t first = std::min<std::uint64_t>(pattern.size(), length);
  const std::uint64_t literals = first + (length - first) % kCopied;
  for (std::uint64_t i = 0; i < literals; ++i) {
    out.bit(1);
    out.code(std::to_integer<unsigned>(pattern[i % pattern.size()]), 8);
  }
  std::uint64_t bits = (length - literals) / kCopied * 4;
  unsigned next = 0;  // 0101...
  const auto copy_bit = [&] {
    out.bit(next);
    next = 1 - next;
    --bits;
  };
  while (bits > 0 && !out.is_whole()) copy_bit();
  if (out.is_whole()) run.head += out.take();  // else it was the last copy: the tail goes on in the same byte
  run.repeated = next == 0 ? 0b10101010 : 0b01010101;
  run.times = bits / 8;
  bits %= 8;
  while (bits > 0) copy_bit();
  out.code(0b00, 2);  // the end
  run.tail = out.take();
  number32(run.tail, crc_of(pattern, length));
  number32(run.tail, static_cast<std::uint32_t>(length));  // modulo 2^32
  return run;
}

}  // namespace astrofs::fits
