#include "backends/data_sets.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <memory>
#include <set>

#include "backends/format/numbers.h"
#include "backends/http/url.h"
#include "backends/product_name.h"
#include "base/hash.h"

namespace astrofs {
namespace {

using obstap::Place;

/// A signed address of a store runs out after minutes to hours; the shortest that is known of has 15 minutes.
constexpr std::chrono::minutes kAddress{5};
constexpr std::size_t kAddresses = 50'000;

std::string tag_of(std::initializer_list<std::string_view> parts) {
  return to_hex(sha256_prefix(parts)).substr(0, 8);
}

/// Of an address, which may be another server's tomorrow.
std::string key_of(char kind, std::string_view url) {
  const auto parts = http::split_url(url);
  const std::string_view part =
      kind == obstap::kPathKey && parts ? std::string_view(parts->path) : url.substr(0, url.find('#'));
  return kind + to_hex(sha256_prefix({part})).substr(0, obstap::kKeyDigits);
}

/// Sizes and names of files, side by side.
std::vector<Result<http::ContentInfo>> probe_all(http::Fetcher& fetcher, std::vector<http::Request> requests,
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
    all->missing = requests.size();
    all->answers.assign(requests.size(), fail(Errc::internal, "no answer"));
  }
  for (std::size_t i = 0; i < requests.size(); ++i) {
    fetcher.probe(
        {std::move(requests[i])},
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

constexpr std::string_view kPartial = " partial";
constexpr std::string_view kRows = " rows=";

}  // namespace

PartToken::PartToken(std::string_view token) : content(token.substr(0, token.find(' '))) {
  whole = token.find(kPartial) == std::string_view::npos;
  const auto at = token.find(kRows);
  if (at != std::string_view::npos) {
    rows = number_in<std::uint64_t>(token.substr(at + kRows.size())).value_or(0);
  }
}

std::string PartToken::text() const {
  std::string out = content;
  if (!whole) out += kPartial;
  out += kRows;
  return out + std::to_string(rows);
}

Result<std::vector<DataSets::Found>> DataSets::files(const Place& place,
                                                     const std::vector<datalink::Row>& rows,
                                                     std::stop_token stop) const {
  const auto linked = datalink::files_of(client_, rows, stop);
  if (!linked) return tl::unexpected(linked.error());
  std::vector<Found> found;
  for (const datalink::File& file : *linked) {
    const datalink::Row& row = rows[file.row];
    Found& one = found.emplace_back();
    one.place = place;
    one.place.did = row.did;
    one.place.semantics = file.folder;
    one.name = product_name::in_address(file.url);
    one.place.file = product_name::identity(file.url);
    if (file.folder == "preview") one.name = product_name::of_preview(std::move(one.name), file.type);
    one.url = file.url;
    one.type = file.type;
    one.obs_id = row.obs_id;
  }
  tell_apart(found);
  return found;
}

/// A file keeps its locator, and what is cached of it, whatever else its document gains, loses or reorders.
void DataSets::tell_apart(std::vector<Found>& files) {
  std::set<std::string> seen;
  std::erase_if(files, [&](const Found& file) {  // one row twice
    return !seen.insert(obstap::to_locator(file.place) + ' ' + file.url).second;
  });
  for (const char kind : {obstap::kPathKey, obstap::kAddressKey}) {
    std::map<std::string, unsigned> used;
    for (const Found& file : files) ++used[obstap::to_locator(file.place)];
    for (Found& file : files) {
      if (used.at(obstap::to_locator(file.place)) > 1) file.place.key = key_of(kind, file.url);
    }
  }
}

/// unavailable: what is there cannot be told to be it, or not to be. Bytes of another file are worse than
/// none.
Result<DataSets::Found> DataSets::match(std::vector<Found> files, const Place& file) {
  std::erase_if(files, [&](const Found& one) {
    return one.place.did != file.did || one.place.semantics != file.semantics;
  });
  // What is no name of a file may be one of a moment.
  const bool has_nameless =
      std::ranges::any_of(files, [](const Found& one) { return product_name::in_address(one.url).empty(); });
  std::erase_if(files, [&](const Found& one) { return one.place.file != file.file; });
  const bool has_others = has_nameless || !files.empty();
  if (!file.key.empty())
    std::erase_if(files, [&](const Found& one) { return key_of(file.key.front(), one.url) != file.key; });
  if (files.size() == 1) {
    files.front().place = file;
    return std::move(files.front());
  }
  if (!has_others) return fail(Errc::not_found, "the archive no longer has this file of " + file.did);
  return fail(Errc::unavailable,
              "nothing tells which file of " + file.did + " it is: list its directory anew");
}

/// Of files whose address has no name, what the server calls them; then one name for each in its directory.
Result<void> DataSets::name(std::vector<Found>& files, std::string_view shown, std::stop_token stop) const {
  std::vector<Found*> nameless;
  for (Found& file : files) {
    if (file.name.empty() && file.place.semantics == shown) nameless.push_back(&file);
  }
  if (nameless.size() <= limits_.names_to_ask) {
    std::vector<http::Request> requests;
    for (const Found* const file : nameless) requests.push_back(client_.file(file->url));
    const auto answers = probe_all(client_.fetcher(), std::move(requests), stop);
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
    const std::string tag = tag_of({file.place.did, file.place.semantics, file.place.file, file.place.key});
    if (used.at({file.place.semantics, file.name}) > 1) {
      file.name = product_name::tagged(file.name, tag);
    } else {
      file.name = product_name::shortened(file.name, tag);
    }
  }
  return {};
}

/// One directory for each data set with a document.
std::vector<Entry> DataSets::directories(const Place& place, const std::vector<datalink::Row>& rows) {
  const auto name_of = [](const datalink::Row& row) {
    return product_name::made_of(row.obs_id, row.did, "");
  };
  std::map<std::string, unsigned> used;
  for (const datalink::Row& row : rows) ++used[name_of(row)];
  std::vector<Entry> entries;
  for (const datalink::Row& row : rows) {
    if (!datalink::is_document(row.format)) continue;
    Place below = place;
    below.did = row.did;
    const std::string name = name_of(row);
    const std::string tag = tag_of({row.did});
    entries.push_back(directory_entry(
        used.at(name) > 1 ? product_name::tagged(name, tag) : product_name::shortened(name, tag),
        obstap::to_locator(below)));
  }
  return entries;
}

Result<std::vector<Entry>> DataSets::entries(const Place& place, std::vector<datalink::Row> rows,
                                             std::stop_token stop) {
  std::vector<Entry> entries;
  const Place top = obstap::data_set_of(place);
  const auto is_linked = [](const datalink::Row& row) { return datalink::is_document(row.format); };
  const auto documents = static_cast<std::size_t>(std::ranges::count_if(rows, is_linked));
  if (place.did.empty() && documents > limits_.documents) {
    entries = directories(top, rows);
    std::erase_if(rows, is_linked);
  }
  auto files = this->files(top, rows, stop);
  if (!files) return tl::unexpected(files.error());
  if (auto named = name(*files, place.semantics, stop); !named) return tl::unexpected(named.error());
  remember(*files);
  for (const Found& file : *files) {
    if (file.place.semantics == place.semantics) {
      Entry entry;
      entry.name = file.name;
      entry.size = file.size;
      entry.locator = obstap::to_locator(file.place);
      entries.push_back(std::move(entry));
    } else if (place.semantics.empty()) {
      Place below = top;
      below.semantics = file.place.semantics;
      const std::string locator = obstap::to_locator(below);
      if (std::ranges::find(entries, locator, &Entry::locator) == entries.end()) {
        entries.push_back(directory_entry(below.semantics, locator));
      }
    }
  }
  return entries;
}

void DataSets::remember(const std::vector<Found>& files) {
  const MutexLock lock(mutex_);
  if (addresses_.size() + files.size() > kAddresses) addresses_.clear();
  for (const Found& file : files) addresses_[obstap::to_locator(file.place)] = {file.url, clock_.steady()};
}

std::optional<std::string> DataSets::address(std::string_view locator) const {
  const MutexLock lock(mutex_);
  const auto known = addresses_.find(std::string(locator));
  if (known == addresses_.end() || clock_.steady() - known->second.learnt > kAddress) return std::nullopt;
  return known->second.url;
}

void DataSets::forget() {
  const MutexLock lock(mutex_);
  addresses_.clear();
}

Result<std::vector<http::Request>> DataSets::locate(std::string_view locator) const {
  const auto place = obstap::to_place(locator);
  if (!place || !place->is_file()) return fail(Errc::not_found, "no such file: " + std::string(locator));
  const auto url = address(locator);
  if (!url) return fail(Errc::unavailable, "its address is asked for when it is read");
  return std::vector<http::Request>{client_.file(*url)};
}

Result<std::vector<http::Request>> DataSets::seek(const Place& file, const std::vector<datalink::Row>& rows,
                                                  std::stop_token stop) {
  Place level;
  level.levels = file.levels;
  auto all = files(level, rows, stop);
  if (!all) return tl::unexpected(all.error());
  remember(*all);
  auto found = match(std::move(*all), file);
  if (!found) return tl::unexpected(found.error());
  remember({std::move(*found)});
  return locate(obstap::to_locator(file));
}

}  // namespace astrofs
