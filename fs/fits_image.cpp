#include "fs/fits_image.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "fs/fits_card.h"

namespace astrofs::fits {
namespace {

// The sum of header and data sizes stays far from 2^64; the largest frame of any survey is below 2^40.
constexpr std::uint64_t kMaxDataSize = 1ULL << 50U;
constexpr std::size_t kMaxAxes = 999;  // of the standard: three digits

bool is_bitpix(std::int64_t bitpix) {
  return bitpix == 8 || bitpix == 16 || bitpix == 32 || bitpix == 64 || bitpix == -32 || bitpix == -64;
}

Pattern repeated(std::uint64_t value, int bytes) {
  Pattern pattern{};
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const auto place =
        static_cast<unsigned>(bytes) - 1U - static_cast<unsigned>(i) % static_cast<unsigned>(bytes);
    pattern[i] = static_cast<std::byte>(value >> (8U * place));
  }
  return pattern;
}

}  // namespace

const std::string* find_card(const Cards& cards, std::string_view keyword) {
  const auto at = std::ranges::find_if(cards, [&](const std::string& c) { return keyword_of(c) == keyword; });
  return at == cards.end() ? nullptr : &*at;
}

std::string comment_of(const Cards& cards, std::string_view keyword, std::string_view otherwise) {
  const std::string* card = find_card(cards, keyword);
  const auto parts = card == nullptr ? std::nullopt : split_card(*card);
  return std::string(parts && !parts->comment.empty() ? parts->comment : otherwise);
}

Result<std::uint64_t> data_size(const ImageStructure& image) {
  if (!is_bitpix(image.bitpix))
    return fail(Errc::invalid, fmt::format("BITPIX {} is none of FITS", image.bitpix));
  if (image.axes.size() > kMaxAxes) return fail(Errc::invalid, "more axes than FITS knows");
  if (image.axes.empty() || std::ranges::find(image.axes, 0U) != image.axes.end()) return 0;
  auto size = static_cast<std::uint64_t>(std::abs(image.bitpix) / 8);
  for (const std::uint64_t axis : image.axes) {
    if (axis > kMaxDataSize / size) return fail(Errc::unsupported, "the image is too large");
    size *= axis;
  }
  return size;
}

Result<ImageStructure> structure_of(const Cards& cards) {
  const auto number = [&](std::string_view keyword) -> std::optional<std::int64_t> {
    const std::string* card = find_card(cards, keyword);
    return card == nullptr ? std::nullopt : integer_value(*card);
  };
  const auto bitpix = number("BITPIX");
  const auto naxis = number("NAXIS");
  if (!bitpix || !is_bitpix(*bitpix) || !naxis || *naxis < 0 || *naxis > std::int64_t{kMaxAxes}) {
    return fail(Errc::invalid, "the header does not tell its structure");
  }
  const std::string* extension = find_card(cards, "XTENSION");
  if (extension != nullptr &&
      !split_card(*extension).value_or(ValueAndComment{}).value.starts_with("'IMAGE")) {
    return fail(Errc::unsupported, "a placeholder can stand for images only, not for tables");
  }
  if (number("PCOUNT").value_or(0) != 0 || number("GCOUNT").value_or(1) != 1) {
    return fail(Errc::unsupported, "a placeholder cannot have random groups");
  }
  ImageStructure image{static_cast<int>(*bitpix), {}};
  for (std::int64_t i = 1; i <= *naxis; ++i) {
    const auto axis = number(fmt::format("NAXIS{}", i));
    if (!axis || *axis < 0) return fail(Errc::invalid, fmt::format("the header has no good NAXIS{}", i));
    image.axes.push_back(static_cast<std::uint64_t>(*axis));
  }
  if (image.axes.size() > 1 && image.axes.front() == 0) {
    return fail(Errc::unsupported, "a placeholder cannot have random groups");
  }
  return image;
}

/// What an integer image writes for "no value": what the sibling says, else the number its kind of data never
/// needs.
std::int64_t blank_value(int bitpix, const Cards& like) {
  const bool is_byte = bitpix == 8;  // the one unsigned type
  const std::int64_t lowest = is_byte ? 0 : std::numeric_limits<std::int64_t>::min() >> (64 - bitpix);
  const std::int64_t highest = is_byte ? 255 : std::numeric_limits<std::int64_t>::max() >> (64 - bitpix);
  const std::string* card = find_card(like, "BLANK");
  const auto said = card == nullptr ? std::nullopt : integer_value(*card);
  if (said && *said >= lowest && *said <= highest) return *said;
  return is_byte ? highest : lowest;
}

Pattern blank_pattern(int bitpix, std::int64_t blank) {
  if (bitpix == -32) return repeated(0x7FC00000U, 4);  // the quiet NaN
  if (bitpix == -64) return repeated(0x7FF8000000000000ULL, 8);
  return repeated(static_cast<std::uint64_t>(blank), bitpix / 8);
}

}  // namespace astrofs::fits
