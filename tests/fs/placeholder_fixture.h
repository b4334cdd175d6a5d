// Made-up shapes, siblings and whole placeholders for the tests of fs/placeholder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/archive.h"
#include "fs/placeholder.h"

namespace astrofs::fake {

inline constexpr std::string_view kFrameName = "tess2018292095939-s0004-1-1-0124-s_ffic.fits";
inline constexpr std::uint64_t kBlock = 2880;

/// A primary HDU without data and two images, as the name of a TESS full-frame image tells it.
FrameShape ffi_shape(std::uint64_t width, std::uint64_t height, int bitpix = -32);

/// A primary HDU without data and a compressed image, as a row of a DKIST dataset's table tells it.
FrameShape observation_shape(std::vector<std::uint64_t> axes, int bitpix, std::vector<FitsCard> row = {});

struct Frame {
  std::uint64_t width{2136}, height{2078};
  int bitpix{-32};
  bool has_pointing{true};
  std::vector<FitsCard> extra{};  ///< more cards in the images
  std::size_t images{2};          ///< how many of them the sibling knows
};
/// Headers written like those of a real frame: 29 cards, then about 120 or 180.
SiblingHeader synthetic_sibling(const Frame& frame);

/// The recorded headers of a real frame; nothing when ASTROFS_SAMPLES does not name the samples.
std::optional<SiblingHeader> recorded_sibling();

/// A card of `keyword`, 80 letters.
std::string card(const std::string& keyword, const std::string& value, const std::string& comment = {});

/// The whole file.
std::vector<std::byte> contents(const Placeholder& placeholder);

/// The headers of a file as its own cards tell them, up to and with END; offsets of the data behind them.
struct ParsedHdu {
  std::vector<std::string> cards;
  std::uint64_t header_size{0}, data_at{0};
};
std::vector<ParsedHdu> parse(const std::vector<std::byte>& file);
/// Text of the first card of that keyword, without the blanks at its end; "" when there is none.
std::string find(const ParsedHdu& hdu, std::string_view keyword);

}  // namespace astrofs::fake
