#include "backends/obstap.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <map>
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
/// A signed address of a store runs out after minutes to hours; the shortest that is known of has 15 minutes.
constexpr std::chrono::minutes kAddress{5};
constexpr std::size_t kAddresses = 50'000;
constexpr std::size_t kLevels = 10'000;

/// Behind the hash of a token.
constexpr std::string_view kPartial = " partial";
constexpr std::string_view kRows = " rows=";

std::string tag_of(std::initializer_list<std::string_view> parts) {
  return to_hex(sha256_prefix(parts)).substr(0, 8);
}

Error unknown(std::string_view dir) {
  return {Errc::not_found, "the service has no data set there: " + std::string(dir)};
}

/// Sizes and names of files, side by side.
std::vector<Result<http::ContentInfo>> probe_all(http::Fetcher& fetcher, const std::vector<std::string>& urls,
                                                 const std::stop_token& stop) {
  struct Gathering {
    Mutex mutex;
    std::condition_variable complete;
    std::size_t missing GUARDED_BY(mutex){0};
    std::vector<Result<http::ContentInfo>> answers GUARDED_BY(mutex);
  };
  const auto all = std::make_shared<Gathering>();
  {
    const MutexLock lock(all->mutex);
    all->missing = urls.size();
    all->answers.assign(urls.size(), fail(Errc::internal, "no answer"));
  }
  for (std::size_t i = 0; i < urls.size(); ++i) {
    http::Request request;
    request.url = urls[i];
    request.no_head = true;
    fetcher.probe(
        {std::move(request)},
        [all, i](Result<http::ContentInfo> info) {
          const MutexLock lock(all->mutex);
          all->answers[i] = std::move(info);
          if (--all->missing == 0) all->complete.notify_all();
        },
        stop);
  }
  MutexLock lock(all->mutex);
  while (all->missing != 0) lock.wait(all->complete);
  return std::move(all->answers);
}

}  // namespace

ObstapArchive::ObstapArchive(std::string base, obstap::Table table, http::Fetcher& fetcher,
                             const Clock& clock, Limits limits)
    : base_(std::move(base)), table_(std::move(table)), fetcher_(fetcher), clock_(clock), limits_(limits) {}

ObstapArchive::ObstapArchive(std::string base, obstap::Table table, http::Fetcher& fetcher,
                             const Clock& clock)
    : ObstapArchive(std::move(base), std::move(table), fetcher, clock, Limits{}) {}

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
  const bool was_partial = token.find(kPartial) != std::string_view::npos;
  const std::string known(was_partial == part->whole ? "" : token.substr(0, token.find(' ')));
  auto settled = settle(std::move(part->entries), known, is_level ? kLevel : kDataSets,
                        "obstap/" + std::string(dir), Slashes::are_names);
  if (auto* const listing = std::get_if<Listing>(&settled)) {
    listing->token += fmt::format("{}{}{}", part->whole ? "" : kPartial, kRows, part->rows);
  }
  return settled;
}

std::string ObstapArchive::remark(std::string_view dir, std::string_view token) const {
  const auto at = token.find(kRows);
  if (at == std::string_view::npos) return {};
  const std::string rows(token.substr(at + kRows.size()));
  if (token.find(kPartial) == std::string_view::npos) return rows + " data sets";
  const auto place = obstap::to_place(dir);
  if (place && place->levels.size() < table_.levels.size()) {
    return "there are more: these have " + rows + " data sets, and any other opens by its name";
  }
  return "the first " + rows +
         " data sets, and there are more: a further level of `tree` or a condition of "
         "`where` tells them apart";
}

/// The names of one level.
Result<ObstapArchive::Part> ObstapArchive::values(const Place& place, std::stop_token stop) const {
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
    const auto answer =
        tap::ask(fetcher_, base_, {obstap::values_query(table_, place, last), limits_.page}, stop);
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
    const auto answer = tap::ask(fetcher_, base_, {obstap::count_query(table_, none), {}}, stop);
    if (!answer) return tl::unexpected(answer.error());
    const std::uint64_t rows =
        answer->rows.empty() ? 0 : number_in<std::uint64_t>(answer->text(0, 0)).value_or(0);
    if (rows > 0) add({std::nullopt, is_number}, rows);
  }
  return part;
}

