#include "backends/tess_listing.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "backends/directory_page.h"
#include "backends/format/tess_name.h"
#include "backends/s3_pages.h"
#include "backends/tess_frames.h"
#include "backends/tess_script.h"

namespace astrofs::tess {
namespace {

constexpr std::string_view kS3Root = "tess/public/";
constexpr std::string_view kArchiveRoot = "/missions/tess/";

bool is_number(std::string_view text, std::size_t digits) {
  return text.size() == digits &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// 4 for "s0004", 0 for anything else.
unsigned sector_of(std::string_view directory) {
  if (!directory.starts_with('s') || !is_number(directory.substr(1), 4)) return 0;
  unsigned sector = 0;
  std::from_chars(directory.data() + 1, directory.data() + directory.size(), sector);
  return sector;
}

std::string chip_directory(const Chip& chip) {
  return fmt::format("{}-{}/", chip.camera, chip.ccd);
}

/// Last component of "a/b/c/".
std::string_view last_component(std::string_view prefix) {
  prefix.remove_suffix(prefix.ends_with('/') ? 1 : 0);
  const auto slash = prefix.rfind('/');
  return slash == std::string_view::npos ? prefix : prefix.substr(slash + 1);
}

/// A page that another one names and that is not found is a fault: it does not mean that there is nothing.
Error listed_but(Error error, const std::string& path) {
  if (error.code == Errc::not_found) return {Errc::unavailable, path + " is listed but not found"};
  return error;
}

}  // namespace

std::string padded_sector(unsigned sector) {
  return fmt::format("s{:04}", sector);
}

Result<std::vector<std::string>> TessListing::s3_directories(const std::string& prefix,
                                                             std::stop_token stop) const {
  auto level = std::move(list_s3_levels(fetcher_, sources_.s3, {prefix}, stop).front());
  if (!level) return tl::unexpected<Error>(level.error());
  if (!level->exists) return fail(Errc::not_found, sources_.s3 + " has no key below " + prefix);
  return std::move(level->prefixes);
}

/// Children of directory pages below missions/tess/, one result for each path (ending in '/').
std::vector<Result<std::vector<Entry>>> TessListing::pages(const std::vector<std::string>& paths,
                                                           std::stop_token stop) const {
  std::vector<std::vector<http::Request>> jobs;
  jobs.reserve(paths.size());
  for (const std::string& path : paths) {
    http::Request request;
    request.url = sources_.archive + std::string(kArchiveRoot) + path;
    jobs.push_back({std::move(request)});
  }
  std::vector<Result<std::vector<Entry>>> answers;
  answers.reserve(paths.size());
  for (Result<http::Response>& response : fetcher_.fetch_all(std::move(jobs), stop)) {
    if (response) {
      answers.push_back(read_directory_page(*response));
    } else {
      answers.emplace_back(tl::unexpected<Error>(response.error()));
    }
  }
  return answers;
}

/// Directories of one page whose name is a number of so many digits, with a '/' behind.
Result<std::vector<std::string>> TessListing::numbered_directories(const std::string& path,
                                                                   std::size_t digits,
                                                                   std::stop_token stop) const {
  const auto page = std::move(pages({path}, stop).front());
  if (!page) return tl::unexpected<Error>(page.error());
  std::vector<std::string> found;
  for (const Entry& entry : *page) {
    if (entry.kind == EntryKind::directory && is_number(entry.name, digits))
      found.push_back(path + entry.name + "/");
  }
  return found;
}

Result<std::vector<unsigned>> TessListing::sectors(std::stop_token stop) const {
  const auto from_names = [](const auto& names) -> Result<std::vector<unsigned>> {
    std::vector<unsigned> found;
    for (const std::string_view name : names) {
      if (const unsigned sector = sector_of(name); sector > 0) found.push_back(sector);
    }
    if (found.empty()) return fail(Errc::not_found, "there is no sector at all");
    return found;
  };
  const auto from_s3 = [&]() -> Result<std::vector<unsigned>> {
    const auto prefixes = s3_directories(std::string(kS3Root) + "ffi/", stop);
    if (!prefixes) return tl::unexpected<Error>(prefixes.error());
    std::vector<std::string_view> names;
    for (const std::string& prefix : *prefixes) names.push_back(last_component(prefix));
    return from_names(names);
  };
  const auto from_page = [&]() -> Result<std::vector<unsigned>> {
    const auto page = std::move(pages({"ffi/"}, stop).front());
    if (!page) return tl::unexpected<Error>(page.error());
    std::vector<std::string_view> names;
    for (const Entry& entry : *page) {
      if (entry.kind == EntryKind::directory) names.push_back(entry.name);
    }
    return from_names(names);
  };
  return order_.first_of<std::vector<unsigned>>(
      {{"S3", !sources_.s3.empty(), from_s3}, {}, {"directory pages", !sources_.archive.empty(), from_page}},
      "the list of sectors");
}

Result<bool> TessListing::has_sector(unsigned sector, std::stop_token stop) const {
  const std::string path = "ffi/" + padded_sector(sector) + "/";
  const auto from_s3 = [&]() -> Result<bool> {
    return s3_directories(std::string(kS3Root) + path, stop).map([](const auto&) { return true; });
  };
  const auto from_script = [&]() -> Result<bool> {
    return script_exists(fetcher_, sources_.archive, sector, stop).map([] { return true; });
  };
  const auto from_page = [&]() -> Result<bool> {
    return std::move(pages({path}, stop).front()).map([](const auto&) { return true; });
  };
  const bool archive = !sources_.archive.empty();
  auto answer = order_.first_of<bool>({{"S3", !sources_.s3.empty(), from_s3},
                                       {"download scripts", archive, from_script},
                                       {"directory pages", archive, from_page}},
                                      "sector " + std::to_string(sector));
  if (!answer && answer.error().code == Errc::not_found) return false;
  return answer;
}

Result<std::vector<Entry>> TessListing::chip(const Chip& chip, std::stop_token stop) const {
  const bool archive = !sources_.archive.empty();
  // Scripts name the frames only; a listing without the other products that were asked for would be half of
  // one.
  const bool script_has_all = !kinds_.collateral && !kinds_.cbv;
  auto frames = order_.first_of<std::vector<Entry>>(
      {{"S3", !sources_.s3.empty(), [&] { return chip_from_s3(chip, stop); }},
       {"download scripts", archive && script_has_all, [&] { return chip_from_scripts(chip, stop); }},
       {"directory pages", archive, [&] { return chip_from_pages(chip, stop); }}},
      fmt::format("sector {}, camera {}, CCD {}", chip.sector, chip.camera, chip.ccd));
  if (!frames) return frames;
  return collapse_doubles(std::move(*frames));
}

// S3 knows no directory of a chip: frames lie below year and day. One level for the years, one for each
// year's days, then all days of the chip at once: every one of them is a single page.
Result<std::vector<Entry>> TessListing::chip_from_s3(const Chip& chip, std::stop_token stop) const {
  const std::string root = std::string(kS3Root) + "ffi/" + padded_sector(chip.sector) + "/";
  const auto years = s3_directories(root, stop);
  if (!years) return tl::unexpected<Error>(years.error());
  std::vector<std::string> wanted;
  for (const Result<S3Level>& year : list_s3_levels(fetcher_, sources_.s3, *years, stop)) {
    if (!year) return tl::unexpected<Error>(year.error());
    for (const std::string& day : year->prefixes) wanted.push_back(day + chip_directory(chip));
  }
  std::vector<Entry> frames;
  for (Result<S3Level>& day : list_s3_levels(fetcher_, sources_.s3, wanted, stop)) {
    if (!day) return tl::unexpected<Error>(day.error());
    for (S3Object& object : day->objects) {
      Entry entry;
      entry.name = last_component(object.key);
      entry.locator = object.key.substr(kS3Root.size());
      if (!is_shown(entry.locator, chip, kinds_)) continue;
      entry.size = object.size;
      entry.mtime = object.last_modified;
      entry.validator = std::move(object.etag);
      frames.push_back(std::move(entry));
    }
  }
  return frames;
}

Result<std::vector<Entry>> TessListing::chip_from_scripts(const Chip& chip, std::stop_token stop) const {
  std::vector<Entry> frames;
  for (const std::string_view product : {"ffic", "ffir"}) {
    if (product == "ffir" && !kinds_.raw) continue;
    auto names = script_names(fetcher_, sources_.archive, chip, product, stop);
    if (!names) return tl::unexpected<Error>(names.error());
    for (std::string& name : *names) {
      Entry entry;
      entry.locator = ffi_path(name);
      entry.name = std::move(name);
      if (is_shown(entry.locator, chip, kinds_)) frames.push_back(std::move(entry));
    }
  }
  // A script is written a day or two after the frames come: that it names none of a chip does not mean that
  // there is none.
  if (frames.empty()) return fail(Errc::not_found, "the download script names no frame of this chip");
  return frames;
}

Result<std::vector<Entry>> TessListing::chip_from_pages(const Chip& chip, std::stop_token stop) const {
  const auto years = numbered_directories("ffi/" + padded_sector(chip.sector) + "/", 4, stop);
  if (!years) return tl::unexpected<Error>(years.error());
  std::vector<std::string> wanted;
  for (const std::string& year : *years) {
    const auto days = numbered_directories(year, 3, stop);
    if (!days) return tl::unexpected<Error>(listed_but(days.error(), year));
    for (const std::string& day : *days) wanted.push_back(day + chip_directory(chip));
  }
  std::vector<Entry> frames;
  auto answers = pages(wanted, stop);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!answers[i]) {
      if (answers[i].error().code != Errc::not_found) return answers[i];
      if (auto absent = confirm_absent(wanted[i], stop); !absent)
        return tl::unexpected<Error>(absent.error());
      continue;
    }
    for (Entry& entry : *answers[i]) {
      entry.locator = wanted[i] + entry.name;
      if (is_shown(entry.locator, chip, kinds_)) frames.push_back(std::move(entry));
    }
  }
  return frames;
}

/// A chip may have no frame on a day (sectors 60 and 65), and then the page above does not name it. A page
/// that is named there and still not found is a fault, and half a chip must not pass for a whole one.
Result<void> TessListing::confirm_absent(const std::string& path, std::stop_token stop) const {
  const std::string name(last_component(path));
  const std::string above = path.substr(0, path.size() - name.size() - 1);
  const auto page = std::move(pages({above}, stop).front());
  if (!page) return tl::unexpected<Error>(listed_but(page.error(), above));
  if (std::any_of(page->begin(), page->end(), [&](const Entry& entry) { return entry.name == name; })) {
    return tl::unexpected<Error>(listed_but({Errc::not_found, {}}, path));
  }
  return {};
}

}  // namespace astrofs::tess
