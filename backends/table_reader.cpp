#include "backends/table_reader.h"

#include <algorithm>
#include <array>

#include "backends/url.h"
#include "base/hash.h"
#include "base/home.h"

namespace astrofs {

std::string TableReader::text(const std::string& key, const std::optional<std::string>& fallback) {
  std::string given = string_of(key, fallback);
  if (given != fallback) means(key, given);
  return given;
}

std::string TableReader::login(const std::string& key, const std::string& usual) {
  const std::string given = string_of(key, usual);
  if (error_ || given.starts_with('/')) return given;
  // No shell expands a tilde in a table.
  if (!given.starts_with("~/")) {
    complain(where_of(key), key + " must be absolute: the mount does not run where it was started");
    return {};
  }
  auto expanded = expand_home(given);
  if (!expanded) complain(where_of(key), key + ": " + expanded.error().message);
  return expanded.value_or("");
}

unsigned TableReader::count(const std::string& key, unsigned fallback, unsigned most) {
  const ConfigValue* const found = take(key);
  if (found == nullptr) return fallback;
  const auto* const value = std::get_if<std::int64_t>(&found->value);
  if (value != nullptr && *value >= 1 && *value <= most) {
    if (*value != fallback) means(key, std::to_string(*value));
    return static_cast<unsigned>(*value);
  }
  complain(found->where, key + " must be a number from 1 to " + std::to_string(most));
  return fallback;
}

bool TableReader::flag(const std::string& key, bool fallback) {
  const ConfigValue* const found = take(key);
  if (found == nullptr) return fallback;
  if (const auto* const value = std::get_if<bool>(&found->value)) {
    if (*value != fallback) means(key, *value ? "true" : "false");
    return *value;
  }
  complain(found->where, key + " must be true or false");
  return fallback;
}

std::map<std::string, std::string> TableReader::entries(const std::string& key) {
  const ConfigValue* const found = take(key);
  if (found == nullptr) return {};
  if (const auto* const value = std::get_if<std::map<std::string, std::string>>(&found->value)) {
    std::string all;
    for (const auto& [name, item] : *value) all += name + '=' + item + '\n';
    means(key, std::move(all));
    return *value;
  }
  complain(found->where, key + " must be a table of names and values");
  return {};
}

std::string TableReader::base_url(const std::string& key, const std::optional<std::string>& fallback,
                                  bool may_be_empty) {
  const std::string given = string_of(key, fallback);
  if (error_) return {};
  auto checked = given.empty() && may_be_empty ? Result<std::string>("") : url::check_base(given);
  if (!checked) complain(where_of(key), key + ": " + checked.error().message);
  if (checked && *checked != fallback) means(key, *checked);  // however it was written
  return checked.value_or("");
}

std::string TableReader::where_of(const std::string& key) const {
  const auto found = table_.keys.find(key);
  return found == table_.keys.end() ? table_.where : found->second.where;
}

std::string TableReader::where_of(const std::string& key, const std::string& entry) const {
  const auto found = table_.keys.find(key);
  if (found == table_.keys.end()) return table_.where;
  const auto inner = found->second.where_within.find(entry);
  return inner == found->second.where_within.end() ? found->second.where : inner->second;
}

void TableReader::complain(const std::string& where, const std::string& what) {
  if (!error_) error_ = Error{Errc::invalid, where + ": " + what};
}

Result<void> TableReader::finish() {
  for (const auto& [key, value] : table_.keys) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    complain(value.where, "unknown key \"" + key + "\" for an archive of type \"" + table_.type +
                              "\"; known: type, " + known_keys());
  }
  if (error_) return tl::unexpected<Error>(*error_);
  return {};
}

std::string TableReader::identity() const {
  std::string text = table_.type;
  for (const auto& [key, value] : meaning_) text += '\n' + key + '=' + value;
  return to_hex(sha256_prefix({text}));
}

const ConfigValue* TableReader::take(const std::string& key) {
  known_.push_back(key);
  const auto found = table_.keys.find(key);
  return found == table_.keys.end() ? nullptr : &found->second;
}

std::string TableReader::string_of(const std::string& key, const std::optional<std::string>& fallback) {
  const ConfigValue* const found = take(key);
  if (found == nullptr) {
    if (!fallback)
      complain(table_.where,
               "[archives." + table_.name + "] of type \"" + table_.type + "\" needs the key " + key);
    return fallback.value_or("");
  }
  if (const auto* const value = std::get_if<std::string>(&found->value)) return *value;
  complain(found->where, key + " must be a string");
  return {};
}

void TableReader::means(const std::string& key, std::string value) {
  // By which way bytes come, and how often, makes no other archive.
  constexpr std::array<std::string_view, 3> kOfTheWay{"client_id", "connections", "days"};
  if (std::ranges::find(kOfTheWay, key) == kOfTheWay.end()) meaning_[key] = std::move(value);
}

std::string TableReader::known_keys() const {
  std::string all;
  for (const std::string& key : known_) all += (all.empty() ? "" : ", ") + key;
  return all;
}

}  // namespace astrofs
