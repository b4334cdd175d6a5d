#include "backends/obstap.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "backends/format/numbers.h"
#include "backends/part_token.h"
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
/// Names that were asked for: a megabyte or two.
constexpr std::size_t kMostAsked = 10'000;

std::string tag_of(std::initializer_list<std::string_view> parts) {
  return to_hex(sha256_prefix(parts)).substr(0, 8);
}

Error unknown(std::string_view dir) {
  return {Errc::not_found, "the service has no data set there: " + std::string(dir)};
}

/// May there be more than so many rows, which were asked for? Not every service says that it has cut some
/// off.
bool has_more(const tap::Answer& answer, std::size_t most) {
  return answer.overflow || answer.rows.size() >= most;
}

}  // namespace

ObstapArchive::ObstapArchive(std::string base, obstap::Table table, VoAccess access, http::Fetcher& fetcher,
                             const Clock& clock, Limits limits)
    : client_(std::move(base), VoProtocol::tap, std::move(access), fetcher, clock),
      table_(std::move(table)),
      limits_(limits),
      files_(client_, clock, limits.files),
      asked_(clock, kMostAsked) {}

void ObstapArchive::notice_login() {
  if (!client_.notice_login()) return;
  files_.forget();
  asked_.forget();
}

Result<std::variant<Listing, NotModified>> ObstapArchive::list(std::string_view dir, std::string_view token,
                                                               std::stop_token stop) {
  const auto place = obstap::to_place(dir);
  if (!place || place->is_file() || place->levels.size() > table_.levels.size()) {
    return tl::unexpected(unknown(dir));
  }
  const bool is_level = this->is_level(*place);
  if (is_level && (!place->did.empty() || !place->semantics.empty())) return tl::unexpected(unknown(dir));
  auto part = is_level ? values(*place, stop) : data_sets(*place, stop);
  if (!part) return tl::unexpected(part.error());
  if (part->entries.empty() && !place->levels.empty() && part->rows == 0) return tl::unexpected(unknown(dir));
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
  if (place && is_level(*place)) {
    return "there are more: these have " + rows + " data sets, and any other opens by its name";
  }
  return "the first " + rows +
         " data sets, and there are more: any other opens by the name that its identifiers end in; a further "
         "level of `tree` or a condition of `where` tells them apart";
}

/// One page of what the service goes through its table for.
Result<tap::Answer> ObstapArchive::ask_slowly(std::string query, const std::stop_token& stop) {
  return client_.ask({.adql = std::move(query), .most_rows = limits_.page, .is_slow = true}, stop);
}

/// The names of one level.
Result<ObstapArchive::Part> ObstapArchive::values(const Place& place, const std::stop_token& stop) {
  Part part;
  std::set<std::string> seen;
  std::optional<Value> last;
  obstap::Kind kind = obstap::Kind::text;
  unsigned pages = 0;
  const auto add = [&](Value value, std::uint64_t rows) {
    part.rows += rows;
    const std::string name = obstap::name_of_value(value);
    value = obstap::value_of_name(name, value.kind).value_or(value);
    if (!seen.insert(name).second) return;
    Place below = place;
    below.levels.push_back(value);
    part.entries.push_back(
        directory_entry(product_name::shortened(name, tag_of({name})), obstap::to_locator(below)));
  };
  for (bool more = true; more; ++pages) {
    const auto answer = ask_slowly(obstap::values_query(table_, place, last), stop);
    if (!answer) return tl::unexpected(answer.error());
    if (answer->table.fields.empty())
      return fail(Errc::corrupt, "an answer without the column that was asked for");
    const auto column = answer->table.column(table_.levels[place.levels.size()]).value_or(0);
    const auto count = answer->table.column("n");
    kind = obstap::kind_of(answer->table.fields[column]);
    {
      const MutexLock lock(mutex_);
      kinds_[table_.levels[place.levels.size()]] = kind;
    }
    const std::size_t before = seen.size();
    for (std::size_t i = 0; i < answer->rows.size(); ++i) {
      const auto& cell = answer->rows[i][column];
      add({cell, kind}, number_in<std::uint64_t>(answer->text(i, count)).value_or(1));
      if (cell) last = Value{cell, kind};
    }
    more = has_more(*answer, limits_.page);
    if (more && seen.size() >= limits_.names) part.whole = more = false;
    if (more && (seen.size() == before || !last)) {
      return fail(Errc::corrupt, "the service says that there is more and gives nothing new");
    }
  }
  // Rows without a value come first or last, as the service likes, and no page after the first has them.
  if (last && !seen.contains(obstap::name_of_value({})) && pages > 1) {
    Place none = place;
    none.levels.push_back({std::nullopt, kind});
    const auto answer = client_.ask({obstap::count_query(table_, none), {}}, stop);
    if (!answer) return tl::unexpected(answer.error());
    const std::uint64_t rows =
        answer->rows.empty() ? 0 : number_in<std::uint64_t>(answer->text(0, 0)).value_or(0);
    if (rows > 0) add({std::nullopt, kind}, rows);
  }
  return part;
}

