#include "fs/header_draft.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include "fs/fits_card.h"

namespace astrofs {
namespace {

// Written anew for every HDU, in the one order the standard allows.
constexpr std::array<std::string_view, 7> kStructure = {"SIMPLE", "XTENSION", "BITPIX", "NAXIS",
                                                        "PCOUNT", "GCOUNT",   "GROUPS"};
constexpr std::array<std::string_view, 7> kOurs = {"CHECKSUM", "DATASUM",  "END",     "BLANK",
                                                   "ASTROFS",  "ASTROWHY", "ASTROWCS"};

struct CauseText {
  std::string_view value, comment;
};

CauseText text_of(MissingCause cause) {
  switch (cause) {
    case MissingCause::denied_by_archive:
      return {"'DENIED BY ARCHIVE'", "no mirror has this frame"};
    case MissingCause::not_fetched:
      return {"'NOT FETCHED'", "mounted offline, not in the cache"};
    case MissingCause::not_logged_in:
      return {"'NOT LOGGED IN'", "the archive gives its frames after a login"};
  }
  return {};
}

bool is_finite_number(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() && std::isfinite(number);
}

}  // namespace

void HeaderDraft::add(CardRank rank, const FitsCard& card) {
  auto text = fits::format_card(card);
  if (text) {
    add_text(rank, *std::move(text));
  } else if (!error_) {
    error_ = text.error();
  }
}

void HeaderDraft::add_told(CardRank rank, FitsCard card) {
  if (!card.value.starts_with('\'') && card.value != "T" && card.value != "F") {
    if (!is_finite_number(card.value)) return;
    std::ranges::transform(card.value, card.value.begin(),  // 1E-5: FITS knows no small e
                           [](unsigned char letter) { return static_cast<char>(std::toupper(letter)); });
  }
  auto text = fits::format_long_card(card);
  if (!text) return;
  if (text->size() > fits::kCardSize && !is_continued_) {
    is_continued_ = true;  // fitsverify wants it said before the first
    add(rank, {"LONGSTRN", "'OGIP 1.0'", "long strings are continued"});
  }
  add_text(rank, *std::move(text));
}

Result<std::vector<RankedCard>> HeaderDraft::take() {
  if (error_) return tl::unexpected<Error>(*std::move(error_));
  return std::move(cards_);
}

bool is_structure(std::string_view keyword) {
  return std::ranges::find(kStructure, keyword) != kStructure.end() || fits::is_numbered(keyword, "NAXIS");
}

bool is_ours(std::string_view keyword) {
  return std::ranges::find(kOurs, keyword) != kOurs.end();
}

bool is_unsigned_offset(std::string_view keyword, std::string_view value, int bitpix) {
  if (bitpix < 0 || keyword != "BZERO") return false;
  const double offset = std::strtod(std::string(value).c_str(), nullptr);
  return bitpix == 8 ? offset == -128
                     : offset == static_cast<double>(1ULL << static_cast<unsigned>(bitpix - 1));
}

void add_marks(HeaderDraft& draft, MissingCause cause, std::string_view file_name) {
  const CauseText why = text_of(cause);
  draft.add(CardRank::needed, {"ASTROFS", "'PLACEHOLDER'", "no real data: every pixel is blank"});
  draft.add(CardRank::needed, {"ASTROWHY", std::string(why.value), std::string(why.comment)});
  const std::string text = fmt::format("astrofs placeholder 1 for {}", file_name);
  for (std::string& card : fits::history_cards(text)) draft.add_text(CardRank::needed, std::move(card));
}

}  // namespace astrofs
