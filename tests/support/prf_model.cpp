// The point-spread models that stand beside the frames: 13 x 13 pixels, nine samples each way.
#include <fmt/format.h>

#include <bit>
#include <cmath>

#include "tests/support/ffi_frame.h"
#include "tests/support/fits_cards.h"

namespace astrofs::sim {
namespace {

constexpr int kSide = 117;
constexpr int kSamples = 9;  ///< per pixel

}  // namespace

std::uint64_t prf_bytes() {
  return kFitsBlock + padded(std::uint64_t{4} * kSide * kSide);
}

std::string prf_file(int camera, int ccd, int row, int column) {
  std::string data;
  const double width = kSamples * (0.8 + 0.1 * camera + 0.05 * ccd);
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      const double away =
          std::hypot(x - kSide / 2 - (column - 1069) * 1e-3, y - kSide / 2 - (row - 1025) * 1e-3) / width;
      const auto word = std::bit_cast<std::uint32_t>(static_cast<float>(std::exp(-away * away / 2)));
      for (unsigned byte = 0; byte < 4; ++byte) data += static_cast<char>(word >> (24 - 8 * byte));
    }
  }
  data.resize(static_cast<std::size_t>(padded(data.size())), '\0');
  CardList cards;
  cards.add("SIMPLE", "T", "FITS");
  cards.add("BITPIX", "-32", "IEEE single precision");
  cards.add("NAXIS", "2", "axes");
  cards.add("NAXIS1", std::to_string(kSide), "columns");
  cards.add("NAXIS2", std::to_string(kSide), "rows");
  cards.add_text("TELESCOP", "TESS", "telescope");
  cards.add("CAMERA", std::to_string(camera), "camera");
  cards.add("CCD", std::to_string(ccd), "chip");
  cards.add_text("WCSNAMEP", "PHYSICAL", "physical coordinates");
  cards.add("WCSAXESP", "2", "physical axes");
  cards.add_text("CTYPE1P", "RAWX", "column");
  cards.add("CRPIX1P", std::to_string(kSide / 2 + 1), "reference column");
  cards.add("CRVAL1P", std::to_string(column), "its column on the chip");
  cards.add("CDELT1P", fmt::format("{:.10f}", 1.0 / kSamples), "step");
  cards.add_text("CTYPE2P", "RAWY", "row");
  cards.add("CRPIX2P", std::to_string(kSide / 2 + 1), "reference row");
  cards.add("CRVAL2P", std::to_string(row), "its row on the chip");
  cards.add("CDELT2P", fmt::format("{:.10f}", 1.0 / kSamples), "step");
  return cards.finish(kFitsBlock, word_sum(data)) + data;
}

}  // namespace astrofs::sim
