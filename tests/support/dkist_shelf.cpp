#include "tests/support/dkist_shelf.h"

#include <algorithm>
#include <set>

#include "tests/support/dkist_asdf.h"
#include "tests/support/dkist_frame.h"
#include "tests/support/sim_reply.h"

namespace astrofs::sim {
namespace {

std::vector<std::string> parts_of(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const std::string_view part = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), part.size() + 1));
    if (!part.empty() && part != ".") parts.emplace_back(part);
  }
  return parts;
}

/// How many components of a path name the dataset: bucket, proposal, id.
constexpr std::size_t kDatasetDepth = 3;

bool lies_on(const DkistDataset& dataset, const std::vector<std::string>& parts) {
  const std::string* own[kDatasetDepth] = {&dataset.bucket, &dataset.proposal, &dataset.id};
  for (std::size_t at = 0; at < std::min(parts.size(), kDatasetDepth); ++at) {
    if (parts[at] != *own[at]) return false;
  }
  return dataset.status != "REMOVED";
}

ResourcePtr resource_of(std::string bytes, std::string type) {
  auto resource = std::make_shared<Resource>();
  resource->size = bytes.size();
  resource->read = read_from_text(std::move(bytes));
  resource->content_type = std::move(type);
  return resource;
}

}  // namespace

DkistShelf::DkistShelf(const DkistOptions& options) {
  for (int number = 0; number < options.datasets; ++number) add(make_dataset(number, options));
}

std::vector<DatasetPtr> DkistShelf::all() const {
  const MutexLock lock(mutex_);
  return datasets_;
}

DatasetPtr DkistShelf::find(std::string_view id) const {
  const MutexLock lock(mutex_);
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : datasets_[found->second];
}

void DkistShelf::add(DkistDataset dataset) {
  const MutexLock lock(mutex_);
  by_id_[dataset.id] = datasets_.size();
  datasets_.push_back(std::make_shared<const DkistDataset>(std::move(dataset)));
}

bool DkistShelf::change(std::string_view id, const std::function<void(DkistDataset&)>& how) {
  const MutexLock lock(mutex_);
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return false;
  DkistDataset dataset = *datasets_[found->second];
  how(dataset);
  datasets_[found->second] = std::make_shared<const DkistDataset>(std::move(dataset));
  return true;
}

ResourcePtr DkistShelf::asdf(const DatasetPtr& dataset) {
  const MutexLock lock(writing_);
  Written& written = asdfs_[dataset->id];
  const auto same = [&](const DkistDataset& other) {
    return other.revision == dataset->revision && other.pixels_version == dataset->pixels_version &&
           other.bucket == dataset->bucket && other.lost == dataset->lost &&
           other.embargoed == dataset->embargoed;
  };
  if (written.of == nullptr || !same(*written.of)) {
    written = {.of = dataset, .file = resource_of(asdf_file(*dataset), "application/octet-stream")};
  }
  return written.file;
}

std::string DkistShelf::digest(const Resource& resource, DigestKind kind) {
  StreamDigest stream(kind);
  Buffer piece(1U << 20U);
  for (std::uint64_t at = 0; at < resource.size; at += piece.size()) {
    const auto part = std::span(piece).first(
        static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), resource.size - at)));
    resource.read(at, part);
    stream.add(part);
  }
  return stream.hex();
}

ResourcePtr DkistShelf::file(std::string_view path) {
  const auto parts = parts_of(path);
  if (parts.size() <= kDatasetDepth || parts.size() > kDatasetDepth + 2) return nullptr;
  const DatasetPtr dataset = find(parts[2]);
  if (dataset == nullptr || !lies_on(*dataset, parts)) return nullptr;
  const std::string& name = parts[kDatasetDepth];
  if (parts.size() == kDatasetDepth + 2) {
    const bool extra = name == "extra" && parts.back() == dataset->extra_name();
    return extra ? resource_of(extra_file(*dataset), "application/octet-stream") : nullptr;
  }
  if (name == dataset->asdf_name()) return asdf(dataset);
  if (name == dataset->movie_name()) return resource_of(movie_file(*dataset), "video/mp4");
  if (name == dataset->report_name()) return resource_of(report_file(*dataset), "application/pdf");
  const auto frame = dataset->names->index.find(name);
  if (frame == dataset->names->index.end() || dataset->lost.contains(frame->second)) return nullptr;
  return resource_of(frame_file(*dataset, frame->second), "application/octet-stream");
}

std::optional<ShelfEntry> DkistShelf::entry(std::string_view path) {
  const auto parts = parts_of(path);
  if (parts.empty()) return ShelfEntry{.name = "", .directory = true};
  if (parts.size() <= kDatasetDepth) {
    const auto datasets = all();
    const bool exists =
        std::ranges::any_of(datasets, [&](const auto& dataset) { return lies_on(*dataset, parts); });
    return exists ? std::optional(ShelfEntry{.name = parts.back(), .directory = true}) : std::nullopt;
  }
  if (const ResourcePtr resource = file(path))
    return ShelfEntry{.name = parts.back(), .size = resource->size};
  const DatasetPtr dataset = find(parts[2]);
  const bool extra = parts.size() == kDatasetDepth + 1 && parts.back() == "extra";
  if (!extra || dataset == nullptr || !lies_on(*dataset, parts)) return std::nullopt;
  return ShelfEntry{.name = "extra", .directory = true};
}

std::optional<std::vector<ShelfEntry>> DkistShelf::list(std::string_view path) {
  const auto parts = parts_of(path);
  std::vector<ShelfEntry> entries;
  if (parts.size() < kDatasetDepth) {
    std::set<std::string> names;
    for (const DatasetPtr& dataset : all()) {
      if (lies_on(*dataset, parts))
        names.insert(parts.empty() ? dataset->bucket : parts.size() == 1 ? dataset->proposal : dataset->id);
    }
    if (names.empty() && !parts.empty()) return std::nullopt;
    for (const std::string& name : names) entries.push_back({.name = name, .directory = true});
    return entries;
  }
  const DatasetPtr dataset = find(parts[2]);
  if (dataset == nullptr || !lies_on(*dataset, parts)) return std::nullopt;
  if (parts.size() == kDatasetDepth + 1 && parts.back() == "extra")
    return std::vector{ShelfEntry{.name = dataset->extra_name(), .size = extra_file(*dataset).size()}};
  if (parts.size() != kDatasetDepth) return std::nullopt;
  for (int frame = 0; frame < dataset->frames(); ++frame) {
    if (dataset->lost.contains(frame)) continue;
    entries.push_back(
        {.name = dataset->names->all[static_cast<std::size_t>(frame)], .size = frame_size(*dataset, frame)});
  }
  entries.push_back({.name = dataset->asdf_name(), .size = asdf(dataset)->size});
  if (!dataset->movie_name().empty())
    entries.push_back({.name = dataset->movie_name(), .size = movie_file(*dataset).size()});
  if (!dataset->report_name().empty())
    entries.push_back({.name = dataset->report_name(), .size = report_file(*dataset).size()});
  entries.push_back({.name = "extra", .directory = true});
  std::ranges::sort(entries, {}, &ShelfEntry::name);
  return entries;
}

bool DkistShelf::embargoed(std::string_view path) const {
  const auto parts = parts_of(path);
  if (parts.size() < 2) return false;  // buckets are everybody's
  const auto datasets = all();
  return std::ranges::any_of(
      datasets, [&](const auto& dataset) { return dataset->embargoed && lies_on(*dataset, parts); });
}

}  // namespace astrofs::sim
