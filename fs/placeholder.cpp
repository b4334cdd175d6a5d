#include "fs/placeholder.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "fs/blank_table.h"
#include "fs/fits_card.h"
#include "fs/placeholder_header.h"

namespace astrofs {
namespace {

constexpr std::uint64_t kClosingCards = 3;  // DATASUM, CHECKSUM, END
// A header longer than this (737,280 bytes; the longest of a TESS frame has 10 blocks) is no header: the axes
// are wrong.
constexpr std::uint64_t kMaxHeaderBlocks = 256;
// No heap is longer (1 PiB): sizes stay far from what a header's numbers can hold.
constexpr std::uint64_t kMaxSize = 1ULL << 50U;

/// What the marks of a placeholder may add to the headers of a file, in blocks.
constexpr std::uint64_t kSpareBlocks = 4;

std::uint64_t blocks_for(std::uint64_t count, std::uint64_t per_block) {
  return (count + per_block - 1) / per_block;
}

std::uint64_t padded(std::uint64_t size) {
  return blocks_for(size, fits::kBlockSize) * fits::kBlockSize;
}

std::uint64_t card_count(const HduPlan& plan, CardRank most) {
  std::uint64_t count = 0;
  for (const RankedCard& card : plan.cards) {
    if (card.rank <= most) count += card.text.size() / fits::kCardSize;
  }
  return count;
}

std::uint64_t shortest_header(const HduPlan& plan, CardRank most) {
  return blocks_for(card_count(plan, most) + kClosingCards, fits::kCardsPerBlock);
}

std::uint64_t sum(const std::vector<std::uint64_t>& numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), std::uint64_t{0});
}

/// Which cards are written, how many blocks each header has, and how many bytes each data unit.
struct Arrangement {
  CardRank most{CardRank::pointing};
  std::vector<std::uint64_t> blocks, data;
};

/// Blocks beyond `shortest`, equal over the images: the headers of a frame's images have one length. What is
/// left over goes to the first of them.
void widen(std::vector<std::uint64_t>& blocks, const std::vector<HduPlan>& plans, std::uint64_t extra) {
  std::vector<std::size_t> images;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    if (plans[i].data_size() > 0) images.push_back(i);
  }
  if (images.empty()) images.push_back(plans.size() - 1);
  for (std::size_t k = 0; k < images.size(); ++k) {
    blocks[images[k]] += extra / images.size() + (k < extra % images.size() ? 1 : 0);
  }
}

/// For images as they are: what the size leaves over are blocks of headers.
Result<Arrangement> arrange_images(const std::vector<HduPlan>& plans,
                                   std::optional<std::uint64_t> exact_size) {
  std::vector<std::uint64_t> units;
  for (const HduPlan& plan : plans) units.push_back(padded(plan.data_size()));
  const std::uint64_t data = sum(units);
  if (exact_size && (*exact_size < data || (*exact_size - data) % fits::kBlockSize != 0)) {
    return fail(Errc::unsupported, fmt::format("no FITS file of {} bytes has these images", *exact_size));
  }
  for (const CardRank most : {CardRank::pointing, CardRank::kept, CardRank::told, CardRank::needed}) {
    Arrangement arrangement{most, {}, units};
    std::vector<std::uint64_t> usual;
    for (const HduPlan& plan : plans) {
      arrangement.blocks.push_back(shortest_header(plan, most));
      usual.push_back(std::max(arrangement.blocks.back(), plan.usual_blocks));
    }
    const std::uint64_t wanted = exact_size ? (*exact_size - data) / fits::kBlockSize : sum(usual);
    if (wanted < sum(arrangement.blocks)) continue;
    if (wanted >= sum(usual)) arrangement.blocks = usual;
    widen(arrangement.blocks, plans, wanted - sum(arrangement.blocks));
    if (std::ranges::max(arrangement.blocks) > kMaxHeaderBlocks) break;
    return arrangement;
  }
  return fail(Errc::unsupported,
              fmt::format("headers cannot make the difference between these images and {} bytes",
                          exact_size.value_or(0)));
}

