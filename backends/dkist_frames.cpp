#include "backends/dkist_frames.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

#include "backends/format/dkist_dataset.h"
#include "backends/format/dkist_inventory.h"
#include "backends/format/fits_value.h"
#include "backends/format/numbers.h"
#include "base/bytes.h"

namespace astrofs::dkist {
namespace {

constexpr std::string_view kKind = "frame/";

/// What stands before the next '/', which is taken too.
std::string_view take(std::string_view& rest) {
  const std::string_view part = rest.substr(0, rest.find('/'));
  rest.remove_prefix(std::min(part.size() + 1, rest.size()));
  return part;
}

/// Bits of a pixel, negative for floating point; 0: no FITS image has such pixels.
int bitpix_of(std::string_view type) {
  constexpr std::array<std::pair<std::string_view, int>, 6> kTypes{
      {{"float64", -64}, {"float32", -32}, {"int64", 64}, {"int32", 32}, {"int16", 16}, {"uint8", 8}}};
  for (const auto& [name, bitpix] : kTypes) {
    if (name == type) return bitpix;
  }
  return 0;
}

/// Cards of the image's header: a real level 1 frame has 335, newer ones and the marks some more.
constexpr std::uint32_t kUsualCards = 400;

std::string value_of(const CellValue& value) {
  struct Writer {
    std::string operator()(std::int64_t number) const { return std::to_string(number); }
    std::string operator()(double number) const { return fits::real_value(number); }
    std::string operator()(bool flag) const { return flag ? "T" : "F"; }
    std::string operator()(const std::string& text) const { return fits::text_value(text); }
  };
  return std::visit(Writer{}, value);
}

}  // namespace

std::string locator_of(const Frame& frame, std::string_view folder) {
  return fmt::format("{}{}/{}/{}/{}/{}/{}", kKind, frame.row, frame.hdu, frame.type,
                     fmt::join(frame.shape, "x"), folder, frame.name);
}

std::optional<Located> parse_locator(std::string_view locator) {
  if (!locator.starts_with(kKind)) return std::nullopt;
  std::string_view rest = locator.substr(kKind.size());
  const auto row = number_in<std::uint64_t>(take(rest));
  const auto hdu = number_in<unsigned>(take(rest));
  Located located;
  located.frame.type = take(rest);
  std::string_view shape = take(rest);
  while (!shape.empty()) {
    const std::string_view axis = shape.substr(0, shape.find('x'));
    const auto length = number_in<std::uint64_t>(axis);
    if (!length) return std::nullopt;
    located.frame.shape.push_back(*length);
    shape.remove_prefix(std::min(axis.size() + 1, shape.size()));
  }
  const std::size_t name = rest.rfind('/');
  if (!row || !hdu || name == std::string_view::npos) return std::nullopt;
  located.frame.row = *row;
  located.frame.hdu = *hdu;
  located.folder = rest.substr(0, name);
  located.frame.name = rest.substr(name + 1);
  return located;
}

Result<std::vector<Frame>> frames_in(std::string_view tree) {
  const ReadAt read = [tree](std::uint64_t offset, std::span<std::byte> into) -> Result<void> {
    const auto bytes = as_bytes(tree.substr(offset, into.size()));
    std::copy(bytes.begin(), bytes.end(), into.begin());
    return {};
  };
  const Result<DkistDataset> dataset = DkistDataset::open(read, tree.size());
  if (!dataset) return tl::unexpected<Error>(dataset.error());
  std::vector<Frame> frames;
  frames.reserve(dataset->frame_count());
  for (std::size_t i = 0; i < dataset->frame_count(); ++i) {
    const std::string_view name = dataset->frame_name(i);
    if (!is_component(name)) continue;
    const DkistFrames& group = dataset->frames_of(i);
    Frame frame{std::string(name), i, 1, group.datatype, group.shape};
    if (const auto* const hdu = std::get_if<std::uint32_t>(&group.target)) frame.hdu = *hdu;
    // Level 2 has several images in a file, one for each of its quantities.
    if (dataset->kind() == DkistKind::inversion) frame.type = "several";
    frames.push_back(std::move(frame));
  }
  return frames;
}

Result<FrameShape> shape_of(const Frame& frame) {
  HduShape image;
  image.bitpix = bitpix_of(frame.type);
  if (image.bitpix == 0 || frame.hdu != 1 || frame.shape.empty())
    return fail(Errc::unsupported, frame.name + " is no level 1 frame");
  image.axes.assign(frame.shape.rbegin(), frame.shape.rend());
  image.compressed = true;
  image.usual_cards = kUsualCards;
  image.cards.push_back({"EXTNAME", "'observation'", "name of the HDU"});
  FrameShape shape;
  shape.hdus.emplace_back();
  shape.hdus.push_back(std::move(image));
  return shape;
}

std::vector<FitsCard> cards_of(const std::vector<HeaderCard>& row) {
  std::vector<FitsCard> cards;
  cards.reserve(row.size());
  for (const HeaderCard& card : row) cards.push_back({card.name, value_of(card.value), ""});
  return cards;
}

}  // namespace astrofs::dkist
