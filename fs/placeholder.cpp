#include "fs/placeholder.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "fs/fits_card.h"
#include "fs/placeholder_header.h"

namespace astrofs {
namespace {

constexpr std::uint64_t kClosingCards = 3;  // DATASUM, CHECKSUM, END
// A header longer than this (737,280 bytes; the longest of a TESS frame has 10 blocks) is no header: the axes
// are wrong.
constexpr std::uint64_t kMaxHeaderBlocks = 256;

std::uint64_t blocks_for(std::uint64_t count, std::uint64_t per_block) {
  return (count + per_block - 1) / per_block;
}

std::uint64_t padded(std::uint64_t size) {
  return blocks_for(size, fits::kBlockSize) * fits::kBlockSize;
}

std::uint64_t shortest_header(const HduPlan& plan, CardRank most) {
  const auto cards =
      std::ranges::count_if(plan.cards, [&](const RankedCard& card) { return card.rank <= most; });
  return blocks_for(static_cast<std::uint64_t>(cards) + kClosingCards, fits::kCardsPerBlock);
}

std::uint64_t sum(const std::vector<std::uint64_t>& numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), std::uint64_t{0});
}

/// Which cards are written, and how many blocks each header has.
struct Arrangement {
  CardRank most{CardRank::pointing};
  std::vector<std::uint64_t> blocks;
};

/// Blocks beyond `shortest`, equal over the images: the headers of a frame's images have one length. What is
/// left over goes to the first of them.
void widen(std::vector<std::uint64_t>& blocks, const std::vector<HduPlan>& plans, std::uint64_t extra) {
  std::vector<std::size_t> images;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    if (plans[i].data_size > 0) images.push_back(i);
  }
  if (images.empty()) images.push_back(plans.size() - 1);
  for (std::size_t k = 0; k < images.size(); ++k) {
    blocks[images[k]] += extra / images.size() + (k < extra % images.size() ? 1 : 0);
  }
}

Result<Arrangement> arrange(const std::vector<HduPlan>& plans, std::optional<std::uint64_t> exact_size) {
  std::uint64_t data = 0;
  for (const HduPlan& plan : plans) data += padded(plan.data_size);
  if (exact_size && (*exact_size < data || (*exact_size - data) % fits::kBlockSize != 0)) {
    return fail(Errc::unsupported, fmt::format("no FITS file of {} bytes has these images", *exact_size));
  }
  for (const CardRank most : {CardRank::pointing, CardRank::kept, CardRank::told, CardRank::needed}) {
    Arrangement arrangement{most, {}};
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

/// The header of one HDU with sums that are right.
Result<std::string> write_header(const HduPlan& plan, CardRank most, std::uint64_t blocks) {
  const fits::WordSum data = fits::sum_of(plan.blank_pixels, plan.data_size);
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

}  // namespace

Result<Placeholder> Placeholder::make(const FrameShape& shape, const std::optional<SiblingHeader>& sibling,
                                      std::optional<std::uint64_t> exact_size, MissingCause cause,
                                      std::string_view file_name) {
  const auto attempt = [&](const SiblingHeader* model) -> Result<Placeholder> {
    const auto plans = plan_headers(shape, model, cause, file_name);
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
      append(plan.data_size, {}, plan.blank_pixels);
      append(padded(plan.data_size) - plan.data_size, {}, {});  // padding is zeros
    }
    return made;
  };
  if (sibling) {
    auto made = attempt(&*sibling);
    if (made || shape.hdus.empty()) return made;
  }
  return attempt(nullptr);
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
      std::memcpy(piece.data(), part->text.data() + inside, length);
    }
    done += length;
  }
  return done;
}

}  // namespace astrofs
