// The ones-complement checksum of the FITS standard (section 4.4.2.7 and appendix J): DATASUM and CHECKSUM.
// Sums of parts add up, so that the sum of a constant image is a multiplication. Pure; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace astrofs::fits {

/// A 32-bit ones-complement sum of big-endian words; the carry goes round.
class WordSum {
 public:
  [[nodiscard]] std::uint32_t value() const { return sum_; }
  /// `word`, `times` times.
  void add(std::uint32_t word, std::uint64_t times = 1);
  /// Text of whole words: a header.
  void add(std::string_view text);
  /// The next bytes of what is summed, of which `before` have been added.
  void add(std::span<const std::byte> bytes, std::uint64_t before);
  void add(const WordSum& part) { add(part.sum_); }
  /// The same sum: ones-complement arithmetic has two zeros.
  [[nodiscard]] bool is(std::uint32_t sum) const { return sum_ % UINT32_MAX == sum % UINT32_MAX; }

 private:
  std::uint32_t sum_{0};
};

/// Eight bytes that repeat: one pixel of 64 bits, two of 32, four of 16, eight of 8.
using Pattern = std::array<std::byte, 8>;

/// Sum of `length` bytes of a repeated pattern, zeros behind them up to a whole word.
[[nodiscard]] WordSum sum_of(const Pattern& pattern, std::uint64_t length);

/// The 16 letters of a CHECKSUM card that bring the sum of an HDU, in which the card read '0000000000000000',
/// to -0.
[[nodiscard]] std::string encode_checksum(WordSum hdu);

}  // namespace astrofs::fits
