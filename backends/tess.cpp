#include "backends/tess.h"

#include <algorithm>
#include <charconv>

#include "backends/format/tess_name.h"
#include "backends/format/tess_target_name.h"
#include "backends/s3_pages.h"
#include "backends/settle.h"
#include "backends/tess_prf.h"
#include "backends/tess_shape.h"
#include "backends/tess_target_shape.h"

namespace astrofs {
namespace {

using std::chrono::hours;

// A sector takes about a day to be ingested, some weeks after its last exposure, and a chip's listing grows
// meanwhile: look every few hours while its last frame is younger than half a year, then weekly, for the rare
// reprocessing.
constexpr hours kYoung = hours(24 * 180);
constexpr hours kGrowing = hours(6);
constexpr hours kSettled = hours(24 * 7);
// A sector appears every four weeks.
constexpr hours kRoot = hours(24);
// Tables of this program.
constexpr hours kConstant = hours(24 * 365);

// Sectors have four digits everywhere in the archive.
constexpr unsigned kLastSector = 9999;

/// "4" -> 4. Written as users write it: no leading zero, no sign. 0: not a sector.
unsigned parse_sector(std::string_view text) {
  unsigned number = 0;
  if (text.empty() || text.front() < '1' || text.front() > '9') return 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number <= kLastSector ? number : 0;
}

/// "1".."4"; 0 for anything else.
unsigned parse_position(std::string_view text) {
  return text.size() == 1 && text[0] >= '1' && text[0] <= '4' ? static_cast<unsigned>(text[0] - '0') : 0;
}

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const auto slash = path.find('/');
    parts.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return parts;
}

Entry directory(std::string_view parent, const std::string& name) {
  return directory_entry(name, parent.empty() ? name : std::string(parent) + "/" + name);
}

std::vector<Entry> four_directories(std::string_view parent) {
  std::vector<Entry> entries;
  for (const char* const number : {"1", "2", "3", "4"}) entries.push_back(directory(parent, number));
  return entries;
}

std::string_view name_in(std::string_view locator) {
  return locator.substr(locator.rfind('/') + 1);
}

tl::unexpected<Error> no_directory(std::string_view dir) {
  return fail(Errc::not_found, "TESS has no directory " + std::string(dir));
}

/// Directories of the models: constant, so that none of them needs the network.
Result<std::vector<Entry>> list_prf(std::string_view dir, const std::vector<std::string_view>& parts) {
  std::vector<Entry> entries;
  if (parts.size() == 1) {
    for (const std::string& set : tess::prf_sets()) entries.push_back(directory(dir, set));
    return entries;
  }
  if (parts.size() == 2 &&
      std::find(tess::prf_sets().begin(), tess::prf_sets().end(), parts[1]) != tess::prf_sets().end()) {
    for (const char camera : {'1', '2', '3', '4'}) {
      for (const char ccd : {'1', '2', '3', '4'}) {
        entries.push_back(directory(dir, std::string("cam") + camera + "_ccd" + ccd));
      }
    }
    return entries;
  }
  const auto chip = parts.size() == 3 ? tess::parse_prf_chip(parts[1], parts[2]) : std::nullopt;
  if (!chip) return no_directory(dir);
  for (std::string& name : tess::prf_names(*chip)) {
    Entry entry;
    entry.locator = std::string(dir) + "/" + name;
    entry.name = std::move(name);
    entries.push_back(std::move(entry));
  }
  return entries;
}

bool is_prf_file(const std::vector<std::string_view>& parts) {
  if (parts.size() != 4 || parts[0] != "prf") return false;
  const auto chip = tess::parse_prf_chip(parts[1], parts[2]);
  if (!chip) return false;
  const auto names = tess::prf_names(*chip);
  return std::find(names.begin(), names.end(), parts[3]) != names.end();
}

}  // namespace

TessArchive::TessArchive(tess::Sources sources, tess::Kinds kinds, http::Fetcher& fetcher, const Clock& clock)
    : sources_(std::move(sources)),
      clock_(clock),
      listing_(sources_, kinds, fetcher),
      targets_(sources_, fetcher, clock),
      sector_targets_(sources_, fetcher, clock) {
  set_budgets(sources_, fetcher);
}

Result<std::vector<Entry>> TessArchive::list_root(std::stop_token stop) const {
  const auto sectors = listing_.sectors(stop);
  if (!sectors) return tl::unexpected<Error>(sectors.error());
  std::vector<Entry> entries{directory("", "prf")};
  if (targets_.usable()) entries.push_back(directory("", std::string(tess::kTargets)));
  for (const unsigned sector : *sectors) entries.push_back(directory("", std::to_string(sector)));
  return entries;
}

std::chrono::seconds TessArchive::good_for_chip(const std::vector<Entry>& frames) const {
  const auto last = tess::last_exposure(frames);
  const bool settled = last && clock_.wall() - *last > kYoung;
  return settled ? kSettled : kGrowing;
}