/// Takes cards away, the last of the least needed first, until there are no more than `most`.
bool shorten(HduPlan& plan, std::uint64_t most) {
  std::uint64_t count = card_count(plan, CardRank::pointing);
  for (const CardRank rank : {CardRank::pointing, CardRank::kept, CardRank::told}) {
    for (auto card = plan.cards.end(); card != plan.cards.begin() && count > most;) {
      --card;
      if (card->rank != rank) continue;
      count -= card->text.size() / fits::kCardSize;
      card = plan.cards.erase(card);
    }
  }
  return count <= most;
}

/// With a heap at the end of `table`, which takes what the size leaves over. Where there is too little, the
/// table's header goes without some of its cards.
Result<Arrangement> arrange_heap(std::vector<HduPlan>& plans, std::size_t table,
                                 std::optional<std::uint64_t> exact_size) {
  Arrangement arrangement;
  for (const HduPlan& plan : plans) {
    arrangement.blocks.push_back(shortest_header(plan, arrangement.most));
    arrangement.data.push_back(padded(plan.data_size()));
  }
  std::uint64_t& header = arrangement.blocks[table];
  if (!exact_size) {
    header = std::max(header, plans[table].usual_blocks);
    return arrangement;
  }
  const std::uint64_t others = sum(arrangement.data) + (sum(arrangement.blocks) - header) * fits::kBlockSize;
  if (*exact_size % fits::kBlockSize != 0 || *exact_size <= others || *exact_size > kMaxSize) {
    return fail(Errc::unsupported, fmt::format("no FITS file of {} bytes has these images", *exact_size));
  }
  const std::uint64_t room = (*exact_size - others) / fits::kBlockSize;
  if (room < header && !shorten(plans[table], room * fits::kCardsPerBlock - kClosingCards)) {
    return fail(Errc::unsupported, fmt::format("{} bytes are too few for this header", *exact_size));
  }
  header = std::min(header, room);
  arrangement.data[table] += (room - header) * fits::kBlockSize;
  return arrangement;
}

/// Says in its header how long the data unit of a table has become.
void set_heap(HduPlan& plan, std::uint64_t data) {
  const auto card = std::ranges::find(plan.cards, "PCOUNT",
                                      [](const RankedCard& one) { return fits::keyword_of(one.text); });
  card->text.replace(10, 20, fmt::format("{:>20}", data - *plan.rows_size));
}

Result<Arrangement> arrange(std::vector<HduPlan>& plans, std::optional<std::uint64_t> exact_size) {
  std::optional<std::size_t> last_table;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    if (plans[i].rows_size) last_table = i;
  }
  if (!last_table) return arrange_images(plans, exact_size);
  auto arrangement = arrange_heap(plans, *last_table, exact_size);
  for (std::size_t i = 0; arrangement && i < plans.size(); ++i) {
    if (plans[i].rows_size) set_heap(plans[i], arrangement->data[i]);
  }
  return arrangement;
}

/// The sum of a data unit; padding adds nothing. What repeats begins at a whole word.
fits::WordSum sum_of(const std::vector<DataPart>& data) {
  fits::WordSum total;
  std::uint64_t before = 0;
  for (const DataPart& part : data) {
    if (part.text.empty()) {
      total.add(fits::sum_of(part.pattern, part.length));
    } else if (part.text.size() >= part.length) {
      total.add(std::as_bytes(std::span(part.text)), before);
    } else {
      add_rows(total, part.text, part.length, before);
    }
    before += part.length;
  }
  return total;
}

/// The header of one HDU with sums that are right.
Result<std::string> write_header(const HduPlan& plan, CardRank most, std::uint64_t blocks) {
  const fits::WordSum data = sum_of(plan.data);
  std::string text;
  text.reserve(blocks * fits::kBlockSize);
  for (const RankedCard& card : plan.cards) {
    if (card.rank <= most) text += card.text;
  }
  const auto datasum =
      fits::format_card({"DATASUM", fmt::format("'{}'", data.value()), "data unit checksum"});
  const auto checksum = fits::format_card({"CHECKSUM", "'0000000000000000'", "HDU checksum"});
  if (!datasum || !checksum) return fail(Errc::internal, "the checksum cards cannot be written");
  text += *datasum;
  const std::size_t encoded_at = text.size() + checksum->find('\'') + 1;
  text += *checksum;
  // Blank cards before END reserve room; the blanks behind it fill its block only.
  text.append(
      (blocks - blocks_for(text.size() / fits::kCardSize + 1, fits::kCardsPerBlock)) * fits::kBlockSize, ' ');
  text += "END";
  text.resize(blocks * fits::kBlockSize, ' ');
  fits::WordSum hdu = data;
  hdu.add(text);
  text.replace(encoded_at, 16, fits::encode_checksum(hdu));
  return text;
}

