#include "fs/fits_card.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

namespace astrofs::fits {
namespace {

constexpr std::size_t kKeywordSize = 8;
constexpr std::size_t kValueAt = 10;         // behind "KEYWORD = "
constexpr std::size_t kFixedValueSize = 20;  // fixed format: numbers and logicals end in column 30
constexpr std::size_t kMaxText = 68;         // of a string value: 80 - 10 - two quotes; an & takes one
constexpr std::size_t kMinText = 8;          // a string's closing quote stands in column 20 or later
constexpr std::size_t kHistoryText = kCardSize - kKeywordSize;

bool is_printable(char letter) {
  return letter >= ' ' && letter <= '~';
}

std::string printable(std::string_view text) {
  std::string clean(text);
  std::replace_if(
      clean.begin(), clean.end(), [](char letter) { return !is_printable(letter); }, '?');
  return clean;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

bool is_keyword(std::string_view keyword) {
  return !keyword.empty() && keyword.size() <= kKeywordSize && std::ranges::all_of(keyword, [](char letter) {
    return (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') || letter == '-' ||
           letter == '_';
  });
}

bool is_commentary(std::string_view keyword) {
  return keyword.empty() || keyword == "COMMENT" || keyword == "HISTORY";
}

/// Where a string value that begins at `text`'s first letter ends; "''" inside stands for one quote.
std::size_t end_of_string(std::string_view text) {
  std::size_t at = 1;
  while (at < text.size()) {
    if (text[at] == '\'') {
      if (at + 1 >= text.size() || text[at + 1] != '\'') return at + 1;
      ++at;
    }
    ++at;
  }
  return text.size();
}

bool is_string(std::string_view value) {
  return value.size() >= 2 && value.starts_with('\'') && value.ends_with('\'') &&
         end_of_string(value) == value.size();
}

/// How much of the inside of a string value one card takes, without the second half of a doubled quote.
std::size_t length_of_part(std::string_view text) {
  if (text.size() <= kMaxText) return text.size();
  std::size_t at = 0;
  while (true) {
    const std::size_t width = text[at] == '\'' ? 2 : 1;
    if (at + width > kMaxText - 1) return at;
    at += width;
  }
}

}  // namespace

std::string_view keyword_of(std::string_view card) {
  return trimmed(card.substr(0, kKeywordSize));
}

bool is_numbered(std::string_view keyword, std::string_view stem) {
  return keyword.size() > stem.size() && keyword.starts_with(stem) &&
         std::ranges::all_of(keyword.substr(stem.size()),
                             [](char letter) { return letter >= '0' && letter <= '9'; });
}

std::optional<ValueAndComment> split_card(std::string_view card) {
  if (card.size() < kValueAt || card.substr(kKeywordSize, 2) != "= ") return std::nullopt;
  const std::string_view rest = card.substr(kValueAt);
  const auto first = rest.find_first_not_of(' ');
  if (first == std::string_view::npos) return ValueAndComment{};
  const std::size_t value_end =
      rest[first] == '\'' ? first + end_of_string(rest.substr(first)) : std::min(rest.find('/'), rest.size());
  const auto slash = rest.find('/', value_end);
  return ValueAndComment{trimmed(rest.substr(0, value_end)), slash == std::string_view::npos
                                                                 ? std::string_view{}
                                                                 : trimmed(rest.substr(slash + 1))};
}

std::optional<std::int64_t> integer_value(std::string_view card) {
  const auto parts = split_card(card);
  if (!parts) return std::nullopt;
  std::string_view text = parts->value;
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Result<std::string> format_card(const FitsCard& card) {
  if (!is_commentary(card.keyword) && !is_keyword(card.keyword)) {
    return fail(Errc::invalid, fmt::format("\"{}\" is no FITS keyword", printable(card.keyword)));
  }
  std::string text;
  if (is_commentary(card.keyword)) {
    text = fmt::format("{:<8}{}", card.keyword, printable(card.comment));
  } else {
    std::string value = printable(card.value);
    if (value.starts_with('\'')) {
      if (!is_string(value)) {
        return fail(Errc::invalid, fmt::format("the value of {} is no FITS string", card.keyword));
      }
      if (value.size() < kMinText + 2) value.insert(value.size() - 1, kMinText + 2 - value.size(), ' ');
      text = fmt::format("{:<8}= {:<{}}", card.keyword, value, kFixedValueSize);
    } else {
      text = fmt::format("{:<8}= {:>{}}", card.keyword, value, kFixedValueSize);
    }
    if (text.size() > kCardSize) {
      return fail(Errc::invalid, fmt::format("the value of {} is too long for a card", card.keyword));
    }
    if (!card.comment.empty()) text += " / " + printable(card.comment);
  }
  text.resize(kCardSize, ' ');
  return text;
}

Result<std::string> format_long_card(const FitsCard& card) {
  const std::string value = printable(card.value);
  if (value.size() <= kMaxText + 2 || !is_string(value)) return format_card(card);
  std::string_view left = std::string_view(value).substr(1, value.size() - 2);
  std::string cards;
  while (true) {
    const std::size_t length = length_of_part(left);
    const std::string part(left.substr(0, length));
    left.remove_prefix(length);
    const std::string text = fmt::format("'{}{}'", part, left.empty() ? "" : "&");
    if (cards.empty()) {
      auto first = format_card({card.keyword, text, {}});
      if (!first) return first;
      cards = *std::move(first);
    } else {
      std::string next = "CONTINUE  " + text;
      if (left.empty() && !card.comment.empty()) next += " / " + printable(card.comment);
      next.resize(kCardSize, ' ');
      cards += next;
    }
    if (left.empty()) return cards;
  }
}

std::vector<std::string> history_cards(std::string_view text) {
  std::vector<std::string> cards;
  for (std::size_t at = 0; at < text.size(); at += kHistoryText) {
    std::string card = "HISTORY " + printable(text.substr(at, kHistoryText));
    card.resize(kCardSize, ' ');
    cards.push_back(std::move(card));
  }
  return cards;
}

}  // namespace astrofs::fits