Result<ObstapArchive::Rows> ObstapArchive::rows(const Place& place, std::stop_token stop) const {
  Rows out;
  std::set<std::string> at_last;  // identifiers may repeat: those of the last one of a page
  for (std::string last;;) {
    const auto answer =
        tap::ask(fetcher_, base_, {obstap::rows_query(table_, place, last), limits_.page}, stop);
    if (!answer) return tl::unexpected(answer.error());
    const auto did = answer->table.column("obs_publisher_did", "Curation.PublisherDID");
    const auto obs_id = answer->table.column("obs_id", "DataID.observationID");
    const auto url = answer->table.column("access_url", "Access.Reference");
    const auto format = answer->table.column("access_format", "Access.Format");
    if (!did || !url)
      return fail(Errc::corrupt, "an answer without the columns of ObsCore that were asked for");
    const std::string before = last;
    for (std::size_t i = 0; i < answer->rows.size(); ++i) {
      datalink::Row row{std::string(answer->text(i, did)), std::string(answer->text(i, obs_id)),
                        std::string(answer->text(i, url)), std::string(answer->text(i, format))};
      last = row.did;
      if (!row.did.empty()) out.rows.push_back(std::move(row));
    }
    if (!answer->overflow) return out;
    if (out.rows.size() >= limits_.rows) {
      out.whole = false;
      return out;
    }
    if (last == before)
      return fail(Errc::corrupt, "the service says that there is more and gives nothing new");
  }
}

Result<std::vector<ObstapArchive::Found>> ObstapArchive::files(const Place& place,
                                                               const std::vector<datalink::Row>& rows,
                                                               std::stop_token stop) const {
  const auto linked = datalink::files_of(fetcher_, rows, std::move(stop));
  if (!linked) return tl::unexpected(linked.error());
  std::vector<Found> found;
  std::map<std::string, std::size_t> numbers;
  for (const datalink::File& file : *linked) {
    const datalink::Row& row = rows[file.row];
    Found& one = found.emplace_back();
    one.place = place;
    one.place.did = row.did;
    one.place.semantics = file.folder;
    one.name = product_name::in_address(file.url);
    one.place.file = one.name.empty() ? "-" : one.name;
    one.place.number = numbers[obstap::to_locator(one.place)]++;
    one.url = file.url;
    one.type = file.type;
    one.obs_id = row.obs_id;
  }
  return found;
}

/// Of files whose address has no name, what the server calls them; then one name for each in its directory.
Result<void> ObstapArchive::name(std::vector<Found>& files, std::stop_token stop) const {
  std::vector<Found*> nameless;
  for (Found& file : files) {
    if (file.name.empty()) nameless.push_back(&file);
  }
  if (nameless.size() <= limits_.names_to_ask) {
    std::vector<std::string> urls;
    for (const Found* const file : nameless) urls.push_back(file->url);
    const auto answers = probe_all(fetcher_, urls, stop);
    for (std::size_t i = 0; i < answers.size(); ++i) {
      const bool refused = !answers[i] && (answers[i].error().code == Errc::denied ||
                                           answers[i].error().code == Errc::not_found);
      // Else the name would be another one tomorrow.
      if (!answers[i] && !refused) return tl::unexpected(answers[i].error());
      if (refused) continue;
      nameless[i]->name = answers[i]->file_name;
      nameless[i]->size = answers[i]->size;
    }
  }
  std::map<std::pair<std::string, std::string>, unsigned> used;
  for (Found& file : files) {
    if (file.name.empty() || file.name == "." || file.name == "..") {
      file.name = product_name::made_of(file.obs_id, file.place.did, file.type);
    }
    ++used[{file.place.semantics, file.name}];
  }
  for (Found& file : files) {
    const std::string tag =
        tag_of({file.place.did, file.place.semantics, file.place.file, std::to_string(file.place.number)});
    if (used.at({file.place.semantics, file.name}) > 1) {
      file.name = product_name::tagged(file.name, tag);
    } else {
      file.name = product_name::shortened(file.name, tag);
    }
  }
  return {};
}

