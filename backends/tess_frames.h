// Which files below ffi/ on S3 and the archive are products of a chip, and which of them its directory shows.
// Pure; any thread.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "backends/archive.h"
#include "base/clock.h"

namespace astrofs::tess {

struct Chip {
  unsigned sector{0}, camera{0}, ccd{0};
  friend bool operator==(const Chip&, const Chip&) = default;
};

/// Which products are shown beside the calibrated frames.
struct Kinds {
  bool raw{false};         ///< _ffir.fits
  bool collateral{false};  ///< _col.fits: gigabytes each
  bool cbv{false};         ///< _cbv.fits, _fast-cbv.fits
};

enum class ProductKind : unsigned char { calibrated, raw, collateral, cbv };

struct Product {
  Chip chip;
  ProductKind kind{ProductKind::calibrated};
};

/// What a name says; nullopt when it is no product of a chip.
[[nodiscard]] std::optional<Product> product_of(std::string_view name);

/// The product that lies at "ffi/s0004/2018/292/1-1/NAME"; nullopt when the name does not belong there.
[[nodiscard]] std::optional<Product> product_at(std::string_view locator);

/// Is the product at this locator one of the chip, and of a kind that is shown?
[[nodiscard]] bool is_shown(std::string_view locator, const Chip& chip, const Kinds& kinds);

/// Start of the last exposure among them; nullopt when none is a frame.
[[nodiscard]] std::optional<SysSeconds> last_exposure(const std::vector<Entry>& frames);

}  // namespace astrofs::tess
