#include "backends/format/name_pattern.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "base/file_name.h"

namespace astrofs {
namespace {

constexpr char kFirstPrintable = ' ';
constexpr char kLastPrintable = '~';

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
/// Quotes are doubled where a text is put into a query; a backslash before one would undo that at some
/// services, and letters beyond ASCII become quotes at others.
bool is_text(char c) {
  return c >= kFirstPrintable && c <= kLastPrintable && c != '\\';
}

/// The automaton of a number. Its start is the first state.
enum Number : std::size_t { start, sign, digits, point, fraction, exponent, exponent_sign, power };

std::optional<std::size_t> step_number(std::size_t state, char c) {
  const bool digit = is_digit(c);
  const bool is_sign = c == '-' || c == '+';
  switch (state) {
    case start:
      if (is_sign) return sign;
      [[fallthrough]];
    case sign:
      return digit      ? std::optional<std::size_t>(digits)
             : c == '.' ? std::optional<std::size_t>(point)
                        : std::nullopt;
    case digits:
      if (digit) return digits;
      if (c == '.') return point;
      return c == 'e' || c == 'E' ? std::optional<std::size_t>(exponent) : std::nullopt;
    case point:
      return digit ? std::optional<std::size_t>(fraction) : std::nullopt;
    case fraction:
      if (digit) return fraction;
      return c == 'e' || c == 'E' ? std::optional<std::size_t>(exponent) : std::nullopt;
    case exponent:
      if (is_sign) return exponent_sign;
      [[fallthrough]];
    default:
      return digit ? std::optional<std::size_t>(power) : std::nullopt;
  }
}

/// Of a text there are two states: none of it is there yet, and some.
std::optional<std::size_t> step(bool is_number, std::size_t state, char c) {
  if (is_number) return step_number(state, c);
  return is_text(c) ? std::optional<std::size_t>(1) : std::nullopt;
}
bool may_end(bool is_number, std::size_t state) {
  if (!is_number) return state == 1;
  return state == digits || state == fraction || state == power;
}

}  // namespace

bool is_plain_number(std::string_view text) {
  std::optional<std::size_t> state = start;
  for (const char c : text) {
    if (state) state = step_number(*state, c);
  }
  return state && may_end(true, *state);
}

Result<NamePattern> NamePattern::parse(std::string_view text) {
  NamePattern pattern;
  pattern.text_ = text;
  std::string literal;
  const auto end_literal = [&] {
    if (!literal.empty()) pattern.pieces_.push_back({false, false, std::exchange(literal, {})});
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '}') return fail(Errc::invalid, "a '}' that ends no field");
    if (text[at] != '{') {
      literal += text[at];
      continue;
    }
    const std::size_t end = std::min(text.find('}', at), text.size());
    const std::string field(text.substr(at + 1, end - at - 1));
    if (end == text.size() || field.empty() || !std::ranges::all_of(field, is_word) || is_digit(field[0]))
      return fail(Errc::invalid, "a '{' that begins no field: it is followed by a word and '}'");
    if (std::ranges::find(pattern.fields_, field) != pattern.fields_.end())
      return fail(Errc::invalid, "the field {" + field + "} is there twice");
    end_literal();
    if (!pattern.pieces_.empty() && pattern.pieces_.back().is_field)
      return fail(Errc::invalid,
                  "nothing stands between {" + pattern.fields_.back() + "} and {" + field + "}");
    pattern.pieces_.push_back({true, false, field});
    pattern.fields_.push_back(field);
    at = end;
  }
  end_literal();
  // What a directory would show under another name could not be typed as it is written here.
  for (const Piece& piece : pattern.pieces_) {
    const std::string name = piece.is_field ? "x" : "x" + piece.text + "x";
    if (encode_file_name(name) != name) return fail(Errc::invalid, "letters that no name has as they are");
  }
  if (text.empty() || text.front() == '.') return fail(Errc::invalid, "no name of a file that is shown");
  return pattern;
}

void NamePattern::want_numbers(const std::set<std::string, std::less<>>& fields) {
  for (Piece& piece : pieces_)
    piece.is_number = piece.is_number || (piece.is_field && fields.contains(piece.text));
}

bool NamePattern::fits(std::size_t at, std::string_view rest, Values& values,
                       std::set<std::pair<std::size_t, std::size_t>>& hopeless) const {
  if (at == pieces_.size()) return rest.empty();
  const Piece& piece = pieces_[at];
  if (!piece.is_field) {
    return rest.starts_with(piece.text) && fits(at + 1, rest.substr(piece.text.size()), values, hopeless);
  }
  // Each place is tried once for each field, however many ways lead there.
  if (hopeless.contains({at, rest.size()})) return false;
  std::optional<std::size_t> state = 0;
  for (std::size_t length = 1; length <= rest.size(); ++length) {
    state = step(piece.is_number, *state, rest[length - 1]);
    if (!state) break;
    if (!may_end(piece.is_number, *state) || !fits(at + 1, rest.substr(length), values, hopeless)) continue;
    values[piece.text] = rest.substr(0, length);
    return true;
  }
  hopeless.insert({at, rest.size()});
  return false;
}

std::optional<NamePattern::Values> NamePattern::match(std::string_view name) const {
  Values values;
  std::set<std::pair<std::size_t, std::size_t>> hopeless;
  if (!fits(0, name, values, hopeless)) return std::nullopt;
  return values;
}

std::vector<NamePattern::At> NamePattern::after(const At& at, char letter) const {
  if (at.piece == pieces_.size()) return {};
  const Piece& piece = pieces_[at.piece];
  if (!piece.is_field) {
    if (piece.text[at.inner] != letter) return {};
    return {at.inner + 1 == piece.text.size() ? At{at.piece + 1, 0} : At{at.piece, at.inner + 1}};
  }
  const auto state = step(piece.is_number, at.inner, letter);
  if (!state) return {};
  std::vector<At> places{{at.piece, *state}};
  if (may_end(piece.is_number, *state)) places.push_back({at.piece + 1, 0});
  return places;
}

std::optional<char> NamePattern::wants(const At& at) const {
  if (at.piece == pieces_.size() || pieces_[at.piece].is_field) return std::nullopt;
  return pieces_[at.piece].text[at.inner];
}

std::optional<std::string> NamePattern::name_of_both(const NamePattern& a, const NamePattern& b) {
  using Pair = std::pair<At, At>;
  struct Came {
    Pair from;
    char by;
  };
  std::map<Pair, Came> seen;
  std::deque<Pair> open{{At{}, At{}}};
  seen[open.front()] = {};
  const Pair end{{a.pieces_.size(), 0}, {b.pieces_.size(), 0}};
  while (!open.empty() && !seen.contains(end)) {
    const Pair here = open.front();
    open.pop_front();
    const auto wanted = a.wants(here.first) ? a.wants(here.first) : b.wants(here.second);
    // A digit first: an example of a number is "0" and not "+".
    std::string letters(1, wanted.value_or('0'));
    for (char c = kFirstPrintable; !wanted && c <= kLastPrintable; ++c) letters += c;
    for (const char letter : letters) {
      for (const At& one : a.after(here.first, letter)) {
        for (const At& other : b.after(here.second, letter)) {
          if (seen.try_emplace({one, other}, Came{here, letter}).second) open.emplace_back(one, other);
        }
      }
    }
  }
  if (!seen.contains(end)) return std::nullopt;
  std::string name;
  for (Pair at = end; at != Pair{}; at = seen[at].from) name.insert(name.begin(), seen[at].by);
  return name;
}

}  // namespace astrofs
