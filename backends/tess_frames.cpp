#include "backends/tess_frames.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "backends/format/tess_name.h"

namespace astrofs::tess {
namespace {

bool all_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// Fields of a name between '-', no more than `fields` has room for.
template <std::size_t N>
std::array<std::string_view, N> fields_of(std::string_view name) {
  std::array<std::string_view, N> fields{};
  for (std::string_view& field : fields) {
    field = name.substr(0, name.find('-'));
    name.remove_prefix(std::min(field.size() + 1, name.size()));
  }
  return fields;
}

unsigned position(std::string_view text) {
  return text.size() == 1 && text[0] >= '1' && text[0] <= '4' ? static_cast<unsigned>(text[0] - '0') : 0;
}

/// Chip of a product that is no FFI: tess{stamp}-s{sector}-[{type}-]{camera}-{ccd}-...
std::optional<Chip> chip_of(std::string_view name, bool has_type) {
  constexpr std::size_t kStampDigits = 13;  // year, day of year, hours, minutes, seconds
  const auto fields = fields_of<5>(name);
  const bool good_stamp = fields[0].size() == 4 + kStampDigits && fields[0].starts_with("tess") &&
                          all_digits(fields[0].substr(4));
  const bool good_sector =
      fields[1].size() == 5 && fields[1].front() == 's' && all_digits(fields[1].substr(1));
  const Chip chip{good_sector ? static_cast<unsigned>(std::stoul(std::string(fields[1].substr(1)))) : 0,
                  position(fields[has_type ? 3 : 2]), position(fields[has_type ? 4 : 3])};
  if (!good_stamp || !good_sector || chip.camera == 0 || chip.ccd == 0) return std::nullopt;
  return chip;
}

}  // namespace

std::optional<Product> product_of(std::string_view name) {
  if (const auto frame = parse_ffi_name(name)) {
    const auto kind = frame->kind == FfiKind::raw ? ProductKind::raw : ProductKind::calibrated;
    return Product{{frame->sector, frame->camera, frame->ccd}, kind};
  }
  if (name.find('/') != std::string_view::npos) return std::nullopt;
  const bool collateral = name.ends_with("_col.fits");
  if (!collateral && !name.ends_with("_cbv.fits") && !name.ends_with("_fast-cbv.fits")) return std::nullopt;
  const auto chip = chip_of(name, collateral);
  if (!chip) return std::nullopt;
  return Product{*chip, collateral ? ProductKind::collateral : ProductKind::cbv};
}

std::optional<Product> product_at(std::string_view locator) {
  const auto slash = locator.rfind('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view name = locator.substr(slash + 1);
  const auto product = product_of(name);
  if (!product) return std::nullopt;
  // That a frame's day is that of its stamp holds for all 4.5 million known; of the other products the chip
  // is all that is sure.
  const bool is_frame = product->kind == ProductKind::calibrated || product->kind == ProductKind::raw;
  if (is_frame) return ffi_path(name) == locator ? product : std::nullopt;
  const std::string front = fmt::format("ffi/s{:04}/", product->chip.sector);
  const std::string back = fmt::format("/{}-{}", product->chip.camera, product->chip.ccd);
  constexpr std::size_t kYearAndDay = std::string_view("2018/292").size();
  const std::string_view directory = locator.substr(0, slash);
  if (directory.size() != front.size() + kYearAndDay + back.size() || !directory.starts_with(front) ||
      !directory.ends_with(back)) {
    return std::nullopt;
  }
  const std::string_view date = directory.substr(front.size(), kYearAndDay);
  return all_digits(date.substr(0, 4)) && date[4] == '/' && all_digits(date.substr(5)) ? product
                                                                                       : std::nullopt;
}

bool is_shown(std::string_view locator, const Chip& chip, const Kinds& kinds) {
  const auto product = product_at(locator);
  if (!product || product->chip != chip) return false;
  switch (product->kind) {
    case ProductKind::calibrated:
      return true;
    case ProductKind::raw:
      return kinds.raw;
    case ProductKind::collateral:
      return kinds.collateral;
    case ProductKind::cbv:
      return kinds.cbv;
  }
  return false;
}

std::optional<SysSeconds> last_exposure(const std::vector<Entry>& frames) {
  std::optional<SysSeconds> last;
  for (const Entry& entry : frames) {
    const auto frame = parse_ffi_name(entry.name);
    if (frame && (!last || frame->stamp() > *last)) last = frame->stamp();
  }
  return last;
}

}  // namespace astrofs::tess
