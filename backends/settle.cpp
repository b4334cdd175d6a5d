#include "backends/settle.h"

#include <cstdint>
#include <span>

#include "backends/unique_names.h"
#include "base/hash.h"
#include "base/log.h"

namespace astrofs {
namespace {

bool is_single_component(const std::string& name, Slashes slashes) {
  if (slashes == Slashes::are_levels && name.find('/') != std::string::npos) return false;
  return !name.empty() && name.find('\0') == std::string::npos;
}

}  // namespace

std::vector<Entry> settle_entries(std::vector<Entry> entries, std::string_view where, Slashes slashes) {
  const auto given = entries.size();
  std::erase_if(entries, [&](const Entry& entry) { return !is_single_component(entry.name, slashes); });
  const auto dropped = given - entries.size();

  const auto doubled = sort_unique_names(entries);
  if (dropped > 0 || doubled > 0) {
    log::warning("{}: {} names that are no file names and {} doubled names are not shown", where, dropped,
                 doubled);
  }
  return entries;
}

std::string content_token(const std::vector<Entry>& entries) {
  // Entry by entry, each under the hash of those before it: the text of 100,000 would be 20 MB.
  std::uint64_t hash = 0;
  std::string text;
  const auto field = [&text](std::string_view value) {
    text += std::to_string(value.size());  // the length first: no two sequences of fields give one text
    text += ':';
    text += value;
  };
  for (const Entry& entry : entries) {
    text.clear();
    field(entry.name);
    field(std::to_string(static_cast<int>(entry.kind)));
    field(entry.size ? std::to_string(*entry.size) : "");
    field(std::to_string(entry.mtime.time_since_epoch().count()));
    field(entry.locator);
    field(entry.validator);
    hash = xxh3(std::as_bytes(std::span(text)), hash);
  }
  return "content:" + to_hex(std::as_bytes(std::span(&hash, 1)));
}

std::variant<Listing, NotModified> settle(std::vector<Entry> entries, std::string_view token,
                                          std::chrono::seconds good_for, std::string_view where,
                                          Slashes slashes) {
  Listing listing{settle_entries(std::move(entries), where, slashes), {}, good_for};
  listing.token = content_token(listing.entries);
  if (listing.token == token) return NotModified{};
  return listing;
}

}  // namespace astrofs
