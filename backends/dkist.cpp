#include "backends/dkist.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "backends/dkist_frames.h"
#include "backends/dkist_head.h"
#include "backends/dkist_links.h"
#include "backends/format/dates.h"
#include "backends/settle.h"
#include "backends/url.h"
#include "base/hash.h"
#include "base/log.h"

namespace astrofs {
namespace {

using std::chrono::hours;

// Datasets come by the day, and are calibrated anew some times in their life.
constexpr hours kGoodFor = hours(6);
/// The directories of links are walked one behind the other: one search serves them all.
constexpr std::chrono::seconds kRecent{60};

constexpr std::string_view kDataset = "dataset/";
/// "select/ID" and "select/ID/EXPR".
constexpr std::string_view kSelect = "select/";
constexpr std::string_view kSelectName = ".select";
/// Of a directory: "extra/" and its dataset's folder; of a file: "extra/" and its path on the collection.
constexpr std::string_view kExtra = "extra/";

Entry directory(std::string name, std::string locator, SysSeconds mtime = {}) {
  Entry entry;
  entry.kind = EntryKind::directory;
  entry.name = std::move(name);
  entry.locator = std::move(locator);
  entry.mtime = mtime;
  return entry;
}

Entry dataset_entry(const dkist::Dataset& dataset) {
  return directory(dataset.id, std::string(kDataset) + dataset.id, dataset.mtime);
}

bool is_component(std::string_view text) {
  return !text.empty() && text != "." && text != ".." && text.find('/') == std::string_view::npos;
}

std::string_view last_component(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

/// On the collection, of a frame or an extra; nullopt: it is not from there.
std::optional<std::string> path_of(std::string_view locator) {
  if (locator.starts_with(kExtra)) return "/" + std::string(locator.substr(kExtra.size()));
  const std::optional<dkist::Located> located = dkist::parse_locator(locator);
  if (!located) return std::nullopt;
  return fmt::format("/{}/{}", located->folder, located->frame.name);
}

/// The anonymous files of a dataset that are neither ASDF nor frames.
void add_documents(const dkist::Dataset& dataset, std::vector<Entry>& entries) {
  for (const auto& [key, locator] :
       {std::pair(&dataset.movie_key, "movie/"), std::pair(&dataset.quality_key, "report/")}) {
    const std::string_view name = last_component(*key);
    if (!is_component(name)) continue;
    Entry entry;
    entry.name = name;
    entry.locator = locator + dataset.id;
    entry.mtime = dataset.mtime;
    entries.push_back(std::move(entry));
  }
}

}  // namespace

DkistArchive::DkistArchive(dkist::Sources sources, dkist::Filter filter, dkist::GlobusAddresses globus,
                           http::Fetcher& fetcher, const Clock& clock)
    : sources_(std::move(sources)),
      fetcher_(fetcher),
      clock_(clock),
      search_(sources_.datasets, std::move(filter), fetcher),
      globus_(std::move(globus), fetcher, clock) {}

Result<std::vector<dkist::Dataset>> DkistArchive::datasets(std::stop_token stop) {
  {
    const MutexLock lock(mutex_);
    if (recent_ && clock_.steady() - asked_ < kRecent) return *recent_;
  }
  Result<std::vector<dkist::Dataset>> found = search_.all(stop);
  if (!found) return found;
  const MutexLock lock(mutex_);
  recent_ = *found;
  asked_ = clock_.steady();
  return found;
}

Result<std::variant<Listing, NotModified>> DkistArchive::list(std::string_view dir, std::string_view token,
                                                              std::stop_token stop) {
  if (dir.starts_with(kDataset)) return list_dataset(dir.substr(kDataset.size()), token, stop);
  if (dir.starts_with(kSelect)) return list_select(dir.substr(kSelect.size()), token);
  if (dir.starts_with(kExtra)) return list_extra(dir.substr(kExtra.size()), token, stop);
  if (!dir.empty() && !dkist::is_links(dir))
    return fail(Errc::not_found, "DKIST has no directory " + std::string(dir));
  Result<std::vector<dkist::Dataset>> found = datasets(stop);
  if (!found) return tl::unexpected<Error>(found.error());
  std::vector<Entry> entries = dkist::links_in(dir, *found);
  if (dir.empty()) {
    for (const dkist::Dataset& dataset : *found) entries.push_back(dataset_entry(dataset));
  }
  return settle(std::move(entries), token, kGoodFor, "DKIST " + std::string(dir));
}

bool DkistArchive::finds(std::string_view dir) const {
  const bool is_selecting =
      dir.starts_with(kSelect) && dir.find('/', kSelect.size()) == std::string_view::npos;
  return dir.empty() || dir.starts_with(kDataset) || is_selecting;
}

Result<std::vector<Entry>> DkistArchive::selected(std::string_view id, std::string_view expression) {
  const auto dataset = tables_.of(id);
  if (!dataset) return tl::unexpected<Error>(dataset.error());
  return dkist::selected_links(**dataset, expression);
}

Result<std::optional<Entry>> DkistArchive::find(std::string_view dir, std::string_view name,
                                                std::stop_token stop) {
  if (dir.starts_with(kDataset)) {
    if (name != kSelectName) return std::optional<Entry>{};
    return directory(std::string(name), std::string(kSelect) + std::string(dir.substr(kDataset.size())));
  }
  if (dir.starts_with(kSelect)) {
    // A name that selects nothing is an empty directory; one that cannot be answered is none.
    const auto links = selected(dir.substr(kSelect.size()), name);
    if (!links) return tl::unexpected<Error>(links.error());
    return directory(std::string(name), std::string(dir) + "/" + std::string(name));
  }
  const Result<std::optional<dkist::Dataset>> found = search_.by_id(name, stop);
  if (!found) return tl::unexpected<Error>(found.error());
  return *found ? std::optional(dataset_entry(**found)) : std::nullopt;
}

http::Request DkistArchive::download(std::string_view kind, std::string_view id) const {
  http::Request request;
  request.url = fmt::format("{}/{}?datasetId={}", sources_.download, kind, id);
  return request;
}

Result<std::optional<Entry>> DkistArchive::ask_asdf(const dkist::Dataset& dataset, std::stop_token stop) {
  Entry asdf;
  asdf.name = last_component(dataset.asdf_key);
  if (!is_component(asdf.name)) return std::optional<Entry>{};
  http::Request question = download("asdf", dataset.id);
  question.method = http::Method::head;
  question.headers.push_back({"Want-Repr-Digest", "sha-512=8, sha-256=7, sha=3, md5=2"});
  const Result<http::Response> answer = fetcher_.fetch({question}, stop);
  if (!answer) return tl::unexpected<Error>(answer.error());
  asdf.size = answer->head.content_length();
  if (!asdf.size) return fail(Errc::unsupported, question.url + " does not say how long the ASDF file is");
  asdf.locator = "asdf/" + dataset.id;
  asdf.mtime = dataset.mtime;
  asdf.validator = answer->head.header("repr-digest");
  if (asdf.validator.empty()) asdf.validator = dataset.updated;
  return asdf;
}

Result<std::vector<dkist::FolderEntry>> DkistArchive::folder(const std::string& path, std::stop_token stop) {
  if (!globus_.is_logged_in()) return std::vector<dkist::FolderEntry>{};
  Result<std::vector<dkist::FolderEntry>> found = globus_.list(path, stop);
  // What is not for this user has no sizes, and neither has what Globus cannot be asked for now: names come
  // from the ASDF file, and reading says what is wrong.
  if (!found && found.error().code != Errc::interrupted) {
    log::warning("DKIST {}: no sizes of frames: {}", path, found.error().message);
    return std::vector<dkist::FolderEntry>{};
  }
  return found;
}

Result<std::vector<Entry>> DkistArchive::frames(const dkist::Dataset& dataset, std::uint64_t asdf_size,
                                                const std::vector<dkist::FolderEntry>& folder,
                                                std::stop_token stop) {
  const Result<std::string> head =
      dkist::fetch_asdf_head(fetcher_, {download("asdf", dataset.id)}, asdf_size, stop);
  if (!head) return tl::unexpected<Error>(head.error());
  const Result<std::vector<dkist::Frame>> frames = dkist::frames_in(*head);
  if (!frames) return tl::unexpected<Error>(frames.error());
  std::unordered_map<std::string_view, std::uint64_t> sizes;
  for (const dkist::FolderEntry& file : folder) {
    if (!file.directory) sizes.emplace(file.name, file.size);
  }
  const SysSeconds made = parse_iso8601(dataset.created).value_or(SysSeconds{});
  std::vector<Entry> entries;
  entries.reserve(frames->size());
  for (const dkist::Frame& frame : *frames) {
    Entry entry;
    entry.name = frame.name;
    entry.locator = locator_of(frame, dataset.folder().substr(1));
    entry.mtime = made;
    if (const auto size = sizes.find(frame.name); size != sizes.end()) entry.size = size->second;
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<std::variant<Listing, NotModified>> DkistArchive::list_dataset(std::string_view id,
                                                                      std::string_view token,
                                                                      std::stop_token stop) {
  const Result<std::optional<dkist::Dataset>> found = search_.by_id(id, stop);
  if (!found) return tl::unexpected<Error>(found.error());
  if (!*found) return fail(Errc::not_found, "DKIST knows no dataset " + std::string(id));
  const dkist::Dataset& dataset = **found;
  Result<std::optional<Entry>> asdf = ask_asdf(dataset, stop);
  if (!asdf) return tl::unexpected<Error>(asdf.error());
  const Result<std::vector<dkist::FolderEntry>> folder = this->folder(dataset.folder(), stop);
  if (!folder) return tl::unexpected<Error>(folder.error());

  // The tree of a large dataset has megabytes: it is read again only when something has changed.
  std::string state = dataset.updated + dataset.folder();
  if (*asdf) state += fmt::format(" {} {}", *(*asdf)->size, (*asdf)->validator);
  for (const dkist::FolderEntry& file : *folder) state += fmt::format("\n{} {}", file.name, file.size);
  state = to_hex(sha256_prefix({state}));
  if (state == token) return NotModified{};

  std::vector<Entry> entries;
  add_documents(dataset, entries);
  if (*asdf) {
    Result<std::vector<Entry>> named = frames(dataset, *(*asdf)->size, *folder, stop);
    if (!named) return tl::unexpected<Error>(named.error());
    std::move(named->begin(), named->end(), std::back_inserter(entries));
    entries.push_back(std::move(**asdf));
  }
  for (const dkist::FolderEntry& file : *folder) {
    if (file.directory && file.name == "extra")
      entries.push_back(directory(file.name, std::string(kExtra) + dataset.folder().substr(1)));
  }
  return Listing{settle_entries(std::move(entries), "DKIST " + dataset.id), std::move(state), kGoodFor};
}

/// `dir`: the dataset, and the selection behind it.
Result<std::variant<Listing, NotModified>> DkistArchive::list_select(std::string_view dir,
                                                                     std::string_view token) {
  const std::string_view id = dir.substr(0, dir.find('/'));
  const std::string_view expression = dir.substr(std::min(id.size() + 1, dir.size()));
  Result<std::vector<Entry>> links = expression.empty() ? std::vector<Entry>{} : selected(id, expression);
  if (!links) return tl::unexpected<Error>(links.error());
  return settle(std::move(*links), token, kGoodFor, "DKIST " + std::string(dir));
}

/// Darks, gains and the like: named by nothing but the collection.
Result<std::variant<Listing, NotModified>> DkistArchive::list_extra(std::string_view folder,
                                                                    std::string_view token,
                                                                    std::stop_token stop) {
  const Result<std::vector<dkist::FolderEntry>> files =
      globus_.list("/" + std::string(folder) + "/extra", stop);
  if (!files) return tl::unexpected<Error>(files.error());
  std::vector<Entry> entries;
  for (const dkist::FolderEntry& file : *files) {
    if (file.directory || !is_component(file.name)) continue;
    Entry entry;
    entry.name = file.name;
    entry.size = file.size;
    entry.locator = fmt::format("{}{}/extra/{}", kExtra, folder, file.name);
    entries.push_back(std::move(entry));
  }
  return settle(std::move(entries), token, kGoodFor, "DKIST " + std::string(folder) + "/extra");
}

Result<std::vector<http::Request>> DkistArchive::locate(std::string_view locator) {
  const std::string_view kind = locator.substr(0, locator.find('/'));
  const std::string_view rest = locator.substr(std::min(kind.size() + 1, locator.size()));
  if (dkist::is_dataset_id(rest)) {
    if (kind == "asdf" || kind == "movie") return std::vector{download(kind, rest)};
    if (kind == "report") return std::vector{download("quality", rest)};
  }
  const std::optional<std::string> path = path_of(locator);
  if (!path) return fail(Errc::not_found, "DKIST has no file " + std::string(locator));
  std::vector<http::Request> mirrors;
  if (!sources_.mirror.empty()) {
    // Institutes keep copies by proposal and dataset, without the bucket.
    http::Request request;
    request.url = sources_.mirror + url::encode_path(std::string_view(*path).substr(path->find('/', 1)));
    mirrors.push_back(std::move(request));
  }
  Result<http::Request> collection = globus_.file(*path);
  if (collection) {
    mirrors.push_back(std::move(*collection));
  } else if (mirrors.empty()) {
    return tl::unexpected<Error>(collection.error());
  }
  return mirrors;
}

bool DkistArchive::can_fetch(std::string_view locator) const {
  return !path_of(locator) || !sources_.mirror.empty() || globus_.can_fetch();
}

Result<FrameShape> DkistArchive::shape(std::string_view locator) const {
  const std::optional<dkist::Located> frame = dkist::parse_locator(locator);
  if (!frame) return fail(Errc::unsupported, "only frames have placeholders");
  return dkist::shape_of(frame->frame);
}

Result<FrameShape> DkistArchive::describe(std::string_view locator) const {
  Result<FrameShape> shape = this->shape(locator);
  const std::optional<dkist::Located> frame = dkist::parse_locator(locator);
  if (!shape || !frame) return shape;
  const auto row = tables_.row(last_component(frame->folder), frame->frame.row);
  if (row) {
    std::vector<FitsCard>& cards = shape->hdus.back().cards;
    for (FitsCard& card : dkist::cards_of(*row)) cards.push_back(std::move(card));
  } else {
    // Blank pixels are worth more than a header.
    log::info("{}: its row of the ASDF file cannot be read: {}", frame->frame.name, row.error().message);
  }
  return shape;
}

}  // namespace astrofs
