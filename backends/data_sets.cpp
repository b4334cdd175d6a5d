#include "backends/data_sets.h"

#include <algorithm>
#include <condition_variable>
#include <iterator>
#include <map>
#include <memory>
#include <set>

#include "backends/http/url.h"
#include "backends/product_name.h"
#include "base/hash.h"

namespace astrofs {
namespace {

using obstap::Place;

/// Who enters a directory looks into its folders a moment later.
constexpr std::chrono::minutes kLate{1};
constexpr std::size_t kMostLate = 16;
constexpr std::size_t kMostLateFiles = 5'000;  // some megabytes

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

}  // namespace

Result<std::vector<DataSets::Found>> DataSets::files(const Place& place,
                                                     const std::vector<datalink::Row>& rows,
                                                     std::stop_token stop) const {
  auto linked = datalink::files_of(client_, rows, stop);
  if (!linked) return tl::unexpected(linked.error());
  std::vector<Found> found;
  found.reserve(linked->size());
  for (datalink::File& file : *linked) {
    const datalink::Row& row = rows[file.row];
    Found& one = found.emplace_back();
    one.place = place;
    one.place.did = row.did;
    one.place.semantics = file.folder;
    one.name = product_name::in_address(file.url);
    one.place.file = product_name::identity(file.url);
    if (file.folder == "preview") one.name = product_name::of_preview(std::move(one.name), file.type);
    one.url = std::move(file.url);
    one.type = std::move(file.type);
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

/// Of files whose address has no name, what the server calls them.
Result<void> DataSets::ask_names(std::vector<Found>& files, std::string_view shown,
                                 std::stop_token stop) const {
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
  return {};
}

/// One for each in its directory.
void DataSets::give_names(std::vector<Found>& files) {
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

Result<DataSets::Listed> DataSets::entries(const Place& place, Rows rows, std::stop_token stop) {
  Listed listed{{}, rows.rows.size(), rows.whole};
  const Place top = obstap::data_set_of(place);
  const auto is_linked = [](const datalink::Row& row) { return datalink::is_document(row.format); };
  const auto documents = static_cast<std::size_t>(std::ranges::count_if(rows.rows, is_linked));
  if (place.did.empty() && documents > limits_.documents) {
    listed.entries = directories(top, rows.rows);
    std::erase_if(rows.rows, is_linked);
  }
  auto files = this->files(top, rows.rows, stop);
  if (!files) return tl::unexpected(files.error());
  rows.rows = {};  // many, and all is said of them
  if (place.semantics.empty() && files->size() <= kMostLateFiles)
    keep(top, {*files, listed.rows, listed.whole, clock_.steady()});
  if (auto asked = ask_names(*files, place.semantics, std::move(stop)); !asked)
    return tl::unexpected(asked.error());
  std::ranges::move(show(place, std::move(*files)), std::back_inserter(listed.entries));
  return listed;
}

/// The files of one folder, and those folders that stand in it.
std::vector<Entry> DataSets::show(const Place& place, std::vector<Found> files) {
  give_names(files);
  remember(files);
  std::vector<Entry> entries;
  std::set<std::string> folders;
  for (const Found& file : files) {
    if (file.place.semantics == place.semantics) {
      Entry entry;
      entry.name = file.name;
      entry.size = file.size;
      entry.locator = obstap::to_locator(file.place);
      entries.push_back(std::move(entry));
    } else if (place.semantics.empty() && folders.insert(file.place.semantics).second) {
      Place below = obstap::data_set_of(place);
      below.semantics = file.place.semantics;
      entries.push_back(directory_entry(below.semantics, obstap::to_locator(below)));
    }
  }
  return entries;
}

std::optional<Result<DataSets::Listed>> DataSets::entries_of_late(const Place& place, std::stop_token stop) {
  if (place.semantics.empty()) return std::nullopt;
  Late late;
  {
    const MutexLock lock(mutex_);
    const auto known = late_.find(obstap::to_locator(obstap::data_set_of(place)));
    if (known == late_.end() || clock_.steady() - known->second.learnt > kLate ||
        !known->second.given.insert(place.semantics).second)
      return std::nullopt;
    late = known->second;
  }
  if (auto asked = ask_names(late.files, place.semantics, std::move(stop)); !asked)
    return tl::unexpected(asked.error());
  return Listed{show(place, std::move(late.files)), late.rows, late.whole};
}

Result<std::optional<Entry>> DataSets::named(const Place& place, std::string_view name,
                                             std::vector<datalink::Row> rows, std::stop_token stop) {
  std::vector<Entry> entries = directories(place, rows);
  std::erase_if(rows, [](const datalink::Row& row) { return datalink::is_document(row.format); });
  auto files = this->files(place, rows, std::move(stop));
  if (!files) return tl::unexpected(files.error());
  // Of so many none is asked for its name.
  std::ranges::move(show(place, std::move(*files)), std::back_inserter(entries));
  const auto found = std::ranges::find(entries, name, &Entry::name);
  return found == entries.end() ? std::nullopt : std::optional(std::move(*found));
}

void DataSets::keep(const Place& top, Late late) {
  const MutexLock lock(mutex_);
  if (late_.size() >= kMostLate) late_.clear();
  late_.insert_or_assign(obstap::to_locator(top), std::move(late));
}

void DataSets::remember(const std::vector<Found>& files, bool renewed) {
  for (const Found& file : files) addresses_.learn(obstap::to_locator(file.place), file.url, renewed);
}

void DataSets::forget() {
  addresses_.forget();
  const MutexLock lock(mutex_);
  late_.clear();
}

Result<std::vector<http::Request>> DataSets::locate(std::string_view locator) const {
  const auto place = obstap::to_place(locator);
  if (!place || !place->is_file()) return fail(Errc::not_found, "no such file: " + std::string(locator));
  const auto url = addresses_.of(locator);
  if (!url) return fail(Errc::unavailable, "its address is asked for when it is read");
  return std::vector<http::Request>{client_.file(*url)};
}

void DataSets::learn(const Place& level, std::vector<datalink::Row> rows, bool again) {
  // What a data set's files are called depends on all of its rows.
  std::set<std::string> linked;
  for (const datalink::Row& row : rows) {
    if (datalink::is_document(row.format)) linked.insert(row.did);
  }
  std::erase_if(rows, [&](const datalink::Row& row) { return linked.contains(row.did); });
  if (const auto plain = files(level, rows, {})) remember(*plain, again);
}

Result<std::vector<http::Request>> DataSets::seek(const Place& file, const std::vector<datalink::Row>& rows,
                                                  bool again, std::stop_token stop) {
  Place level;
  level.levels = file.levels;
  auto all = files(level, rows, stop);
  if (!all) return tl::unexpected(all.error());
  remember(*all, again);
  auto found = match(std::move(*all), file);
  if (!found) return tl::unexpected(found.error());
  remember({std::move(*found)}, again);
  return locate(obstap::to_locator(file));
}

}  // namespace astrofs
