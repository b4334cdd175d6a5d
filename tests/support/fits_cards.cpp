#include "tests/support/fits_cards.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace astrofs::sim {
namespace {

/// Carries of a ones-complement sum go back in at the low end.
std::uint32_t fold(std::uint64_t sum) {
  while ((sum >> 32) != 0) sum = (sum & 0xFFFFFFFFU) + (sum >> 32);
  return static_cast<std::uint32_t>(sum);
}

constexpr bool is_punctuation(unsigned char c) {
  return (c >= 0x3a && c <= 0x40) || (c >= 0x5b && c <= 0x60);
}

/// The 16 letters of the FITS standard (section J.2) whose words add up to `value`.
std::string encode_checksum(std::uint32_t value) {
  std::array<char, 16> letters{};
  for (unsigned byte = 0; byte < 4; ++byte) {
    const auto number = static_cast<unsigned char>(value >> (24 - 8 * byte));
    std::array<unsigned char, 4> parts{};
    parts.fill(static_cast<unsigned char>(number / 4 + '0'));
    parts[0] = static_cast<unsigned char>(parts[0] + number % 4);
    for (std::size_t pair = 0; pair < parts.size(); pair += 2) {
      while (is_punctuation(parts[pair]) || is_punctuation(parts[pair + 1])) {
        ++parts[pair];
        --parts[pair + 1];
      }
    }
    for (std::size_t part = 0; part < parts.size(); ++part)
      letters[4 * part + byte] = static_cast<char>(parts[part]);
  }
  std::ranges::rotate(letters,
                      letters.end() - 1);  // the value starts in column 12, three past a word boundary
  return {letters.data(), letters.size()};
}

}  // namespace

void CardList::add(std::string_view keyword, std::string_view value, std::string_view comment) {
  std::string card = fmt::format("{:<8}= {:>20}", keyword, value);
  if (!comment.empty()) card += fmt::format(" / {}", comment);
  card.resize(kCard, ' ');
  text_ += card;
}

void CardList::add_text(std::string_view keyword, std::string_view text, std::string_view comment) {
  add(keyword, fmt::format("{:<20}", fmt::format("'{:<8}'", text)), comment);
}

std::string CardList::finish(std::uint64_t bytes, std::uint64_t data_sum) const {
  constexpr std::string_view kZeros = "0000000000000000";
  CardList all = *this;
  all.add_text("CHECKSUM", kZeros, "HDU checksum");
  all.add_text("DATASUM", std::to_string(fold(data_sum)), "data unit checksum");
  std::string header = std::move(all.text_);
  const std::uint64_t size = std::max<std::uint64_t>(bytes, padded(header.size() + kCard));
  // The block that holds END is the last, so the cards must reach into it.
  if (const std::size_t before = static_cast<std::size_t>(size - kFitsBlock); header.size() < before)
    header.resize(before, ' ');
  header += "END";
  header.resize(static_cast<std::size_t>(size), ' ');
  const std::uint32_t sum = fold(word_sum(header) + fold(data_sum));
  header.replace(header.find(kZeros), kZeros.size(), encode_checksum(~sum));
  return header;
}

std::string CardList::plain() const {
  std::string header = text_ + "END";
  header.resize(static_cast<std::size_t>(padded(header.size())), ' ');
  return header;
}

std::uint64_t word_sum(std::string_view bytes) {
  std::uint64_t sum = 0;
  for (std::size_t at = 0; at + 4 <= bytes.size(); at += 4) {
    std::uint32_t word = 0;
    for (std::size_t byte = 0; byte < 4; ++byte)
      word = word << 8 | static_cast<unsigned char>(bytes[at + byte]);
    sum += word;
  }
  return sum;
}

}  // namespace astrofs::sim