/// Writes `pattern`, begun at a multiple of its length before the first byte and `phase` bytes into it.
void fill(std::span<std::byte> out, const fits::Pattern& pattern, std::uint64_t phase) {
  fits::Pattern turned = pattern;
  std::ranges::rotate(turned, turned.begin() + static_cast<std::ptrdiff_t>(phase % pattern.size()));
  while (out.size() >= turned.size()) {
    std::memcpy(out.data(), turned.data(), turned.size());
    out = out.subspan(turned.size());
  }
  std::copy_n(turned.begin(), out.size(), out.begin());
}

/// The same for a text of any length, of which `inside` bytes have been written.
void repeat(std::span<std::byte> out, std::string_view text, std::uint64_t inside) {
  auto at = static_cast<std::size_t>(inside % text.size());
  while (!out.empty()) {
    const std::size_t length = std::min(out.size(), text.size() - at);
    std::memcpy(out.data(), text.data() + at, length);
    out = out.subspan(length);
    at = 0;
  }
}

}  // namespace

bool tells_all(const FrameShape& shape) {
  return std::ranges::any_of(shape.hdus, &HduShape::compressed) || has_table(shape);
}

Result<Placeholder> Placeholder::make(const FrameShape& shape, const std::optional<SiblingHeader>& sibling,
                                      std::optional<std::uint64_t> exact_size, MissingCause cause,
                                      std::string_view file_name) {
  const auto attempt = [&](const FrameShape& look, const SiblingHeader* model) -> Result<Placeholder> {
    auto plans = plan_headers(look, model, cause, file_name);
    if (!plans) return tl::unexpected<Error>(plans.error());
    const auto arrangement = arrange(*plans, exact_size);
    if (!arrangement) return tl::unexpected<Error>(arrangement.error());
    Placeholder made;
    const auto append = [&](std::uint64_t length, std::string text, const fits::Pattern& pattern) {
      if (length > 0) made.parts_.push_back({made.size() + length, std::move(text), pattern});
    };
    for (std::size_t i = 0; i < plans->size(); ++i) {
      const HduPlan& plan = (*plans)[i];
      auto header = write_header(plan, arrangement->most, arrangement->blocks[i]);
      if (!header) return tl::unexpected<Error>(std::move(header.error()));
      const std::uint64_t length = header->size();
      append(length, *std::move(header), {});
      for (const DataPart& part : plan.data) append(part.length, part.text, part.pattern);
      append(arrangement->data[i] - plan.data_size(), {}, {});  // padding is zeros
    }
    return made;
  };
  if (sibling && !tells_all(shape) && agrees(shape, *sibling)) {
    auto made = attempt(shape, &*sibling);
    if (made || shape.hdus.empty()) return made;
  }
  if (!exact_size || !has_table(shape)) return attempt(shape, nullptr);
  // Headers of a placeholder may be longer than the real ones: then it has some rows fewer.
  auto made = attempt(with_rows(shape, *exact_size, 0), nullptr);
  for (std::uint64_t spare = 1; !made && spare <= kSpareBlocks; ++spare)
    made = attempt(with_rows(shape, *exact_size, spare), nullptr);
  return made;
}

std::uint64_t Placeholder::size() const {
  return parts_.empty() ? 0 : parts_.back().end;
}

std::size_t Placeholder::read(std::uint64_t offset, std::span<std::byte> out) const {
  auto part = std::ranges::upper_bound(parts_, offset, {}, &Part::end);
  std::size_t done = 0;
  for (; part != parts_.end() && done < out.size(); ++part) {
    const std::uint64_t begin = part == parts_.begin() ? 0 : std::prev(part)->end;
    const std::uint64_t inside = offset + done - begin;
    const auto length =
        static_cast<std::size_t>(std::min<std::uint64_t>(out.size() - done, part->end - begin - inside));
    const auto piece = out.subspan(done, length);
    if (part->text.empty()) {
      fill(piece, part->pattern, inside);
    } else {
      repeat(piece, part->text, inside);
    }
    done += length;
  }
  return done;
}

}  // namespace astrofs