/// The files of the data sets of a place, or of one of them.
Result<ObstapArchive::Part> ObstapArchive::data_sets(const Place& place, std::stop_token stop) {
  Place top = place;
  top.semantics.clear();
  auto found = rows(top, stop);
  if (!found) return tl::unexpected(found.error());
  Part part;
  part.whole = found->whole;
  part.rows = found->rows.size();
  const auto is_linked = [](const datalink::Row& row) { return datalink::is_document(row.format); };
  const auto documents = static_cast<std::size_t>(std::ranges::count_if(found->rows, is_linked));
  if (place.did.empty() && documents > limits_.documents) {
    std::map<std::string, unsigned> used;
    const auto name_of = [](const datalink::Row& row) {
      return product_name::made_of(row.obs_id, row.did, "");
    };
    for (const datalink::Row& row : found->rows) used[name_of(row)] += is_linked(row) ? 1 : 0;
    for (const datalink::Row& row : found->rows) {
      if (!is_linked(row)) continue;
      Place below = top;
      below.did = row.did;
      const std::string name = name_of(row);
      const std::string tag = tag_of({row.did});
      part.entries.push_back(directory_entry(
          used.at(name) > 1 ? product_name::tagged(name, tag) : product_name::shortened(name, tag),
          obstap::to_locator(below)));
    }
    std::erase_if(found->rows, is_linked);
  }
  auto files = this->files(top, found->rows, stop);
  if (!files) return tl::unexpected(files.error());
  if (auto named = name(*files, stop); !named) return tl::unexpected(named.error());
  remember(*files);
  for (const Found& file : *files) {
    if (file.place.semantics == place.semantics) {
      Entry entry;
      entry.name = file.name;
      entry.size = file.size;
      entry.locator = obstap::to_locator(file.place);
      part.entries.push_back(std::move(entry));
    } else if (place.semantics.empty()) {
      Place below = top;
      below.semantics = file.place.semantics;
      const std::string locator = obstap::to_locator(below);
      if (std::ranges::find(part.entries, locator, &Entry::locator) == part.entries.end()) {
        part.entries.push_back(directory_entry(below.semantics, locator));
      }
    }
  }
  if (!place.semantics.empty() && part.entries.empty()) part.rows = 0;  // it has no such directory
  return part;
}

bool ObstapArchive::finds(std::string_view dir) const {
  const auto place = obstap::to_place(dir);
  return place && !place->is_file() && place->levels.size() < table_.levels.size();
}

Result<bool> ObstapArchive::is_number(const std::string& column, std::stop_token stop) {
  if (const auto known = obstap::is_number_column(column)) return *known;
  {
    const MutexLock lock(mutex_);
    if (const auto known = numbers_.find(column); known != numbers_.end()) return known->second;
  }
  const auto answer = tap::ask(fetcher_, base_, {obstap::type_query(table_, column), {}}, std::move(stop));
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
  const auto answer = tap::ask(fetcher_, base_, {obstap::count_query(table_, below), {}}, std::move(stop));
  if (!answer) return tl::unexpected(answer.error());
  if (answer->rows.empty() || number_in<std::uint64_t>(answer->text(0, 0)).value_or(0) == 0) {
    return std::optional<Entry>{};
  }
  return std::optional(directory_entry(std::string(name), obstap::to_locator(below)));
}

void ObstapArchive::remember(const std::vector<Found>& files) {
  const MutexLock lock(mutex_);
  if (addresses_.size() + files.size() > kAddresses) addresses_.clear();
  for (const Found& file : files) addresses_[obstap::to_locator(file.place)] = {file.url, clock_.steady()};
}

std::optional<std::string> ObstapArchive::address(std::string_view locator) const {
  const MutexLock lock(mutex_);
  const auto known = addresses_.find(std::string(locator));
  if (known == addresses_.end() || clock_.steady() - known->second.learnt > kAddress) return std::nullopt;
  return known->second.url;
}

Result<std::vector<http::Request>> ObstapArchive::locate(std::string_view locator) {
  const auto place = obstap::to_place(locator);
  if (!place || !place->is_file()) return fail(Errc::not_found, "no such file: " + std::string(locator));
  const auto url = address(locator);
  if (!url) return fail(Errc::unavailable, "its address is asked for when it is read");
  http::Request request;
  request.url = *url;
  request.no_head = true;
  return std::vector<http::Request>{std::move(request)};
}

Result<std::vector<http::Request>> ObstapArchive::seek(std::string_view locator, bool again,
                                                       std::stop_token stop) {
  const auto place = obstap::to_place(locator);
  if (!place || !place->is_file()) return fail(Errc::not_found, "no such file: " + std::string(locator));
  if (!again && address(locator)) return locate(locator);
  Place top = *place;
  top.semantics.clear();
  top.file.clear();
  const auto found = rows(top, stop);
  if (!found) return tl::unexpected(found.error());
  Place level;
  level.levels = place->levels;
  const auto all = files(level, found->rows, stop);
  if (!all) return tl::unexpected(all.error());
  remember(*all);
  if (std::ranges::find(*all, *place, &Found::place) == all->end()) {
    return fail(Errc::not_found, "the archive no longer has this file of " + place->did);
  }
  return locate(locator);
}

}  // namespace astrofs