Result<std::variant<Listing, NotModified>> TessArchive::list(std::string_view dir, std::string_view token,
                                                             std::stop_token stop) {
  if (tess::Targets::knows(dir) && targets_.usable()) return targets_.list(dir, token, stop);
  const auto parts = split(dir);
  const std::string where = "TESS " + std::string(dir);
  const auto settled = [&](Result<std::vector<Entry>> entries,
                           std::chrono::seconds good_for) -> Result<std::variant<Listing, NotModified>> {
    if (!entries) return tl::unexpected<Error>(entries.error());
    return settle(std::move(*entries), token, good_for, where);
  };
  if (parts.empty()) return settled(list_root(stop), kRoot);
  if (parts[0] == "prf") return settled(list_prf(dir, parts), kConstant);

  const unsigned sector = parse_sector(parts[0]);
  if (sector > 0 && parts.size() > 1 && parts[1] == tess::kSectorTargets)
    return settled(list_sector_targets(dir, stop), kRoot);
  const unsigned camera = parts.size() > 1 ? parse_position(parts[1]) : 0;
  const unsigned ccd = parts.size() > 2 ? parse_position(parts[2]) : 0;
  if (sector == 0 || parts.size() > 3 || (parts.size() > 1 && camera == 0) ||
      (parts.size() > 2 && ccd == 0)) {
    return no_directory(dir);
  }
  if (parts.size() == 3) {
    auto frames = listing_.chip({sector, camera, ccd}, stop);
    const auto good_for = frames ? good_for_chip(*frames) : kGrowing;
    return settled(std::move(frames), good_for);
  }
  // A sector's directory is asked for once, its cameras' not again: they are reached only through it.
  if (parts.size() == 1) {
    const auto exists = listing_.has_sector(sector, stop);
    if (!exists) return tl::unexpected<Error>(exists.error());
    if (!*exists) return no_directory(dir);
  }
  std::vector<Entry> entries = four_directories(dir);
  if (parts.size() == 1 && sector_targets_.usable())
    entries.push_back(directory(dir, std::string(tess::kSectorTargets)));
  return settled(std::move(entries), kConstant);
}

Result<std::vector<Entry>> TessArchive::list_sector_targets(std::string_view dir,
                                                            std::stop_token stop) const {
  const auto parts = split(dir);
  const unsigned sector = parse_sector(parts[0]);
  if (!sector_targets_.usable() || parts.size() > 3) return no_directory(dir);
  if (parts.size() == 2) return sector_targets_.targets(sector, stop);
  const std::uint64_t tic = tess::parse_tic(parts[2]);
  if (tic == 0) return no_directory(dir);
  return sector_targets_.products(sector, tic, stop);
}

Result<std::optional<Entry>> TessArchive::find(std::string_view dir, std::string_view name,
                                               std::stop_token stop) {
  if (dir == tess::kTargets) return targets_.find(name, stop);
  const unsigned sector = dir.empty() ? parse_sector(name) : 0;
  if (sector == 0) return std::optional<Entry>{};
  const auto exists = listing_.has_sector(sector, stop);
  if (!exists) return tl::unexpected<Error>(exists.error());
  if (!*exists) return std::optional<Entry>{};
  return std::optional<Entry>(directory("", std::string(name)));
}

std::vector<std::string> TessArchive::other_names(std::string_view name) const {
  return tess::shifted_names(name);
}

Result<std::string> TessArchive::make(std::string_view locator, std::stop_token stop) {
  if (!makes(locator)) return Archive::make(locator, stop);
  return targets_.table(locator, stop);
}

Result<std::vector<http::Request>> TessArchive::locate(std::string_view locator) {
  std::vector<http::Request> mirrors;
  const auto parts = split(locator);
  if (auto target = targets_.locate(locator)) {
    mirrors = std::move(*target);
  } else if (is_prf_file(parts)) {
    add_mirror(mirrors, sources_.archive,
               "/missions/tess/models/prf_fitsfiles/" + std::string(locator.substr(parts[0].size() + 1)));
  } else if (!parts.empty() && tess::product_at(locator)) {
    const std::string name(parts.back());
    add_mirror(mirrors, sources_.s3, "/tess/public/" + std::string(locator));
    add_mirror(mirrors, sources_.archive, "/missions/tess/" + std::string(locator));
    add_mirror(mirrors, sources_.mast, "/api/v0.1/Download/file?uri=mast:TESS/product/" + name);
  } else {
    return fail(Errc::not_found, "TESS has no file " + std::string(locator));
  }
  if (mirrors.empty())
    return fail(Errc::unsupported, "no source is configured that has " + std::string(locator));
  return mirrors;
}

std::optional<Digest> TessArchive::digest(std::string_view validator) const {
  return digest_of_etag(validator);
}

std::string TessArchive::validator_origin() const {
  return bucket_origin(sources_);
}

Result<FrameShape> TessArchive::shape(std::string_view locator) const {
  return shape_like(locator, {});
}

Result<FrameShape> TessArchive::shape_like(std::string_view locator, const TableModel& model) const {
  const std::string_view name = name_in(locator);
  return tess::parse_target_name(name) ? tess::target_shape_of(name, model) : tess::shape_of(name);
}

std::string TessArchive::family(std::string_view locator) const {
  const auto target = tess::parse_target_name(name_in(locator));
  return target ? tess::target_family(*target) : "";
}

std::string TessArchive::twin(std::string_view locator) const {
  const std::string_view name = name_in(locator);
  return tess::parse_target_name(name) ? tess::target_twin(name) : "";
}

}  // namespace astrofs
