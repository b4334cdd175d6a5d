#include "backends/dkist.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/dkist_frames.h"
#include "backends/dkist_links.h"
#include "backends/settle.h"
#include "backends/url.h"
#include "base/log.h"

namespace astrofs {
namespace {

using dkist::kExtra;
using dkist::kGoodFor;
using dkist::kSelect;

/// The directories of links are walked one behind the other: one search serves them all.
constexpr std::chrono::seconds kRecent{60};

constexpr std::string_view kDataset = "dataset/";

Entry dataset_entry(const dkist::Dataset& dataset) {
  return directory_entry(dataset.id, std::string(kDataset) + dataset.id, dataset.mtime);
}

}  // namespace

DkistArchive::DkistArchive(dkist::Sources sources, dkist::Filter filter, dkist::GlobusAddresses globus,
                           std::optional<dkist::LocalEndpoint> local, http::Fetcher& fetcher,
                           const Clock& clock)
    : sources_(std::move(sources)),
      clock_(clock),
      search_(sources_.datasets, std::move(filter), fetcher),
      globus_(std::move(globus), fetcher, clock),
      folders_(sources_.download, fetcher, globus_) {
  if (local) courier_.emplace(std::move(*local), globus_, clock_);
}

Result<std::vector<dkist::Dataset>> DkistArchive::datasets(bool recent_will_do, std::stop_token stop) {
  {
    const MutexLock lock(mutex_);
    if (recent_will_do && recent_ && clock_.steady() - asked_ < kRecent) return *recent_;
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
  if (dir.starts_with(kDataset)) {
    const std::string id(dir.substr(kDataset.size()));
    const Result<std::optional<dkist::Dataset>> found = search_.by_id(id, stop);
    if (!found) return tl::unexpected<Error>(found.error());
    if (!*found) return fail(Errc::not_found, "DKIST knows no dataset " + id);
    return folders_.list(**found, token, stop);
  }
  if (dir.starts_with(kSelect)) return list_select(dir.substr(kSelect.size()), token);
  if (dkist::without_rights(dir).starts_with(kExtra)) return folders_.list_extra(dir, token, stop);
  if (!dir.empty() && !dkist::is_links(dir))
    return fail(Errc::not_found, "DKIST has no directory " + std::string(dir));
  Result<std::vector<dkist::Dataset>> found = datasets(!dir.empty(), stop);
  if (!found) return tl::unexpected<Error>(found.error());
  std::vector<Entry> entries = dkist::links_in(dir, *found);
  if (dir.empty()) {
    for (const dkist::Dataset& dataset : *found) entries.push_back(dataset_entry(dataset));
  }
  return settle(std::move(entries), token, kGoodFor, "DKIST " + std::string(dir));
}

bool DkistArchive::finds(std::string_view dir) const {
  return dir.empty() || finds_offline(dir);
}

bool DkistArchive::finds_offline(std::string_view dir) const {
  return dir.starts_with(kSelect) && dir.find('/', kSelect.size()) == std::string_view::npos;
}

bool DkistArchive::lists_offline(std::string_view dir) const {
  return dir.starts_with(kSelect);
}

Result<std::vector<Entry>> DkistArchive::selected(std::string_view id, std::string_view expression) {
  // not_found is about the selection, and says so itself.
  const auto unreadable = [id](const Error& error) {
    if (error.code == Errc::not_found) return error;
    return Error{error.code, fmt::format("the ASDF file of {} cannot be read: {}", id, error.message)};
  };
  const auto dataset = tables_.of(id);
  if (!dataset) return tl::unexpected<Error>(unreadable(dataset.error()));
  return dkist::selected_links(**dataset, expression).map_error(unreadable);
}

Result<std::optional<Entry>> DkistArchive::find(std::string_view dir, std::string_view name,
                                                std::stop_token stop) {
  if (dir.starts_with(kSelect)) {
    // A name that selects nothing is an empty directory; one that cannot be answered is none.
    const auto links = selected(dir.substr(kSelect.size()), name);
    if (!links) return tl::unexpected<Error>(links.error());
    return directory_entry(std::string(name), std::string(dir) + "/" + std::string(name));
  }
  const Result<std::optional<dkist::Dataset>> found = search_.by_id(name, stop);
  if (!found) return tl::unexpected<Error>(found.error());
  return *found ? std::optional(dataset_entry(**found)) : std::nullopt;
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

Result<std::vector<http::Request>> DkistArchive::locate(std::string_view locator) {
  const std::string_view kind = locator.substr(0, locator.find('/'));
  const std::string_view rest = locator.substr(std::min(kind.size() + 1, locator.size()));
  if (dkist::is_dataset_id(rest)) {
    if (kind == "asdf" || kind == "movie") return std::vector{folders_.download(kind, rest)};
    if (kind == "report") return std::vector{folders_.download("quality", rest)};
  }
  const std::optional<std::string> path = dkist::path_on_collection(locator);
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

bool DkistArchive::seeks(std::string_view locator) const {
  const bool is_half_known = !sources_.mirror.empty() && !globus_.can_fetch();
  return (is_half_known || globus_.has_run_out()) && dkist::path_on_collection(locator);
}

Result<std::vector<http::Request>> DkistArchive::seek(std::string_view locator, bool again,
                                                      std::stop_token stop) {
  const std::optional<std::string> path = again ? dkist::path_on_collection(locator) : std::nullopt;
  if (!path) return locate(locator);
  if (const Result<void> fresh = globus_.renew_if_run_out(std::move(stop)); !fresh)
    return tl::unexpected<Error>(fresh.error());
  // A copy may be of a part: that it has not a frame is no word of the archive's.
  Result<http::Request> collection = globus_.file(*path);
  if (collection) return std::vector{std::move(*collection)};
  return fail(collection.error().code, "the mirror does not give it; " + collection.error().message);
}

bool DkistArchive::can_fetch(std::string_view locator) const {
  return !dkist::path_on_collection(locator) || !sources_.mirror.empty() || globus_.can_fetch() ||
         (courier_ && globus_.is_logged_in());
}

std::string DkistArchive::credential_scope(std::string_view locator) const {
  return locator.starts_with(dkist::kPrivate) ? globus_.scope() : std::string(kPublic);
}

Result<FrameShape> DkistArchive::shape(std::string_view locator) const {
  const std::optional<dkist::Located> frame = dkist::parse_locator(dkist::without_rights(locator));
  if (!frame) return fail(Errc::unsupported, "only frames have placeholders");
  return dkist::shape_of(frame->frame);
}

Result<FrameShape> DkistArchive::describe(std::string_view locator) const {
  Result<FrameShape> shape = this->shape(locator);
  const std::optional<dkist::Located> frame = dkist::parse_locator(dkist::without_rights(locator));
  if (!shape || !frame) return shape;
  const auto row = tables_.row(dkist::last_component(frame->folder), frame->frame.row);
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
