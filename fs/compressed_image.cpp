#include "fs/compressed_image.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "fs/fits_card.h"
#include "fs/fits_image.h"
#include "fs/gzip_run.h"

namespace astrofs {
namespace {

// cfitsio counts the bytes of a tile in an int, and the axes of a compressed image up to 6.
constexpr std::uint64_t kMaxTileSize = std::numeric_limits<std::int32_t>::max();
constexpr std::size_t kMaxAxes = 6;

constexpr std::uint64_t kRowSize = 8;  // one descriptor of two 32-bit numbers: how long, and where

// How the table is built and how the image was compressed, in the real frame: not so here.
constexpr std::array<std::string_view, 24> kTableStructure = {
    "TFIELDS",  "THEAP",    "EXTEND",  "ZIMAGE",   "ZCMPTYPE", "ZBITPIX",  "ZNAXIS",   "ZQUANTIZ",
    "ZDITHER0", "ZMASKCMP", "ZSIMPLE", "ZTENSION", "ZEXTEND",  "ZBLOCKED", "ZPCOUNT",  "ZGCOUNT",
    "ZHECKSUM", "ZDATASUM", "ZBLANK",  "ZSCALE",   "ZZERO",    "ZTHEAP",   "CONTINUE", "LONGSTRN"};
constexpr std::array<std::string_view, 13> kNumberedStructure = {"TTYPE",  "TFORM", "TUNIT", "TSCAL", "TZERO",
                                                                 "TNULL",  "TDISP", "TDIM",  "ZTILE", "ZNAME",
                                                                 "ZNAXIS", "ZVAL",  "ZCTYP"};

bool is_compression(std::string_view keyword) {
  return std::ranges::find(kTableStructure, keyword) != kTableStructure.end() ||
         std::ranges::any_of(kNumberedStructure,
                             [&](std::string_view stem) { return fits::is_numbered(keyword, stem); });
}

void add_table(HeaderDraft& draft, const HduShape& shape, std::uint64_t stream_size) {
  const auto add = [&](std::string keyword, std::string value, std::string comment) {
    draft.add(CardRank::needed, {std::move(keyword), std::move(value), std::move(comment)});
  };
  add("XTENSION", "'BINTABLE'", "binary table extension");
  add("BITPIX", "8", "array data type");
  add("NAXIS", "2", "number of array dimensions");
  add("NAXIS1", fmt::to_string(kRowSize), "width of table in bytes");
  add("NAXIS2", "1", "number of rows in table");
  add("PCOUNT", "0", "bytes behind the rows");  // written when the size of the file is decided
  add("GCOUNT", "1", "number of groups");
  add("TFIELDS", "1", "number of fields in each row");
  add("TTYPE1", "'COMPRESSED_DATA'", "label for field 1");
  add("TFORM1", fmt::format("'1PB({})'", stream_size), "variable length array");
  add("ZIMAGE", "T", "extension contains compressed image");
  add("ZTENSION", "'IMAGE'", "of the uncompressed image");
  add("ZBITPIX", fmt::to_string(shape.bitpix), "data type of the uncompressed image");
  add("ZNAXIS", fmt::to_string(shape.axes.size()), "dimensions of the uncompressed image");
  for (const std::string_view stem : {"ZNAXIS", "ZTILE"}) {
    for (std::size_t i = 0; i < shape.axes.size(); ++i) {
      add(fmt::format("{}{}", stem, i + 1), fmt::to_string(shape.axes[i]),
          stem == "ZTILE" ? "one tile for all" : "length of image axis");
    }
  }
  add("ZPCOUNT", "0", "of the uncompressed image");
  add("ZGCOUNT", "1", "of the uncompressed image");
  add("ZCMPTYPE", "'GZIP_1'", "compression algorithm");
  if (shape.bitpix < 0) add("ZQUANTIZ", "'NONE'", "no quantization");
}

/// The frame's own cards, each keyword once. The name of the HDU stays whatever the size of the file is.
void add_told(HeaderDraft& draft, const HduShape& shape) {
  std::set<std::string_view> told;
  for (const FitsCard& card : shape.cards) {
    if (is_structure(card.keyword) || is_ours(card.keyword) || is_compression(card.keyword)) continue;
    if (is_unsigned_offset(card.keyword, card.value, shape.bitpix)) continue;
    if (!told.insert(card.keyword).second) continue;
    draft.add_told(card.keyword == "EXTNAME" ? CardRank::needed : CardRank::told, card);
  }
}

void append32(std::string& out, std::uint64_t value) {
  for (int shift = 24; shift >= 0; shift -= 8)
    out += static_cast<char>(value >> static_cast<unsigned>(shift) & 0xFFU);
}

/// The row and the heap. What repeats begins at a multiple of 4 bytes, as fits::sum_of wants it.
std::vector<DataPart> data_of(fits::GzipRun stream) {
  std::string front;
  append32(front, stream.size());
  append32(front, 0);
  front += stream.head;
  while (front.size() % 4 != 0 && stream.times > 0) {
    front += static_cast<char>(stream.repeated);
    --stream.times;
  }
  fits::Pattern repeated{};
  repeated.fill(std::byte{stream.repeated});
  std::vector<DataPart> data;
  data.push_back({front.size(), front, {}});
  if (stream.times > 0) data.push_back({stream.times, {}, repeated});
  data.push_back({stream.tail.size(), stream.tail, {}});
  return data;
}

}  // namespace

Result<HduPlan> plan_compressed(const HduShape& shape, MissingCause cause, std::string_view file_name) {
  const auto size = fits::data_size({shape.bitpix, shape.axes});
  if (!size) return tl::unexpected<Error>(size.error());
  if (*size == 0 || *size > kMaxTileSize || shape.axes.size() > kMaxAxes || shape.bitpix == 64) {
    return fail(Errc::unsupported, "an image of this shape and type is not compressed");
  }
  const std::int64_t blank = shape.bitpix < 0 ? 0 : fits::blank_value(shape.bitpix, {});
  const fits::GzipRun stream = fits::gzip_of(fits::blank_pattern(shape.bitpix, blank), *size);

  HeaderDraft draft;
  add_table(draft, shape, stream.size());
  if (shape.bitpix > 0) {
    draft.add(CardRank::needed, {"BLANK", fmt::to_string(blank), "every pixel of this placeholder"});
  }
  add_told(draft, shape);
  add_marks(draft, cause, file_name);
  auto cards = draft.take();
  if (!cards) return tl::unexpected<Error>(std::move(cards.error()));
  HduPlan plan;
  plan.cards = *std::move(cards);
  plan.data = data_of(stream);
  plan.rows_size = kRowSize;
  plan.usual_blocks = (shape.usual_cards + fits::kCardsPerBlock - 1) / fits::kCardsPerBlock;
  return plan;
}

}  // namespace astrofs
