// The shape of an image HDU as its header tells it, and what its pixels hold when they hold nothing.
// Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "backends/format/fits_checksum.h"
#include "base/error.h"

namespace astrofs::fits {

using Cards = std::vector<std::string>;  ///< of 80 letters each

/// The first card of that keyword, or nullptr.
[[nodiscard]] const std::string* find_card(const Cards& cards, std::string_view keyword);
/// Its comment, where it has one.
[[nodiscard]] std::string comment_of(const Cards& cards, std::string_view keyword,
                                     std::string_view otherwise);

struct ImageStructure {
  int bitpix{8};
  std::vector<std::uint64_t> axes;  ///< NAXIS1 first
};

/// Errc::unsupported for tables and random groups, Errc::invalid where mandatory cards are missing or wrong.
[[nodiscard]] Result<ImageStructure> structure_of(const Cards& cards);

/// Bytes of pixels, without padding.
[[nodiscard]] Result<std::uint64_t> data_size(const ImageStructure& image);

/// What an integer image writes for "no value": BLANK of `like`, else the number its data need least.
[[nodiscard]] std::int64_t blank_value(int bitpix, const Cards& like);

/// Pixels without a value: NaN for floats, `blank` for integers.
[[nodiscard]] Pattern blank_pattern(int bitpix, std::int64_t blank);

}  // namespace astrofs::fits
