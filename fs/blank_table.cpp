#include "fs/blank_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <span>
#include <string>

#include "backends/format/fits_checksum.h"
#include "fs/fits_image.h"
#include "fs/header_draft.h"

namespace astrofs {
namespace {

constexpr std::uint64_t kBlock = 2880;
constexpr std::uint64_t kCardsOfABlock = 36;
/// A row longer than this (a stamp of 500 x 500 pixels in five columns) is no row: the columns are wrong.
constexpr std::uint64_t kLongestRow = 8ULL << 20;

std::string_view value_of(const HduShape& shape, const std::string& keyword) {
  const auto card = std::ranges::find(shape.cards, keyword, &FitsCard::keyword);
  return card == shape.cards.end() ? std::string_view() : std::string_view(card->value);
}

template <class Number>
std::optional<Number> number_in(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

void put(std::string& row, std::uint64_t bits, unsigned bytes) {
  for (unsigned left = bytes; left > 0; --left) row += static_cast<char>(bits >> (8 * (left - 1)) & 0xFFU);
}

/// The cells of one column: "'121J'" with its TNULL, "'D'".
Result<void> add_column(std::string& row, std::string_view form, std::string_view null) {
  while (form.starts_with('\'') || form.starts_with(' ')) form.remove_prefix(1);
  while (form.ends_with('\'') || form.ends_with(' ')) form.remove_suffix(1);
  if (form.empty()) return fail(Errc::invalid, "a column without a form");
  const char type = form.back();
  form.remove_suffix(1);
  const auto count = form.empty() ? std::optional<std::uint64_t>(1) : number_in<std::uint64_t>(form);
  const unsigned bytes = type == 'D' || type == 'K'   ? 8
                         : type == 'E' || type == 'J' ? 4
                         : type == 'I'                ? 2
                                                      : 0;
  if (!count || bytes == 0 || *count > kLongestRow / bytes || row.size() + *count * bytes > kLongestRow)
    return fail(Errc::invalid, "a column whose form no placeholder has");
  constexpr std::uint64_t kNan64 = 0x7FF8000000000000U;
  constexpr std::uint64_t kNan32 = 0x7FC00000U;
  const bool is_float = type == 'D' || type == 'E';
  const auto blank = number_in<std::int64_t>(null);
  if (!is_float && !blank) return fail(Errc::invalid, "a column of integers without TNULL");
  const std::uint64_t bits = type == 'D' ? kNan64 : type == 'E' ? kNan32 : static_cast<std::uint64_t>(*blank);
  for (std::uint64_t i = 0; i < *count; ++i) put(row, bits, bytes);
  return {};
}

bool is_needed(std::string_view keyword) {
  return keyword.starts_with("TTYPE") || keyword.starts_with("TFORM") || keyword.starts_with("TNULL") ||
         keyword.starts_with("TDIM");
}

std::uint64_t padded(std::uint64_t bytes) {
  return (bytes + kBlock - 1) / kBlock * kBlock;
}

std::uint64_t usual_header(const HduShape& hdu) {
  return std::max<std::uint64_t>(1, (hdu.usual_cards + kCardsOfABlock - 1) / kCardsOfABlock) * kBlock;
}

}  // namespace

void add_rows(fits::WordSum& sum, std::string_view row, std::uint64_t length, std::uint64_t before) {
  const auto bytes = std::as_bytes(std::span(row));
  const std::uint64_t rows = length / row.size();
  // Rows of whole words, as all tables here have, need one look only.
  if (before % 4 == 0 && row.size() % 4 == 0) {
    fits::WordSum one;
    one.add(bytes, 0);
    sum.add(one.value(), rows);
    return;
  }
  for (std::uint64_t i = 0; i < rows; ++i) sum.add(bytes, before + i * row.size());
}

bool is_table(const HduShape& shape) {
  return !shape.compressed && !value_of(shape, "TFORM1").empty();
}

bool has_table(const FrameShape& shape) {
  return std::ranges::any_of(shape.hdus, is_table);
}

FrameShape with_rows(FrameShape shape, std::uint64_t size, std::uint64_t spare) {
  HduShape* open = nullptr;
  std::uint64_t taken = spare * kBlock;
  for (HduShape& hdu : shape.hdus) {
    taken += usual_header(hdu);
    if (open == nullptr && is_table(hdu) && hdu.axes.size() == 2 && hdu.axes[0] > 0 && hdu.axes[1] == 0) {
      open = &hdu;
    } else if (const auto data = fits::data_size({hdu.bitpix, hdu.axes})) {
      taken += padded(*data);
    }
  }
  if (open != nullptr && size > taken) open->axes[1] = (size - taken) / open->axes[0];
  return shape;
}

bool rows_fit(const FrameShape& shape, std::uint64_t size) {
  // Real headers differ from the usual ones by a block or two each.
  constexpr std::uint64_t kSpareBlocks = 8;
  std::uint64_t taken = 0;
  for (const HduShape& hdu : shape.hdus) {
    const auto data = fits::data_size({hdu.bitpix, hdu.axes});
    if (!data) return false;
    taken += usual_header(hdu) + padded(*data);
  }
  return size <= taken + kSpareBlocks * kBlock && taken <= size + kSpareBlocks * kBlock;
}

Result<HduPlan> plan_table(const HduShape& shape, MissingCause cause, std::string_view file_name) {
  if (shape.axes.size() != 2) return fail(Errc::invalid, "a table has rows of bytes");
  std::string row;
  unsigned columns = 0;
  for (;; ++columns) {
    const std::string number = std::to_string(columns + 1);
    const std::string_view form = value_of(shape, "TFORM" + number);
    if (form.empty()) break;
    if (auto added = add_column(row, form, value_of(shape, "TNULL" + number)); !added)
      return tl::unexpected<Error>(added.error());
  }
  if (row.size() != shape.axes[0]) return fail(Errc::invalid, "the columns of a table do not make its row");
  const auto size = fits::data_size({8, shape.axes});
  if (!size) return tl::unexpected<Error>(size.error());

  HeaderDraft draft;
  const auto add = [&](const char* keyword, std::string value, const char* comment) {
    draft.add(CardRank::needed, {keyword, std::move(value), comment});
  };
  add("XTENSION", "'BINTABLE'", "marks the beginning of a new HDU");
  add("BITPIX", "8", "array data type");
  add("NAXIS", "2", "number of array dimensions");
  add("NAXIS1", fmt::to_string(shape.axes[0]), "length of first array dimension");
  add("NAXIS2", fmt::to_string(shape.axes[1]), "length of second array dimension");
  add("PCOUNT", "0", "group parameter count (not used)");
  add("GCOUNT", "1", "group count (not used)");
  add("TFIELDS", fmt::to_string(columns), "number of table fields");
  for (const FitsCard& card : shape.cards)
    draft.add(is_needed(card.keyword) ? CardRank::needed : CardRank::told, card);
  add_marks(draft, cause, file_name);
  HduPlan plan;
  if (*size > 0) plan.data.push_back({*size, std::move(row)});
  plan.usual_blocks = (shape.usual_cards + kCardsOfABlock - 1) / kCardsOfABlock;
  auto cards = draft.take();
  if (!cards) return tl::unexpected<Error>(std::move(cards.error()));
  plan.cards = *std::move(cards);
  return plan;
}

}  // namespace astrofs
