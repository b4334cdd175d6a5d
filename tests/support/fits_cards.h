// FITS headers as text: 80-column cards, END, padding, CHECKSUM and DATASUM. Values and pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace astrofs::sim {

constexpr std::uint64_t kFitsBlock = 2880;
constexpr std::size_t kCard = 80;

[[nodiscard]] constexpr std::uint64_t padded(std::uint64_t bytes) {
  return (bytes + kFitsBlock - 1) / kFitsBlock * kFitsBlock;
}

class CardList {
 public:
  /// `value` as it stands in a FITS file: T, 12, 1.5E-3.
  void add(std::string_view keyword, std::string_view value, std::string_view comment = {});
  void add_text(std::string_view keyword, std::string_view text, std::string_view comment = {});
  void append(const CardList& others) { text_ += others.text_; }
  [[nodiscard]] std::size_t count() const { return text_.size() / kCard; }
  /// Cards with blank ones behind them up to `bytes` (a multiple of 2880; 0: as few blocks as will do), END,
  /// and both sums over the header and data whose 32-bit words add up to `data_sum`.
  [[nodiscard]] std::string finish(std::uint64_t bytes, std::uint64_t data_sum) const;
  /// In as few blocks as will do and without sums, as some pipelines write them.
  [[nodiscard]] std::string plain() const;

 private:
  std::string text_;
};

/// Sum of the big-endian 32-bit words; the length is a multiple of 4.
[[nodiscard]] std::uint64_t word_sum(std::string_view bytes);

}  // namespace astrofs::sim
