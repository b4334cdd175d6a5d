#include "fs/placeholder_header.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "fs/blank_table.h"
#include "fs/compressed_image.h"
#include "fs/fits_card.h"
#include "fs/fits_image.h"

namespace astrofs {

using fits::Cards;

namespace {

// True of one exposure only: the sibling's would be a lie. Which of them the frame's name tells, the shape
// brings back.
constexpr std::array<std::string_view, 20> kOneExposure = {
    "DATE",     "TSTART",   "TSTOP",   "EXPSTART", "EXPEND",   "UT",      "UTC",
    "LST",      "JD",       "MJD",     "HJD",      "BARYCORR", "CADENCE", "FFIINDEX",
    "FILENAME", "DQUALITY", "DATAMIN", "DATAMAX",  "HISTORY",  "TIMEOBS"};
constexpr std::array<std::string_view, 5> kOneExposurePrefixes = {"DATE-", "TIME-", "MJD-", "JD-", "MEANBLC"};

constexpr std::array<std::string_view, 10> kPointingPrefixes = {"CTYPE", "CRVAL", "CRPIX", "CDELT", "CUNIT",
                                                                "CROTA", "A_",    "B_",    "AP_",   "BP_"};
constexpr std::array<std::string_view, 4> kMatrixPrefixes = {"CD", "PC", "PV", "PS"};  // and a digit
constexpr std::array<std::string_view, 4> kPointing = {"WCSAXES", "WCSNAME", "LONPOLE", "LATPOLE"};

template <class Range>
bool contains(const Range& range, std::string_view keyword) {
  return std::ranges::find(range, keyword) != std::ranges::end(range);
}

template <class Range>
bool begins_with_any(std::string_view keyword, const Range& prefixes) {
  return std::ranges::any_of(prefixes, [&](std::string_view prefix) { return keyword.starts_with(prefix); });
}

bool is_digit(char letter) {
  return letter >= '0' && letter <= '9';
}

bool is_of_one_exposure(std::string_view keyword) {
  return contains(kOneExposure, keyword) || begins_with_any(keyword, kOneExposurePrefixes);
}

bool is_pointing(std::string_view keyword) {
  // The alternate system P counts rows and columns of the detector: it does not move with the sky.
  if (keyword.ends_with('P') && begins_with_any(keyword, kPointingPrefixes)) return false;
  if (contains(kPointing, keyword) || begins_with_any(keyword, kPointingPrefixes)) return true;
  return keyword.size() > 2 && is_digit(keyword[2]) && begins_with_any(keyword, kMatrixPrefixes);
}

bool is_card(std::string_view text) {
  return text.size() == fits::kCardSize &&
         std::ranges::all_of(text, [](char letter) { return letter >= ' ' && letter <= '~'; });
}

void add_structure(HeaderDraft& draft, const fits::ImageStructure& image, const Cards& sibling, bool is_first,
                   bool is_last) {
  const auto add = [&](const std::string& keyword, std::string value, std::string_view comment) {
    draft.add(CardRank::needed, {keyword, std::move(value), fits::comment_of(sibling, keyword, comment)});
  };
  if (is_first) {
    add("SIMPLE", "T", "conforms to FITS standards");
  } else {
    add("XTENSION", "'IMAGE'", "marks the beginning of a new HDU");
  }
  add("BITPIX", fmt::to_string(image.bitpix), "array data type");
  add("NAXIS", fmt::to_string(image.axes.size()), "number of array dimensions");
  for (std::size_t i = 0; i < image.axes.size(); ++i) {
    add(fmt::format("NAXIS{}", i + 1), fmt::to_string(image.axes[i]), "length of array dimension");
  }
  if (!is_first) {
    add("PCOUNT", "0", "group parameter count (not used)");
    add("GCOUNT", "1", "group count (not used)");
  } else if (!is_last && fits::find_card(sibling, "EXTEND") == nullptr) {
    add("EXTEND", "T", "file contains extensions");
  }
}

/// The sibling's cards, with what the name tells in the places of what it told of another frame. Returns
/// whether any of its sky coordinates are among them.
bool add_sibling(HeaderDraft& draft, const Cards& sibling, const HduShape& shape, int bitpix,
                 std::set<std::string>& told) {
  bool has_pointing = false;
  CardRank rank = CardRank::kept;
  bool continues = false;  // CONTINUE cards go where the card they continue went
  for (const std::string& card : sibling) {
    const std::string_view keyword = fits::keyword_of(card);
    if (keyword == "CONTINUE") {
      if (continues) draft.add_text(rank, card);
      continue;
    }
    continues = false;
    const auto parts = fits::split_card(card);
    if (is_structure(keyword) || is_ours(keyword)) continue;
    if (parts && is_unsigned_offset(keyword, parts->value, bitpix)) continue;
    const auto known = std::ranges::find(shape.cards, keyword, &FitsCard::keyword);
    if (known != shape.cards.end() && parts) {
      if (!told.insert(std::string(keyword)).second) continue;
      const std::string comment =
          known->comment.empty() ? fits::comment_of(sibling, keyword, "") : known->comment;
      draft.add(CardRank::told, {known->keyword, known->value, comment});
      continue;
    }
    if (is_of_one_exposure(keyword)) continue;
    continues = true;
    rank = keyword == "EXTEND"    ? CardRank::needed
           : is_pointing(keyword) ? CardRank::pointing
                                  : CardRank::kept;
    has_pointing = has_pointing || rank == CardRank::pointing;
    draft.add_text(rank, card);
  }
  return has_pointing;
}

/// The marks of every placeholder, and what a sibling gave.
void add_origin(HeaderDraft& draft, MissingCause cause, std::string_view file_name, bool has_sibling,
                bool has_pointing) {
  if (has_pointing) {
    draft.add(CardRank::pointing, {"ASTROWCS", "'SIBLING'", "sky coordinates are those of another frame"});
  }
  add_marks(draft, cause, file_name);
  if (!has_sibling) return;
  for (std::string& card :
       fits::history_cards("Cards that the name does not tell come from another frame of the detector.")) {
    draft.add_text(CardRank::kept, std::move(card));
  }
}

/// The sibling's cards of HDU `index`, cleaned. An HDU whose header nobody has read yet borrows from the
/// extension before it when the shape says that they are alike.
Cards sibling_cards(const SiblingHeader* sibling, const FrameShape& shape, std::size_t index) {
  if (sibling == nullptr || sibling->hdu_cards.empty()) return {};
  const std::size_t last = sibling->hdu_cards.size() - 1;
  if (index > last) {
    const auto alike = [&](std::size_t one) {
      return shape.hdus[one].bitpix == shape.hdus[index].bitpix &&
             shape.hdus[one].axes == shape.hdus[index].axes;
    };
    if (last == 0 || !alike(last)) return {};
  }
  Cards cards;
  for (const std::string& card : sibling->hdu_cards[std::min(index, last)]) {
    if (!is_card(card)) continue;
    if (fits::keyword_of(card) == "END") break;
    cards.push_back(card);
  }
  // Blank cards at the end are room that was reserved, as this header reserves its own.
  while (!cards.empty() && fits::keyword_of(cards.back()).empty()) cards.pop_back();
  return cards;
}

std::uint64_t blocks_of(const SiblingHeader* sibling, std::size_t index) {
  if (sibling == nullptr || sibling->hdu_cards.empty()) return 0;
  const Cards& cards = sibling->hdu_cards[std::min(index, sibling->hdu_cards.size() - 1)];
  const auto end =
      std::ranges::find(cards, "END", [](const std::string& card) { return fits::keyword_of(card); });
  const auto count = static_cast<std::uint64_t>(end - cards.begin()) + 1;
  return (count + fits::kCardsPerBlock - 1) / fits::kCardsPerBlock;
}

Result<HduPlan> plan_hdu(const HduShape& shape, const Cards& sibling, bool is_first, bool is_last,
                         MissingCause cause, std::string_view file_name) {
  fits::ImageStructure image{shape.bitpix, shape.axes};
  if (!sibling.empty()) {
    auto known = fits::structure_of(sibling);
    if (!known) return tl::unexpected<Error>(std::move(known.error()));
    image = *std::move(known);
  }
  const auto size = fits::data_size(image);
  if (!size) return tl::unexpected<Error>(size.error());
  HduPlan plan;

  HeaderDraft draft;
  add_structure(draft, image, sibling, is_first, is_last);
  if (image.bitpix > 0 && *size > 0) {
    const std::int64_t blank = fits::blank_value(image.bitpix, sibling);
    draft.add(CardRank::needed, {"BLANK", fmt::to_string(blank), "every pixel of this placeholder"});
    plan.data.push_back({*size, {}, fits::blank_pattern(image.bitpix, blank)});
  } else if (*size > 0) {
    plan.data.push_back({*size, {}, fits::blank_pattern(image.bitpix, 0)});
  }
  std::set<std::string> told;
  const bool has_pointing = add_sibling(draft, sibling, shape, image.bitpix, told);
  for (const FitsCard& card : shape.cards) {
    if (is_structure(card.keyword) || is_ours(card.keyword) || told.contains(card.keyword)) continue;
    draft.add(CardRank::told, card);
  }
  add_origin(draft, cause, file_name, !sibling.empty(), has_pointing);
  auto cards = draft.take();
  if (!cards) return tl::unexpected<Error>(std::move(cards.error()));
  plan.cards = *std::move(cards);
  return plan;
}

}  // namespace

bool agrees(const FrameShape& shape, const SiblingHeader& sibling) {
  for (std::size_t i = 0; i < std::min(shape.hdus.size(), sibling.hdu_cards.size()); ++i) {
    const HduShape& told = shape.hdus[i];
    const Cards cards = sibling_cards(&sibling, shape, i);
    if (told.axes.empty() || cards.empty()) continue;
    const auto image = fits::structure_of(cards);
    if (!image || image->bitpix != told.bitpix || (told.are_axes_certain && image->axes != told.axes))
      return false;
  }
  return true;
}

std::uint64_t HduPlan::data_size() const {
  std::uint64_t size = 0;
  for (const DataPart& part : data) size += part.length;
  return size;
}

Result<std::vector<HduPlan>> plan_headers(const FrameShape& shape, const SiblingHeader* sibling,
                                          MissingCause cause, std::string_view file_name) {
  const std::size_t known = sibling == nullptr ? 0 : sibling->hdu_cards.size();
  const std::size_t count = std::max(shape.hdus.size(), known);
  if (count == 0) return fail(Errc::unsupported, "nothing is known of the frame's shape");
  const HduShape untold{};
  std::vector<HduPlan> plans;
  for (std::size_t i = 0; i < count; ++i) {
    if (i < shape.hdus.size() && (shape.hdus[i].compressed || is_table(shape.hdus[i]))) {
      auto plan = shape.hdus[i].compressed ? plan_compressed(shape.hdus[i], cause, file_name)
                                           : plan_table(shape.hdus[i], cause, file_name);
      if (!plan) return tl::unexpected<Error>(std::move(plan.error()));
      plans.push_back(*std::move(plan));
      continue;
    }
    const Cards cards = sibling_cards(sibling, shape, i);
    if (cards.empty() && i >= shape.hdus.size()) return fail(Errc::invalid, "the sibling's header is empty");
    auto plan = plan_hdu(i < shape.hdus.size() ? shape.hdus[i] : untold, cards, i == 0, i + 1 == count, cause,
                         file_name);
    if (!plan) return tl::unexpected<Error>(std::move(plan.error()));
    if (!cards.empty()) plan->usual_blocks = blocks_of(sibling, i);
    if (cards.empty() && has_table(shape))
      plan->usual_blocks = (shape.hdus[i].usual_cards + fits::kCardsPerBlock - 1) / fits::kCardsPerBlock;
    plans.push_back(*std::move(plan));
  }
  return plans;
}

}  // namespace astrofs
