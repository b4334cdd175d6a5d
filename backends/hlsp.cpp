#include "backends/hlsp.h"

#include <algorithm>

#include "backends/format/numbers.h"
#include "backends/hlsp_shape.h"
#include "backends/s3_pages.h"
#include "backends/settle.h"
#include "backends/url.h"

namespace astrofs {
namespace {

using hlsp::Pipeline;
using std::chrono::hours;

// A pipeline publishes a sector some months after its exposures, all at once, and a new version of it rarely.
constexpr hours kSectors{24};
constexpr hours kSector{24 * 7};
// Whether a built file is still what its curves would make is seen when its directory is listed: from what is
// known of them, which costs no request.
constexpr hours kBuilt{1};
// Tables of this program.
constexpr hours kConstant{24 * 365};

/// From finding a target to listing it passes one lookup.
constexpr std::chrono::seconds kRecent{60};
constexpr std::size_t kRemembered = 64;

constexpr std::string_view kByTarget = "by-target";
/// The token of its listing: it changes by find() alone, and keeps what that has found.
constexpr std::string_view kFound = "found";
constexpr std::string_view kTargetList = "target_list.csv";
constexpr std::string_view kFits = ".fits";
constexpr std::string_view kHdf5 = ".hdf5";

/// What a directory's locator says.
struct Place {
  Pipeline pipeline{Pipeline::qlp};
  unsigned sector{0};
  bool by_target{false};
  std::string_view below{};  ///< of the sector or of "by-target"
};

bool is_component(std::string_view name) {
  return !name.empty() && name != "." && name != "..";
}

bool are_components(std::string_view path) {
  while (!path.empty()) {
    const auto slash = path.find('/');
    if (!is_component(path.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
    if (path.empty()) return false;
  }
  return true;
}

/// "qlp/s0023/0000" -> its parts; nullopt for a path that this archive does not have.
std::optional<Place> place_of(std::string_view path) {
  if (!are_components(path)) return std::nullopt;
  const auto next = [&path] {
    const auto slash = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    return part;
  };
  const auto pipeline = hlsp::pipeline_in(next());
  if (!pipeline) return std::nullopt;
  Place place{.pipeline = *pipeline};
  if (path.empty()) return place;
  const std::string_view second = next();
  place.by_target = second == kByTarget;
  place.below = path;
  if (place.by_target) return place;
  const auto sector = hlsp::sector_in(second);
  if (!sector) return std::nullopt;
  place.sector = *sector;
  return place;
}

/// A TIC as its users write it: no leading zero, no sign, at most ten digits.
std::optional<std::uint64_t> tic_in(std::string_view name) {
  constexpr std::size_t kDigits = 10;
  if (name.empty() || name.size() > kDigits || name.front() < '1' || name.front() > '9') return std::nullopt;
  return number_in<std::uint64_t>(name);
}

/// What "by-target" has below: the curve of which a file there is built, and of which target it is.
struct SingleFile {
  hlsp::Curve curve;
  std::uint64_t tic{0};
  std::string source;  ///< path of the curve
};
std::optional<SingleFile> single_file(std::string_view locator) {
  const auto place = place_of(locator);
  if (!place || !place->by_target || !locator.ends_with(kHdf5)) return std::nullopt;
  const std::size_t slash = place->below.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  SingleFile file;
  std::string name(place->below.substr(slash + 1));
  name.replace(name.size() - kHdf5.size(), kHdf5.size(), kFits);
  const auto curve = hlsp::parse_curve(name);
  const auto tic = tic_in(place->below.substr(0, slash));
  if (!curve || curve->pipeline != place->pipeline || !tic) return std::nullopt;
  file.source = locator.substr(0, locator.rfind('/') + 1);
  file.source += name;
  file.curve = *curve;
  file.tic = *tic;
  return file;
}

/// Beside each curve its other form.
void add_single_files(std::vector<Entry>& entries, const std::string& dir) {
  for (std::size_t i = 0, count = entries.size(); i < count; ++i) {
    if (!hlsp::parse_curve(entries[i].name)) continue;
    Entry file;
    file.name = entries[i].name.substr(0, entries[i].name.size() - kFits.size()) + std::string(kHdf5);
    file.locator = dir + "/" + file.name;
    file.mtime = entries[i].mtime;
    entries.push_back(std::move(file));
  }
}

tl::unexpected<Error> no_directory(std::string_view dir) {
  return fail(Errc::not_found, "the pipelines have no directory " + std::string(dir));
}

}  // namespace

HlspArchive::HlspArchive(StsciHosts sources, http::Fetcher& fetcher, const Clock& clock)
    : sources_(std::move(sources)),
      clock_(clock),
      listing_(sources_, fetcher, clock),
      standard_(sources_, fetcher) {
  set_budgets(sources_, fetcher);
}

void HlspArchive::attach(const OwnFiles& files) {
  standard_.attach(files);
}

/// Which star of Gaia a target of TGLC is only MAST says, and TICA has images.
bool HlspArchive::has_targets(Pipeline pipeline) const {
  return pipeline == Pipeline::tglc ? !sources_.mast.empty() : pipeline != Pipeline::tica;
}

Result<std::variant<Listing, NotModified>> HlspArchive::list(std::string_view dir, std::string_view token,
                                                             std::stop_token stop) {
  const auto settled = [&](Result<Entries> entries,
                           hours good_for) -> Result<std::variant<Listing, NotModified>> {
    if (!entries) return tl::unexpected<Error>(entries.error());
    return settle(std::move(*entries), token, good_for, "hlsp/" + std::string(dir));
  };
  if (dir.empty()) {
    if (stop.stop_requested()) return fail(Errc::interrupted, "the mount is ending");
    Entries entries;
    for (const Pipeline pipeline : hlsp::kPipelines) {
      const std::string name(hlsp::directory_of(pipeline));
      entries.push_back(directory_entry(name, name));
    }
    return settled(std::move(entries), kConstant);
  }
  const auto place = place_of(dir);
  if (!place || (place->by_target && !has_targets(place->pipeline))) return no_directory(dir);
  // Too many targets to list: whoever knows one asks for it by name, and it is shown from then on.
  if (place->by_target && place->below.empty()) {
    if (token == kFound) return NotModified{};
    return Listing{{}, std::string(kFound), kConstant};
  }
  if (place->by_target) return settled(target(dir, stop), kSector);
  const auto standard = hlsp::standard_place(place->pipeline, place->sector, place->below);
  if (standard && standard_.usable(place->pipeline)) {
    auto entries = standard_.entries(*standard, stop);
    if (!entries || standard->level != hlsp::StandardPlace::Level::pixel)
      return settled(std::move(entries), kSector);
    return Listing{std::move(*entries), "", kBuilt};
  }
  if (place->sector == 0) return settled(list_sectors(place->pipeline, stop), kSectors);
  return settled(list_folder({place->pipeline, place->sector, std::string(place->below)}, stop), kSector);
}

Result<HlspArchive::Entries> HlspArchive::list_sectors(Pipeline pipeline, std::stop_token stop) const {
  const auto sectors = listing_.sectors(pipeline, stop);
  if (!sectors) return tl::unexpected<Error>(sectors.error());
  const std::string top = std::string(hlsp::directory_of(pipeline)) + "/";
  Entries entries;
  for (const unsigned sector : *sectors) {
    const std::string name = hlsp::sector_directory(sector);
    entries.push_back(directory_entry(name, top + name));
  }
  if (has_targets(pipeline))
    entries.push_back(directory_entry(std::string(kByTarget), top + std::string(kByTarget)));
  return entries;
}

Result<HlspArchive::Entries> HlspArchive::list_folder(const hlsp::Folder& folder, std::stop_token stop) {
  auto entries = listing_.entries(folder, stop);
  const bool has_list =
      !hlsp::target_list_path(folder.pipeline, folder.sector).empty() && !sources_.archive.empty();
  if (entries && folder.below.empty() && has_list) {
    Entry list;
    list.name = kTargetList;
    list.locator = folder.path() + "/" + list.name;
    entries->push_back(std::move(list));
    if (standard_.usable(folder.pipeline))
      entries->push_back(
          directory_entry(std::string(hlsp::kStandard), folder.path() + "/" + std::string(hlsp::kStandard)));
  }
  return entries;
}

Result<HlspArchive::Entries> HlspArchive::target(std::string_view dir, std::stop_token stop) {
  const auto place = place_of(dir);
  const auto tic = place ? tic_in(place->below) : std::nullopt;
  if (!tic) return no_directory(dir);
  {
    const MutexLock lock(mutex_);
    for (const Recent& known : recent_) {
      if (known.dir == dir && clock_.steady() - known.asked < kRecent) return known.entries;
    }
  }
  auto found = listing_.target(place->pipeline, *tic, stop);
  if (!found) return found;
  if (found->empty()) return no_directory(dir);
  if (standard_.usable(place->pipeline)) add_single_files(*found, std::string(dir));
  const MutexLock lock(mutex_);
  recent_.push_back({std::string(dir), clock_.steady(), *found});
  if (recent_.size() > kRemembered) recent_.pop_front();
  return found;
}

bool HlspArchive::finds(std::string_view dir) const {
  const auto place = place_of(dir);
  return place && place->by_target && place->below.empty() && has_targets(place->pipeline);
}

Result<std::optional<Entry>> HlspArchive::find(std::string_view dir, std::string_view name,
                                               std::stop_token stop) {
  if (!finds(dir) || !tic_in(name)) return std::optional<Entry>{};
  const std::string locator = std::string(dir) + "/" + std::string(name);
  const auto files = target(locator, stop);
  if (!files && files.error().code != Errc::not_found) return tl::unexpected<Error>(files.error());
  if (!files) return std::optional<Entry>{};
  return std::optional(directory_entry(std::string(name), locator));
}

Result<std::vector<http::Request>> HlspArchive::locate(std::string_view locator) {
  if (builds(locator))
    return fail(Errc::unsupported, "this file is built here, of the archive's light curves");
  std::vector<http::Request> mirrors;
  const auto place = place_of(locator);
  if (!place || place->sector == 0 || place->below.empty())
    return fail(Errc::not_found, "the pipelines have no file " + std::string(locator));
  if (place->below == kTargetList) {
    const std::string path = hlsp::target_list_path(place->pipeline, place->sector);
    if (!path.empty()) add_mirror(mirrors, sources_.archive, path);
  } else {
    add_mirror(mirrors, sources_.s3, "/" + url::encode_path(hlsp::s3_key(locator)));
    add_mirror(mirrors, sources_.archive, url::encode_path(hlsp::archive_path(locator)));
    // MAST wants the colon and the slashes as they are.
    add_mirror(mirrors, sources_.mast,
               "/api/v0.1/Download/file?uri=" + hlsp::mast_uri(url::encode_path(locator)));
  }
  if (mirrors.empty())
    return fail(Errc::unsupported, "no source is configured that has " + std::string(locator));
  return mirrors;
}

bool HlspArchive::builds(std::string_view locator) const {
  if (!locator.ends_with(kHdf5)) return false;
  if (single_file(locator)) return true;
  const auto place = place_of(locator);
  const auto standard =
      place ? hlsp::standard_place(place->pipeline, place->sector, place->below) : std::nullopt;
  return standard && place->sector > 0 && standard->level == hlsp::StandardPlace::Level::file;
}

/// Which curves are in a sample for a try the sector's script says, all else the list of its targets.
bool HlspArchive::builds_offline(std::string_view locator) const {
  if (!builds(locator)) return false;
  const auto place = place_of(locator);
  return place->by_target || !hlsp::standard_place(place->pipeline, place->sector, place->below)->tiny;
}

bool HlspArchive::lists_offline(std::string_view dir) const {
  const auto place = place_of(dir);
  const auto standard =
      place ? hlsp::standard_place(place->pipeline, place->sector, place->below) : std::nullopt;
  using Level = hlsp::StandardPlace::Level;
  return standard && place->sector > 0 && standard_.usable(place->pipeline) &&
         (standard->level == Level::top || standard->level == Level::pixel);
}

Result<Recipe> HlspArchive::recipe(std::string_view locator, std::stop_token stop) {
  if (!builds(locator)) return Archive::recipe(locator, std::move(stop));
  if (auto single = single_file(locator))
    return hlsp::single_recipe(single->curve, single->tic, std::move(single->source));
  const auto place = place_of(locator);
  return standard_.recipe(*hlsp::standard_place(place->pipeline, place->sector, place->below),
                          std::move(stop));
}

std::string HlspArchive::validator_origin() const {
  return bucket_origin(sources_);
}

std::optional<Digest> HlspArchive::digest(std::string_view validator) const {
  return digest_of_etag(validator);
}

Result<FrameShape> HlspArchive::shape(std::string_view locator) const {
  return shape_like(locator, {});
}

Result<FrameShape> HlspArchive::shape_like(std::string_view locator, const TableModel& model) const {
  return hlsp::shape_of(locator.substr(locator.rfind('/') + 1), model);
}

std::string HlspArchive::family(std::string_view locator) const {
  return hlsp::family_of(locator.substr(locator.rfind('/') + 1));
}

std::string HlspArchive::twin(std::string_view locator) const {
  return hlsp::twin_of(locator.substr(locator.rfind('/') + 1));
}

}  // namespace astrofs
