#include "backends/dkist_tables.h"

#include <algorithm>

namespace astrofs::dkist {
namespace {

/// Datasets that are worked with at one time. The names of 4,000 frames are 300 KB.
constexpr std::size_t kOpen = 4;
/// Files up to this length are brought whole for the first row: 9,000 frames.
constexpr std::uint64_t kBringWhole = 64ULL << 20;
/// In pieces that cost few round trips.
constexpr std::uint64_t kPiece = 8ULL << 20;

}  // namespace

Result<Tables::Asdf> Tables::find(std::string_view id) const {
  if (files_ == nullptr) return fail(Errc::unsupported, "nothing is mounted");
  Asdf found;
  const Result<void> listed = files_->files(id, [&](const OwnFile& file) {
    if (!file.name.ends_with(".asdf")) return true;
    found = {std::string(id) + "/" + file.name, file};
    return false;
  });
  if (!listed) return tl::unexpected<Error>(listed.error());
  if (found.path.empty()) return fail(Errc::not_found, std::string(id) + " has no ASDF file");
  return found;
}

Result<std::shared_ptr<const DkistDataset>> Tables::of(std::string_view id) {
  const Result<Asdf> asdf = find(id);
  if (!asdf) return tl::unexpected<Error>(asdf.error());
  const auto is_it = [&asdf](const Open& each) {
    return each.path == asdf->path && each.version == asdf->file.version;
  };
  {
    const MutexLock lock(mutex_);
    const auto known = std::find_if(open_.begin(), open_.end(), is_it);
    if (known != open_.end()) return known->dataset;
  }
  const ReadAt read = [files = files_, asdf = *asdf](std::uint64_t offset,
                                                     std::span<std::byte> into) -> Result<void> {
    const Result<Bytes> bytes = files->read(asdf.path, asdf.file.version, {offset, into.size()});
    if (!bytes) return tl::unexpected<Error>(bytes.error());
    std::copy(bytes->span().begin(), bytes->span().end(), into.begin());
    return {};
  };
  Result<DkistDataset> opened = DkistDataset::open(read, asdf->file.size);
  if (!opened) return tl::unexpected<Error>(opened.error());
  auto dataset = std::make_shared<const DkistDataset>(std::move(*opened));
  const MutexLock lock(mutex_);
  open_.push_front({asdf->path, asdf->file.version, dataset, false});
  if (open_.size() > kOpen) open_.pop_back();
  return dataset;
}

Result<void> Tables::bring(const Asdf& asdf) {
  const auto is_it = [&asdf](const Open& each) {
    return each.path == asdf.path && each.version == asdf.file.version;
  };
  {
    const MutexLock lock(mutex_);
    const auto known = std::find_if(open_.begin(), open_.end(), is_it);
    if (known != open_.end() && known->all_here) return {};
  }
  for (std::uint64_t at = 0; at < asdf.file.size && asdf.file.size <= kBringWhole; at += kPiece) {
    const ByteRange piece = ByteRange::between(at, std::min(at + kPiece, asdf.file.size));
    if (const auto bytes = files_->read(asdf.path, asdf.file.version, piece); !bytes)
      return tl::unexpected<Error>(bytes.error());
  }
  const MutexLock lock(mutex_);
  const auto known = std::find_if(open_.begin(), open_.end(), is_it);
  if (known != open_.end()) known->all_here = true;
  return {};
}

Result<std::vector<HeaderCard>> Tables::row(std::string_view id, std::uint64_t row) {
  const Result<Asdf> asdf = find(id);
  if (!asdf) return tl::unexpected<Error>(asdf.error());
  if (auto brought = bring(*asdf); !brought) return tl::unexpected<Error>(brought.error());
  const auto dataset = of(id);
  if (!dataset) return tl::unexpected<Error>(dataset.error());
  return (*dataset)->headers().row(row);
}

}  // namespace astrofs::dkist
