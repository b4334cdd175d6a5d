#include "backends/applause.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/format/numbers.h"
#include "backends/settle.h"
#include "backends/token_services.h"

namespace astrofs {
namespace {

using applause::Plate;
using applause::plate_in;
using applause::PlateId;
using applause::Scan;
using applause::StoredFile;
using std::chrono::hours;

// A data release does not change; what is repaired in it may wait for a week.
constexpr hours kRelease{24 * 7};
// Tables of this program.
constexpr hours kConstant{24 * 365};

constexpr std::string_view kRelease4 = "dr4";
constexpr std::string_view kPlate = "plate";
constexpr std::string_view kSequences = "sequences";
constexpr std::string_view kScan = "scan/";
constexpr std::string_view kPicture = "picture/";
constexpr std::string_view kJson = "json/";
constexpr std::string_view kCsv = "csv/";
constexpr std::string_view kFits = "fits/";
/// The token of a listing that changes by find() alone.
constexpr std::string_view kFound = "found";
/// Before the sums that a scan's validator is made of.
constexpr std::string_view kSums = "sums:";
constexpr std::size_t kMostAsked = 4096;
constexpr std::uint64_t kLeastRequest = 4ULL << 20;
constexpr std::uint64_t kBlock = 2880;

/// What is behind `prefix` and a slash; nullopt where that does not stand there.
std::optional<std::string_view> below(std::string_view dir, std::string_view prefix) {
  if (!dir.starts_with(prefix) || dir.size() <= prefix.size() + 1 || dir[prefix.size()] != '/')
    return std::nullopt;
  return dir.substr(prefix.size() + 1);
}

std::string last_component(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

Entry entry_of(const StoredFile& file, std::string locator) {
  Entry entry;
  entry.name = last_component(file.path);
  entry.size = file.size;
  entry.mtime = file.mtime;
  entry.locator = std::move(locator);
  return entry;
}

Entry entry_of(const Scan& scan) {
  Entry entry =
      entry_of(scan.file, fmt::format("{}{}/{}/{}", kScan, scan.width, scan.height, scan.file.path));
  // No FITS file has such a length: it is none.
  if (entry.size && *entry.size % kBlock != 0) entry.size.reset();
  if (!scan.checksum.empty() || !scan.datasum.empty())
    entry.validator = fmt::format("{}{}:{}", kSums, scan.checksum, scan.datasum);
  return entry;
}

struct LocatedScan {
  std::uint32_t width{0}, height{0};
  std::string_view path;
};
std::optional<LocatedScan> scan_in(std::string_view locator) {
  if (!locator.starts_with(kScan)) return std::nullopt;
  locator.remove_prefix(kScan.size());
  const std::size_t first = locator.find('/');
  const std::size_t second = locator.find('/', std::min(first, locator.size() - 1) + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return std::nullopt;
  const auto width = number_in<std::uint32_t>(locator.substr(0, first));
  const auto height = number_in<std::uint32_t>(locator.substr(first + 1, second - first - 1));
  const std::string_view path = locator.substr(second + 1);
  if (!width || !height || path.empty()) return std::nullopt;
  return LocatedScan{*width, *height, path};
}

struct LocatedTable {
  std::string_view name;
  PlateId plate{0};
};
/// `form`: kCsv or kFits.
std::optional<LocatedTable> table_in(std::string_view locator, std::string_view form) {
  if (!locator.starts_with(form)) return std::nullopt;
  locator.remove_prefix(form.size());
  const std::string_view name = locator.substr(0, locator.find('/'));
  const auto plate = plate_in(locator.substr(std::min(name.size() + 1, locator.size())));
  if (!applause::is_source_table(name) || !plate) return std::nullopt;
  return LocatedTable{name, *plate};
}

}  // namespace

ApplauseArchive::ApplauseArchive(std::string url, Sequences sequences, std::string login,
                                 http::Fetcher& fetcher, const Clock& clock)
    : sequences_(std::move(sequences)),
      token_(*token_service("applause"), std::move(login), url),
      plates_(url, token_, fetcher),
      jobs_(
          url + "/tap",
          [this](http::Request& request) {
            if (token_.is_there()) (void)token_.authorize(request);
          },
          [this] { return token_.scope(); }, fetcher),
      tables_(plates_, jobs_, clock),
      asked_(clock, kMostAsked) {}

Result<std::vector<Entry>> ApplauseArchive::files_of(const std::vector<PlateId>& ids, bool several,
                                                     std::stop_token stop) const {
  const auto plates = plates_.describe(ids, std::move(stop));
  if (!plates) return tl::unexpected<Error>(plates.error());
  std::vector<Entry> entries;
  for (const Plate& plate : *plates) {
    for (const Scan& scan : plate.scans) {
      if (!scan.file.path.empty()) entries.push_back(entry_of(scan));
    }
    for (const StoredFile& picture : plate.pictures) {
      if (!picture.path.empty()) entries.push_back(entry_of(picture, std::string(kPicture) + picture.path));
    }
    for (const auto& [table, name] :
         {std::pair{"source", "sources"}, std::pair{"source_calib", "sources_calib"}}) {
      for (const auto& [form, ending] : {std::pair{kCsv, "csv"}, std::pair{kFits, "fits"}}) {
        Entry entry;  // its size is known when it is made
        entry.name = fmt::format("{}_{}.{}", name, plate.id, ending);
        entry.locator = fmt::format("{}{}/{}", form, table, plate.id);
        entries.push_back(std::move(entry));
      }
    }
    Entry json;
    json.name = several ? fmt::format("plate_{}.json", plate.id) : "plate.json";
    json.size = plate.json.size();
    json.locator = fmt::format("{}{}", kJson, plate.id);
    json.validator = made_version(plate.json);
    entries.push_back(std::move(json));
  }
  return entries;
}

Result<std::vector<Entry>> ApplauseArchive::entries(std::string_view dir, std::stop_token stop) const {
  std::vector<Entry> entries;
  const auto add = [&entries](std::string name, std::string locator) {
    entries.push_back(directory_entry(std::move(name), std::move(locator)));
  };
  if (dir.empty()) {
    if (stop.stop_requested()) return fail(Errc::interrupted, "the mount is ending");
    for (const std::string_view name : {kRelease4, kPlate}) add(std::string(name), std::string(name));
    if (!sequences_.empty()) add(std::string(kSequences), std::string(kSequences));
    return entries;
  }
  if (dir == kRelease4) {
    const auto archives = plates_.archives(stop);
    if (!archives) return tl::unexpected<Error>(archives.error());
    for (const std::string& archive : *archives) add(archive, fmt::format("{}/{}", kRelease4, archive));
    return entries;
  }
  if (const auto archive = below(dir, kRelease4)) {
    const auto plates = plates_.plates_of(*archive, stop);
    if (!plates) return tl::unexpected<Error>(plates.error());
    for (const PlateId plate : *plates) add(std::to_string(plate), fmt::format("{}/{}", kPlate, plate));
    return entries;
  }
  const auto unknown = fail(Errc::not_found, fmt::format("APPLAUSE has no directory {}", dir));
  if (const auto name = below(dir, kPlate)) {
    const auto plate = plate_in(*name);
    if (!plate) return unknown;
    auto files = files_of({*plate}, false, stop);
    return files && files->empty() ? unknown : std::move(files);
  }
  if (dir == kSequences) {
    for (const auto& [name, plates] : sequences_) add(name, fmt::format("{}/{}", kSequences, name));
    return entries;
  }
  const auto sequence = sequences_.find(std::string(below(dir, kSequences).value_or("")));
  if (sequence == sequences_.end()) return unknown;
  return files_of(sequence->second, true, stop);
}

Result<std::variant<Listing, NotModified>> ApplauseArchive::list(std::string_view dir, std::string_view token,
                                                                 std::stop_token stop) {
  // 97,703 of them: whoever knows one asks for it by name, and it is shown from then on.
  if (dir == kPlate) {
    if (token == kFound) return NotModified{};
    return Listing{{}, std::string(kFound), kConstant};
  }
  Result<std::vector<Entry>> found = entries(dir, std::move(stop));
  if (!found) return tl::unexpected<Error>(found.error());
  const bool is_ours = dir.empty() || dir == kSequences;
  return settle(std::move(*found), token, is_ours ? kConstant : kRelease, "applause/" + std::string(dir));
}

Result<std::optional<Entry>> ApplauseArchive::find(std::string_view dir, std::string_view name,
                                                   std::stop_token stop) {
  const auto plate = plate_in(name);
  if (!finds(dir) || !plate) return std::optional<Entry>{};
  const auto there = asked_.for_finding(*plate, [&] {
    return plates_.is_there(*plate, stop).map([&](bool is_there) { return is_there ? plate : std::nullopt; });
  });
  if (!there) return tl::unexpected<Error>(there.error());
  if (!*there) return std::optional<Entry>{};
  return std::optional(directory_entry(std::string(name), fmt::format("{}/{}", kPlate, *plate)));
}

Result<std::vector<http::Request>> ApplauseArchive::locate(std::string_view locator) {
  if (const auto scan = scan_in(locator)) return std::vector{plates_.file(scan->path)};
  if (locator.starts_with(kPicture) && locator.size() > kPicture.size())
    return std::vector{plates_.file(locator.substr(kPicture.size()))};
  return fail(Errc::not_found, "APPLAUSE has no file " + std::string(locator));
}

bool ApplauseArchive::makes(std::string_view locator) const {
  return locator.starts_with(kJson) || table_in(locator, kCsv) || table_in(locator, kFits);
}

Result<std::string> ApplauseArchive::make(std::string_view locator, std::stop_token stop) {
  if (const auto table = table_in(locator, kCsv)) return tables_.csv(table->name, table->plate, stop);
  if (const auto table = table_in(locator, kFits)) return tables_.fits(table->name, table->plate, stop);
  const auto plate = locator.starts_with(kJson) ? plate_in(locator.substr(kJson.size())) : std::nullopt;
  if (!plate) return fail(Errc::not_found, "APPLAUSE has no file " + std::string(locator));
  auto plates = plates_.describe({*plate}, std::move(stop));
  if (!plates) return tl::unexpected<Error>(plates.error());
  if (plates->empty()) return fail(Errc::not_found, fmt::format("APPLAUSE has no plate {}", *plate));
  return std::move(plates->front().json);
}

std::string ApplauseArchive::credential_scope(std::string_view) const {
  return token_.is_there() ? token_.scope() : std::string(kPublic);
}

std::string ApplauseArchive::advice() const {
  return token_.is_there() ? "the token of APPLAUSE may have been replaced: astrofs login applause"
                           : "it may be for users of APPLAUSE: astrofs login applause";
}

std::uint64_t ApplauseArchive::least_request(std::string_view locator) const {
  return locator.starts_with(kScan) ? kLeastRequest : 0;
}

std::optional<FitsSums> ApplauseArchive::fits_sums(std::string_view validator) const {
  if (!validator.starts_with(kSums)) return std::nullopt;
  validator.remove_prefix(kSums.size());
  // Letters of a CHECKSUM are none of punctuation.
  const std::size_t colon = std::min(validator.find(':'), validator.size());
  return FitsSums{std::string(validator.substr(0, colon)),
                  std::string(validator.substr(std::min(colon + 1, validator.size())))};
}

Result<FrameShape> ApplauseArchive::shape(std::string_view locator) const {
  const auto scan = scan_in(locator);
  if (!scan || scan->width == 0 || scan->height == 0)
    return fail(Errc::unsupported, "only scans have placeholders");
  HduShape image;
  image.bitpix = 16;
  image.axes = {scan->width, scan->height};
  image.are_axes_certain = true;
  return FrameShape{{std::move(image)}};
}

}  // namespace astrofs
