#include "backends/obstap.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "backends/format/numbers.h"
#include "backends/product_name.h"
#include "backends/settle.h"
#include "backends/tap.h"
#include "base/hash.h"

namespace astrofs {
namespace {

using obstap::Place;
using obstap::Value;

// Archives take in new data once a day; what was listed of them an hour ago is asked again behind the reader.
constexpr std::chrono::hours kLevel{24};
constexpr std::chrono::hours kDataSets{6};
constexpr std::size_t kLevels = 10'000;

std::string tag_of(std::initializer_list<std::string_view> parts) {
  return to_hex(sha256_prefix(parts)).substr(0, 8);
}

Error unknown(std::string_view dir) {
  return {Errc::not_found, "the service has no data set there: " + std::string(dir)};
}

}  // namespace

ObstapArchive::ObstapArchive(std::string base, obstap::Table table, VoAccess access, http::Fetcher& fetcher,
                             const Clock& clock, Limits limits)
    : client_(std::move(base), VoProtocol::tap, std::move(access), fetcher, clock),
      table_(std::move(table)),
      clock_(clock),
      limits_(limits),
      files_(client_, clock, limits.files) {}

void ObstapArchive::notice_login() {
  if (!client_.notice_login()) return;
  files_.forget();
  const MutexLock lock(mutex_);
  complete_.clear();
}

Result<std::variant<Listing, NotModified>> ObstapArchive::list(std::string_view dir, std::string_view token,
                                                               std::stop_token stop) {
  const auto place = obstap::to_place(dir);
  if (!place || place->is_file() || place->levels.size() > table_.levels.size()) {
    return tl::unexpected(unknown(dir));
  }
  const bool is_level = place->levels.size() < table_.levels.size();
  if (is_level && (!place->did.empty() || !place->semantics.empty())) return tl::unexpected(unknown(dir));
  auto part = is_level ? values(*place, stop) : data_sets(*place, stop);
  if (!part) return tl::unexpected(part.error());
  if (part->entries.empty() && !place->levels.empty() && part->rows == 0) return tl::unexpected(unknown(dir));
  if (is_level && part->whole) {
    const MutexLock lock(mutex_);
    if (complete_.size() >= kLevels) complete_.clear();
    complete_[std::string(dir)] = clock_.steady();
  }
  const PartToken before(token);
  const std::string known = before.whole == part->whole ? before.content : "";
  auto settled = settle(std::move(part->entries), known, is_level ? kLevel : kDataSets,
                        "obstap/" + std::string(dir), Slashes::are_names);
  if (auto* const listing = std::get_if<Listing>(&settled)) {
    listing->token = PartToken{listing->token, part->whole, part->rows}.text();
  }
  return settled;
}

std::string ObstapArchive::remark(std::string_view dir, std::string_view token) const {
  const PartToken said(token);
  if (said.content.empty()) return {};
  const std::string rows = std::to_string(said.rows);
  if (said.whole) return rows + " data sets";
  const auto place = obstap::to_place(dir);
  if (place && place->levels.size() < table_.levels.size()) {
    return "there are more: these have " + rows + " data sets, and any other opens by its name";
  }
  return "the first " + rows +
         " data sets, and there are more: a further level of `tree` or a condition of "
         "`where` tells them apart";
}

/// The names of one level.
Result<ObstapArchive::Part> ObstapArchive::values(const Place& place, const std::stop_token& stop) {
  Part part;
  std::set<std::string> seen;
  std::optional<Value> last;
  bool is_number = false;
  unsigned pages = 0;
  const auto add = [&](Value value, std::uint64_t rows) {
    part.rows += rows;
    const std::string name = obstap::name_of_value(value);
    value = obstap::value_of_name(name, value.is_number).value_or(value);
    if (!seen.insert(name).second) return;
    Place below = place;
    below.levels.push_back(value);
    part.entries.push_back(
        directory_entry(product_name::shortened(name, tag_of({name})), obstap::to_locator(below)));
  };
  for (bool more = true; more; ++pages) {
    const auto answer = client_.ask({obstap::values_query(table_, place, last), limits_.page}, stop);
    if (!answer) return tl::unexpected(answer.error());
    if (answer->table.fields.empty())
      return fail(Errc::corrupt, "an answer without the column that was asked for");
    const auto column = answer->table.column(table_.levels[place.levels.size()]).value_or(0);
    const auto count = answer->table.column("n");
    is_number = !answer->table.fields[column].is_text();
    const std::size_t before = seen.size();
    for (std::size_t i = 0; i < answer->rows.size(); ++i) {
      const auto& cell = answer->rows[i][column];
      add({cell, is_number}, number_in<std::uint64_t>(answer->text(i, count)).value_or(1));
      if (cell) last = Value{cell, is_number};
    }
    more = answer->overflow;
    if (more && seen.size() >= limits_.names) part.whole = more = false;
    if (more && (seen.size() == before || !last)) {
      return fail(Errc::corrupt, "the service says that there is more and gives nothing new");
    }
  }
  // Rows without a value come first or last, as the service likes, and no page after the first has them.
  if (last && !seen.contains(obstap::name_of_value({})) && pages > 1) {
    Place none = place;
    none.levels.push_back({std::nullopt, is_number});
    const auto answer = client_.ask({obstap::count_query(table_, none), {}}, stop);
    if (!answer) return tl::unexpected(answer.error());
    const std::uint64_t rows =
        answer->rows.empty() ? 0 : number_in<std::uint64_t>(answer->text(0, 0)).value_or(0);
    if (rows > 0) add({std::nullopt, is_number}, rows);
  }
  return part;
}

Result<ObstapArchive::Rows> ObstapArchive::rows(const Place& place, const std::stop_token& stop) {
  Rows out;
  for (std::string last;;) {
    const auto answer = client_.ask({obstap::rows_query(table_, place, last), limits_.page}, stop);
    if (!answer) return tl::unexpected(answer.error());
    auto page = datalink::rows_of(*answer);
    if (!page) return tl::unexpected(page.error());
    const std::string before = last;
    if (answer->overflow && page->size() > 1) {
      // Identifiers may repeat: rows of the last one may stand on the next page, and come with it.
      const auto tail = std::ranges::find(*page, page->back().did, &datalink::Row::did);
      if (tail == page->begin()) return fail(Errc::too_large, "a data set of more rows than a page has");
      page->erase(tail, page->end());
    }
    if (!page->empty()) last = page->back().did;
    std::move(page->begin(), page->end(), std::back_inserter(out.rows));
    if (!answer->overflow) return out;
    if (out.rows.size() >= limits_.rows) {
      out.whole = false;
      return out;
    }
    if (last == before)
      return fail(Errc::corrupt, "the service says that there is more and gives nothing new");
  }
}

bool ObstapArchive::finds(std::string_view dir) const {
  const auto place = obstap::to_place(dir);
  return place && !place->is_file() && place->levels.size() < table_.levels.size();
}

Result<bool> ObstapArchive::is_number(const std::string& column, const std::stop_token& stop) {
  if (const auto known = obstap::is_number_column(column)) return *known;
  {
    const MutexLock lock(mutex_);
    if (const auto known = numbers_.find(column); known != numbers_.end()) return known->second;
  }
  const auto answer = client_.ask({obstap::type_query(table_, column), {}}, stop);
  if (!answer) return tl::unexpected(answer.error());
  if (answer->table.fields.empty())
    return fail(Errc::corrupt, "an answer without the column that was asked for");
  const MutexLock lock(mutex_);
  return numbers_[column] = !answer->table.fields.front().is_text();
}

Result<std::optional<Entry>> ObstapArchive::find(std::string_view dir, std::string_view name,
                                                 std::stop_token stop) {
  const auto place = obstap::to_place(dir);
  if (!place || !finds(dir) || name.empty()) return std::optional<Entry>{};
  {
    const MutexLock lock(mutex_);
    const auto whole = complete_.find(std::string(dir));
    if (whole != complete_.end() && clock_.steady() - whole->second < kLevel) return std::optional<Entry>{};
  }
  const auto number = is_number(table_.levels[place->levels.size()], stop);
  if (!number) return tl::unexpected(number.error());
  const auto value = obstap::value_of_name(name, *number);
  if (!value) return std::optional<Entry>{};
  Place below = *place;
  below.levels.push_back(*value);
  const auto answer = client_.ask({obstap::count_query(table_, below), {}}, stop);
  if (!answer) return tl::unexpected(answer.error());
  if (answer->rows.empty() || number_in<std::uint64_t>(answer->text(0, 0)).value_or(0) == 0) {
    return std::optional<Entry>{};
  }
  return std::optional(directory_entry(std::string(name), obstap::to_locator(below)));
}

/// The files of the data sets of a place, or of one of them.
Result<ObstapArchive::Part> ObstapArchive::data_sets(const Place& place, const std::stop_token& stop) {
  auto found = rows(obstap::data_set_of(place), stop);
  if (!found) return tl::unexpected(found.error());
  Part part;
  part.whole = found->whole;
  part.rows = found->rows.size();
  auto entries = files_.entries(place, std::move(found->rows), stop);
  if (!entries) return tl::unexpected(entries.error());
  part.entries = std::move(*entries);
  if (!place.semantics.empty() && part.entries.empty()) part.rows = 0;  // it has no such directory
  return part;
}

Result<std::vector<http::Request>> ObstapArchive::locate(std::string_view locator) {
  return files_.locate(locator);
}

Result<std::vector<http::Request>> ObstapArchive::seek(std::string_view locator, bool again,
                                                       std::stop_token stop) {
  const auto place = obstap::to_place(locator);
  if (!place || !place->is_file() || (!again && files_.address(locator))) return locate(locator);
  // Whoever is refused the file wants to know why.
  if (again) client_.learn_methods(stop);
  const auto found = rows(obstap::data_set_of(*place), stop);
  if (!found) return tl::unexpected(found.error());
  return files_.seek(*place, found->rows, stop);
}

}  // namespace astrofs
