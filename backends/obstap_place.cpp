#include "backends/obstap_place.h"

#include <algorithm>

#include "backends/format/numbers.h"
#include "backends/url.h"

namespace astrofs::obstap {
namespace {

constexpr std::string_view kNone = "NULL";

bool is_number(std::string_view text) {
  return number_in<double>(text).has_value() &&
         text.find_first_not_of("0123456789+-.eE") == std::string_view::npos;
}

bool is_key(std::string_view text) {
  return text.size() == 1 + kKeyDigits && (text[0] == kPathKey || text[0] == kAddressKey) &&
         text.find_first_not_of("0123456789abcdef", 1) == std::string_view::npos;
}

/// Parts come in this order: levels, then each of these at most once.
bool take(Place& place, char kind, std::string text) {
  const bool at_levels = place.did.empty() && place.semantics.empty() && place.file.empty();
  switch (kind) {
    case 'l':
      place.levels.push_back({std::move(text), false});
      return at_levels;
    case 'v': {
      const bool good = is_number(text);
      place.levels.push_back({std::move(text), true});
      return at_levels && good;
    }
    case 'n':
    case 'm':
      place.levels.push_back({std::nullopt, kind == 'm'});
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
      add(level.is_number ? 'v' : 'l', *level.text);
    } else {
      add(level.is_number ? 'm' : 'n', "");
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

std::optional<Value> value_of_name(std::string_view name, bool number) {
  if (name.empty()) return std::nullopt;
  if (name == kNone) return Value{std::nullopt, number};
  if (number && !is_number(name)) return std::nullopt;
  return Value{std::string(name), number};
}

}  // namespace astrofs::obstap
