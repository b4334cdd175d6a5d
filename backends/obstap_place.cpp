#include "backends/obstap_place.h"

#include <algorithm>
#include <array>
#include <utility>

#include "backends/format/numbers.h"
#include "backends/url.h"

namespace astrofs::obstap {
namespace {

constexpr std::string_view kNone = "NULL";

bool is_number(std::string_view text) {
  return number_in<double>(text).has_value() &&
         text.find_first_not_of("0123456789+-.eE") == std::string_view::npos;
}

bool fits(std::string_view text, Kind kind) {
  switch (kind) {
    case Kind::text:
      return true;
    case Kind::number:
      return is_number(text);
    case Kind::single:
      return is_number(text) && number_in<float>(text).has_value();
    case Kind::boolean:
      return text == "true" || text == "false";
    case Kind::time:
      return !text.empty();
  }
  return false;
}

constexpr std::array<std::pair<char, Kind>, 5> kLetters{
    {{'l', Kind::text}, {'v', Kind::number}, {'w', Kind::single}, {'b', Kind::boolean}, {'t', Kind::time}}};

bool is_key(std::string_view text) {
  return text.size() == 1 + kKeyDigits && (text[0] == kPathKey || text[0] == kAddressKey) &&
         text.find_first_not_of("0123456789abcdef", 1) == std::string_view::npos;
}

/// Parts come in this order: levels, then each of these at most once.
bool take(Place& place, char kind, std::string text) {
  const bool at_levels = place.did.empty() && place.semantics.empty() && place.file.empty();
  const auto* const level = std::ranges::find(kLetters, kind, &std::pair<char, Kind>::first);
  if (level != kLetters.end()) {
    const bool good = fits(text, level->second);
    place.levels.push_back({std::move(text), level->second});
    return at_levels && good;
  }
  switch (kind) {
    case 'n':
    case 'm':
      place.levels.push_back({std::nullopt, kind == 'm' ? Kind::number : Kind::text});
      return at_levels && text.empty();
    case 'd':
      return at_levels && !(place.did = std::move(text)).empty();
    case 's':
      if (!place.semantics.empty() || place.is_file()) return false;
      return !(place.semantics = std::move(text)).empty();
    case 'f':
      if (place.is_file() || place.did.empty()) return false;
      return !(place.file = std::move(text)).empty();
    case 'k': {
      if (!place.is_file() || !place.key.empty() || !is_key(text)) return false;
      place.key = std::move(text);
      return true;
    }
    default:
      return false;
  }
}

}  // namespace

Place data_set_of(const Place& place) {
  Place top;
  top.levels = place.levels;
  top.did = place.did;
  return top;
}

std::string to_locator(const Place& place) {
  std::string out;
  const auto add = [&out](char kind, std::string_view text) {
    if (!out.empty()) out += '/';
    out += kind;
    out += url::encode_component(text);
  };
  for (const Value& level : place.levels) {
    if (level.text) {
      const auto* const letter = std::ranges::find(kLetters, level.kind, &std::pair<char, Kind>::second);
      add(letter->first, *level.text);
    } else {
      add(level.kind == Kind::text ? 'n' : 'm', "");
    }
  }
  if (!place.did.empty()) add('d', place.did);
  if (!place.semantics.empty()) add('s', place.semantics);
  if (!place.file.empty()) {
    add('f', place.file);
    if (!place.key.empty()) add('k', place.key);
  }
  return out;
}

std::optional<Place> to_place(std::string_view locator) {
  Place place;
  while (!locator.empty()) {
    const auto slash = std::min(locator.find('/'), locator.size());
    if (slash == 0) return std::nullopt;
    if (!take(place, locator.front(), url::decode(locator.substr(1, slash - 1)))) return std::nullopt;
    if (slash + 1 == locator.size()) return std::nullopt;  // nothing behind the last '/'
    locator.remove_prefix(std::min(slash + 1, locator.size()));
  }
  return place;
}

std::string name_of_value(const Value& value) {
  return value.text && !value.text->empty() ? *value.text : std::string(kNone);
}

std::optional<Value> value_of_name(std::string_view name, Kind kind) {
  if (name.empty()) return std::nullopt;
  if (name == kNone) return Value{std::nullopt, kind == Kind::text ? Kind::text : Kind::number};
  if (!fits(name, kind)) return std::nullopt;
  return Value{std::string(name), kind};
}

}  // namespace astrofs::obstap
