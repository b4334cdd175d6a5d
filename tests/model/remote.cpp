#include "tests/model/remote.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/file_name.h"
#include "fs/placeholder.h"

namespace astrofs::model {
namespace {

constexpr std::uint64_t kWidth = 40, kHeight = 60;

std::uint64_t word_of(std::uint64_t seed, std::uint64_t index) {
  std::uint64_t x = seed + (index + 1) * 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31U);
}

std::string first_header(const Version& version) {
  std::string text;
  for (const std::string& card :
       {std::string("SIMPLE  =                    T"), std::string("BITPIX  =                    8"),
        std::string("NAXIS   =                    0"), std::string("EXTEND  =                    T"),
        fmt::format("SEED    = {:>20}", version.seed % 1'000'000'007), std::string("END")}) {
    text += fmt::format("{:<80}", card);
  }
  return fmt::format("{:<2880}", text);
}

unsigned number_of(std::string_view locator) {
  unsigned number = kFiles;
  std::from_chars(locator.data(), locator.data() + locator.size(), number);
  return number;
}

}  // namespace

unsigned dir_of(unsigned file) {
  return file / kFilesPerDir;
}

bool is_frame(unsigned file) {
  return file % kFilesPerDir >= 3;
}

std::string raw_name(unsigned file) {
  switch (file % kFilesPerDir) {
    case 0:
      return "a.dat";
    case 1:
      return "b/..%2F\nstrange.dat";
    case 2:
      return "..";
    default:
      return fmt::format("frame-{}.fits", file % kFilesPerDir);
  }
}

std::string shown_name(unsigned file) {
  return encode_file_name(raw_name(file)).value_or("?");
}

std::string dir_name(unsigned dir) {
  return fmt::format("d{}", dir);
}

std::string content_of(unsigned file, const Version& version, ByteRange range) {
  std::string out(range.length, '\0');
  for (std::uint64_t at = range.offset; at < range.end();) {
    const std::uint64_t word = word_of(version.seed, at / 8);
    const std::size_t skip = at % 8;
    const std::size_t length = std::min<std::uint64_t>(8 - skip, range.end() - at);
    std::memcpy(out.data() + (at - range.offset), reinterpret_cast<const char*>(&word) + skip, length);
    at += length;
  }
  if (is_frame(file) && range.offset < 2880) {
    const std::string header = first_header(version).substr(range.offset, range.length);
    std::copy(header.begin(), header.end(), out.begin());
  }
  return out;
}

FrameShape frame_shape() {
  FrameShape shape;
  shape.hdus.resize(2);
  shape.hdus[1].bitpix = -32;
  shape.hdus[1].axes = {kWidth, kHeight};
  return shape;
}

std::uint64_t frame_size() {
  static const std::uint64_t size =
      Placeholder::make(frame_shape(), std::nullopt, std::nullopt, MissingCause::denied_by_archive, "x.fits")
          .value()
          .size();
  return size;
}

Version Remote::newest(unsigned file) const {
  const std::lock_guard lock(mutex_);
  const RemoteFile& of = story_.file[file];
  return of.version[of.versions - 1];
}

std::vector<Version> Remote::versions(unsigned file) const {
  const std::lock_guard lock(mutex_);
  const RemoteFile& of = story_.file[file];
  return {of.version, of.version + of.versions};
}

bool Remote::lost(unsigned file, unsigned mirror) const {
  const std::lock_guard lock(mutex_);
  return story_.file[file].lost || (story_.file[file].lost_on_first && mirror == 0);
}

void Remote::change(unsigned file, std::uint64_t seed, std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  RemoteFile& of = story_.file[file];
  if (of.versions == kMostVersions) return;
  story_.now += 100;
  of.version[of.versions++] = {seed, size, story_.now};
  story_.seen[file].changed = true;
}

void Remote::set_listed(unsigned file, bool listed) {
  const std::lock_guard lock(mutex_);
  story_.file[file].listed = listed;
}

void Remote::set_lost(unsigned file, bool lost, bool first_mirror_only) {
  const std::lock_guard lock(mutex_);
  RemoteFile& of = story_.file[file];
  of.lost = lost && !first_mirror_only;
  of.lost_on_first = lost && first_mirror_only;
  story_.seen[file].changed = true;
  if (of.lost) story_.seen[file].denied = true;
}

void Remote::trouble(Trouble kind, unsigned count, int mirror) {
  const std::lock_guard lock(mutex_);
  trouble_ = kind;
  troubled_ = count;
  troubled_mirror_ = mirror;
}

Trouble Remote::take_trouble(unsigned mirror) {
  const std::lock_guard lock(mutex_);
  if (troubled_ == 0 || (troubled_mirror_ >= 0 && static_cast<unsigned>(troubled_mirror_) != mirror))
    return Trouble::none;
  --troubled_;
  return trouble_;
}

Trouble Remote::take_listing_trouble() {
  return take_trouble(0);
}

void Remote::hold(std::optional<std::uint32_t> files) {
  const std::lock_guard lock(mutex_);
  held_ = files.value_or(0);
}

bool Remote::held(unsigned file) const {
  const std::lock_guard lock(mutex_);
  return (held_ >> file & 1U) != 0;
}

void Remote::set_digest(const std::string& validator, Digest digest) {
  const std::lock_guard lock(mutex_);
  digests_[validator] = std::move(digest);
}

std::optional<Digest> Remote::digest(std::string_view validator) const {
  const std::lock_guard lock(mutex_);
  const auto found = digests_.find(validator);
  return found == digests_.end() ? std::nullopt : std::optional(found->second);
}

void Remote::flip(unsigned file, unsigned answers) {
  const std::lock_guard lock(mutex_);
  flips_[file] = answers;
}

bool Remote::take_flip(unsigned file) {
  const std::lock_guard lock(mutex_);
  const auto found = flips_.find(file);
  if (found == flips_.end() || found->second == 0) return false;
  --found->second;
  return true;
}

std::vector<Entry> Remote::list(unsigned dir) {
  const std::lock_guard lock(mutex_);
  std::vector<Entry> entries;
  std::uint32_t mask = 0;
  for (unsigned i = 0; i < kFilesPerDir; ++i) {
    const unsigned file = dir * kFilesPerDir + i;
    const RemoteFile& of = story_.file[file];
    if (!of.listed) continue;
    const Version& version = of.version[of.versions - 1];
    mask |= 1U << i;
    Entry entry{raw_name(file),       EntryKind::file,
                std::nullopt,         SysSeconds(seconds(version.mtime)),
                std::to_string(file), ""};
    if (story_.sizes_listed) entry.size = version.size;
    if (story_.validators == Validators::listed) entry.validator = etag(file, version, 0);
    entries.push_back(std::move(entry));
  }
  unsigned& count = story_.listings[dir];
  const auto* end = story_.listing[dir] + count;
  if (std::find(static_cast<const std::uint32_t*>(story_.listing[dir]), end, mask) == end &&
      count < kMostListings) {
    story_.listing[dir][count++] = mask;
  }
  return entries;
}

bool Remote::has_given(unsigned dir, std::uint32_t listing) const {
  const std::lock_guard lock(mutex_);
  const auto* end = story_.listing[dir] + story_.listings[dir];
  return std::find(static_cast<const std::uint32_t*>(story_.listing[dir]), end, listing) != end;
}

bool Remote::has_left_out(unsigned dir, unsigned index) const {
  const std::lock_guard lock(mutex_);
  const auto* end = story_.listing[dir] + story_.listings[dir];
  return std::any_of(static_cast<const std::uint32_t*>(story_.listing[dir]), end,
                     [index](std::uint32_t listing) { return (listing >> index & 1U) == 0; });
}

std::string Remote::etag(unsigned file, const Version& version, unsigned mirror) const {
  return fmt::format("\"{}-{:x}-{:x}\"", static_cast<char>('a' + mirror), file, version.seed);
}

Result<std::variant<Listing, NotModified>> RemoteArchive::list(std::string_view dir, std::string_view,
                                                               std::stop_token stop) {
  if (stop.stop_requested()) return fail(Errc::interrupted, "no longer wanted");
  if (remote_.take_listing_trouble() != Trouble::none)
    return fail(Errc::unavailable, "the listing is troubled");
  Listing listing;
  listing.good_for = good_for_;
  if (dir.empty()) {
    for (unsigned i = 0; i < kDirs; ++i) {
      listing.entries.push_back({dir_name(i), EntryKind::directory, std::nullopt, {}, dir_name(i), ""});
    }
  } else {
    listing.entries = remote_.list(static_cast<unsigned>(dir.back() - '0'));
  }
  return std::variant<Listing, NotModified>(std::move(listing));
}

Result<std::vector<http::Request>> RemoteArchive::locate(std::string_view locator) {
  std::vector<http::Request> mirrors;
  for (unsigned mirror = 0; mirror < remote_.story().mirrors; ++mirror) {
    http::Request request;
    request.url = fmt::format("http://{}.test/{}", static_cast<char>('a' + mirror), locator);
    mirrors.push_back(std::move(request));
  }
  return mirrors;
}

std::string RemoteArchive::validator_origin() const {
  return remote_.story().validators == Validators::listed ? "http://a.test:80" : "";
}

Result<FrameShape> RemoteArchive::shape(std::string_view locator) const {
  const unsigned number = number_of(locator);
  if (number >= kFiles || !is_frame(number)) return fail(Errc::unsupported, "no frame");
  return frame_shape();
}

}  // namespace astrofs::model