Result<DataSets::Rows> ObstapArchive::rows(const Place& place, const std::stop_token& stop) {
  DataSets::Rows out;
  for (std::string last;;) {
    auto answer = ask_slowly(obstap::rows_query(table_, place, last), stop);
    if (!answer) return tl::unexpected(answer.error());
    const bool more = has_more(*answer, limits_.page);
    auto page = datalink::rows_of(std::move(*answer));
    if (!page) return tl::unexpected(page.error());
    const std::string before = last;
    if (more && page->size() > 1) {
      // Identifiers may repeat: rows of the last one may stand on the next page, and come with it.
      const auto tail = std::ranges::find(*page, page->back().did, &datalink::Row::did);
      if (tail == page->begin()) return fail(Errc::too_large, "a data set of more rows than a page has");
      page->erase(tail, page->end());
    }
    if (!page->empty()) last = page->back().did;
    std::move(page->begin(), page->end(), std::back_inserter(out.rows));
    if (!more) return out;
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
  return place && place->did.empty() && place->semantics.empty() && !place->is_file() &&
         place->levels.size() <= table_.levels.size();
}

bool ObstapArchive::finds_first(std::string_view dir) const {
  const auto place = obstap::to_place(dir);
  return finds(dir) && is_level(*place);
}

bool ObstapArchive::lists_all(std::string_view, std::string_view token) const {
  const PartToken said(token);
  return !said.content.empty() && said.whole;
}

Result<obstap::Kind> ObstapArchive::kind_of(const std::string& column, const std::stop_token& stop) {
  if (const auto known = obstap::kind_of_column(column)) return *known;
  {
    const MutexLock lock(mutex_);
    if (const auto known = kinds_.find(column); known != kinds_.end()) return known->second;
  }
  const auto answer = client_.ask({obstap::type_query(table_, column), {}}, stop);
  if (!answer) return tl::unexpected(answer.error());
  if (answer->table.fields.empty())
    return fail(Errc::corrupt, "an answer without the column that was asked for");
  const MutexLock lock(mutex_);
  return kinds_[column] = obstap::kind_of(answer->table.fields.front());
}

Result<std::optional<Entry>> ObstapArchive::find(std::string_view dir, std::string_view name,
                                                 std::stop_token stop) {
  const auto place = obstap::to_place(dir);
  if (!place || !finds(dir) || name.empty()) return std::optional<Entry>{};
  const auto found = asked_.for_finding(std::string(dir) + '\n' + std::string(name), [&] {
    return is_level(*place) ? find_value(*place, name, stop) : find_data_set(*place, name, stop);
  });
  if (!found) return tl::unexpected(found.error());
  return *found ? std::optional(**found) : std::nullopt;
}

Result<std::optional<Entry>> ObstapArchive::find_value(const Place& place, std::string_view name,
                                                       const std::stop_token& stop) {
  const auto kind = kind_of(table_.levels[place.levels.size()], stop);
  if (!kind) return tl::unexpected(kind.error());
  const auto value = obstap::value_of_name(name, *kind);
  if (!value) return std::optional<Entry>{};
  Place below = place;
  below.levels.push_back(*value);
  const auto answer = client_.ask({obstap::count_query(table_, below), {}}, stop);
  if (!answer) return tl::unexpected(answer.error());
  if (answer->rows.empty() || number_in<std::uint64_t>(answer->text(0, 0)).value_or(0) == 0) {
    return std::optional<Entry>{};
  }
  return std::optional(directory_entry(std::string(name), obstap::to_locator(below)));
}

/// Of the last level: its files are called like their data sets, as a rule.
Result<std::optional<Entry>> ObstapArchive::find_data_set(const Place& place, std::string_view name,
                                                          const std::stop_token& stop) {
  auto answer =
      client_.ask({obstap::named_query(table_, place, product_name::stem_of(name)), limits_.namesakes}, stop);
  if (!answer) return tl::unexpected(answer.error());
  const bool more = has_more(*answer, limits_.namesakes);
  auto rows = datalink::rows_of(std::move(*answer));
  if (!rows) return tl::unexpected(rows.error());
  auto found = files_.named(place, name, std::move(*rows), stop);
  if (found && !*found && more)
    return fail(Errc::unavailable, "too many data sets have " + std::string(name) + " in their identifiers");
  return found;
}

/// The files of the data sets of a place, or of one of them.
Result<ObstapArchive::Part> ObstapArchive::data_sets(const Place& place, const std::stop_token& stop) {
  auto part = files_.entries_of_late(place, stop);
  if (!part) {
    auto found = rows(obstap::data_set_of(place), stop);
    if (!found) return tl::unexpected(found.error());
    part = files_.entries(place, std::move(*found), stop);
  }
  if (*part && !place.semantics.empty() && (*part)->entries.empty())
    (*part)->rows = 0;  // it has no such directory
  return std::move(*part);
}

Result<std::vector<http::Request>> ObstapArchive::locate(std::string_view locator) {
  return files_.locate(locator);
}

Result<std::vector<http::Request>> ObstapArchive::seek(std::string_view locator, bool again,
                                                       std::stop_token stop) {
  const auto place = obstap::to_place(locator);
  if (!place || !place->is_file() || files_.knows(locator, again)) return locate(locator);
  // Whoever is refused the file wants to know why.
  if (again) client_.learn_methods(stop);
  const auto found = rows(obstap::data_set_of(*place), stop);
  if (!found) return tl::unexpected(found.error());
  return files_.seek(*place, found->rows, again, stop);
}

}  // namespace astrofs
