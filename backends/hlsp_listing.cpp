#include "backends/hlsp_listing.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/directory_page.h"
#include "backends/format/curl_script.h"
#include "backends/gone_service.h"
#include "backends/mast.h"
#include "backends/s3_pages.h"
#include "backends/url.h"

namespace astrofs::hlsp {
namespace {

using Entries = std::vector<Entry>;

Entry folder_entry(const std::string& parent, const std::string& name) {
  return directory_entry(name, parent + "/" + name);
}

Entry file_entry(const std::string& parent, std::string name) {
  Entry entry;
  entry.locator = parent + "/" + name;
  entry.name = std::move(name);
  return entry;
}

Entries entries_of(S3Level level, const std::string& path) {
  const std::size_t prefix = s3_key(path).size() + 1;
  Entries entries;
  entries.reserve(level.objects.size() + level.prefixes.size());
  for (const std::string& deeper : level.prefixes)
    entries.push_back(folder_entry(path, deeper.substr(prefix, deeper.size() - prefix - 1)));
  for (S3Object& object : level.objects) {
    Entry entry = file_entry(path, object.key.substr(prefix));
    entry.size = object.size;
    entry.mtime = object.last_modified;
    entry.validator = std::move(object.etag);
    entries.push_back(std::move(entry));
  }
  return entries;
}

/// Folders of a target or a star have four levels of four digits; in the last one files stand.
bool is_last_level(const Folder& folder) {
  if (folder.pipeline == Pipeline::tica) return !folder.below.empty();
  const auto levels = std::count(folder.below.begin(), folder.below.end(), '/') + 1;
  constexpr auto kOfTarget = 4;
  return levels == (folder.pipeline == Pipeline::qlp ? kOfTarget : kOfTarget + 1);
}

/// "cam2-ccd3" -> 2, 3.
std::optional<std::pair<unsigned, unsigned>> chip_in(std::string_view name) {
  const auto is_position = [](char c) { return c >= '1' && c <= '4'; };
  constexpr std::string_view kForm = "cam1-ccd1";
  if (name.size() != kForm.size() || !name.starts_with("cam") || name.substr(4, 4) != "-ccd" ||
      !is_position(name[3]) || !is_position(name[8]))
    return std::nullopt;
  return std::pair(static_cast<unsigned>(name[3] - '0'), static_cast<unsigned>(name[8] - '0'));
}

Result<std::vector<unsigned>> sectors_in(const Result<Entries>& top) {
  if (!top) return tl::unexpected<Error>(top.error());
  std::vector<unsigned> found;
  for (const Entry& entry : *top) {
    const auto sector = sector_in(entry.name);
    if (sector && entry.kind == EntryKind::directory) found.push_back(*sector);
  }
  if (found.empty()) return fail(Errc::not_found, "there is no sector at all");
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

std::string Folder::path() const {
  std::string path(directory_of(pipeline));
  if (sector > 0) path += "/" + sector_directory(sector);
  return below.empty() ? path : path + "/" + below;
}

HlspListing::HlspListing(StsciHosts sources, http::Fetcher& fetcher, const Clock& clock)
    : sources_(std::move(sources)), fetcher_(fetcher), scripts_(fetcher, clock) {
  for (const Pipeline pipeline : kPipelines)
    orders_.try_emplace(pipeline, std::string(directory_of(pipeline)));
}

const SourceOrder& HlspListing::order(Pipeline pipeline) const {
  return orders_.at(pipeline);
}

HlspListing::Answers HlspListing::from_s3(const std::vector<std::string>& paths, std::stop_token stop) const {
  std::vector<std::string> prefixes;
  for (const std::string& path : paths) prefixes.push_back(s3_key(path) + "/");
  Answers answers;
  auto levels = list_s3_levels(fetcher_, sources_.s3, prefixes, stop);
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (!levels[i]) {
      answers.emplace_back(tl::unexpected<Error>(levels[i].error()));
    } else if (!levels[i]->exists) {
      answers.emplace_back(fail(Errc::not_found, sources_.s3 + " has no key below " + prefixes[i]));
    } else {
      answers.emplace_back(entries_of(std::move(*levels[i]), paths[i]));
    }
  }
  return answers;
}

HlspListing::Answers HlspListing::from_pages(const std::vector<std::string>& paths,
                                             std::stop_token stop) const {
  std::vector<std::vector<http::Request>> jobs;
  for (const std::string& path : paths) {
    http::Request request;
    request.url = sources_.archive + url::encode_path(archive_path(path)) + "/";
    jobs.push_back({std::move(request)});
  }
  Answers answers;
  auto pages = fetcher_.fetch_all(std::move(jobs), stop);
  for (std::size_t i = 0; i < paths.size(); ++i) {
    auto entries = pages[i].and_then([](const http::Response& page) { return read_directory_page(page); });
    if (entries) {
      for (Entry& entry : *entries) entry.locator = paths[i] + "/" + entry.name;
    }
    answers.push_back(std::move(entries));
  }
  return answers;
}

Result<Entries> HlspListing::from_script(const Folder& folder, std::stop_token stop) {
  if (folder.pipeline == Pipeline::tica) return from_image_scripts(folder, stop);
  std::string below = sector_directory(folder.sector) + "/";
  if (!folder.below.empty()) below += folder.below + "/";
  auto named = scripts_.folder(sources_.archive + script_path(folder.pipeline, folder.sector), below, stop);
  if (!named) return tl::unexpected<Error>(named.error());
  Entries entries;
  for (const std::string& name : named->folders) entries.push_back(folder_entry(folder.path(), name));
  for (std::string& name : named->files) entries.push_back(file_entry(folder.path(), std::move(name)));
  return entries;
}

/// TICA has a script for each orbit and chip, of a megabyte or two; which orbits there are nobody says.
Result<Entries> HlspListing::from_image_scripts(const Folder& folder, std::stop_token stop) const {
  const auto chip = chip_in(folder.below);
  if (!chip) return fail(Errc::not_found, "no download script names the chips of a sector");
  std::vector<std::vector<http::Request>> jobs;
  for (const std::string_view orbit : kOrbits) {
    http::Request request;
    request.url = sources_.archive + image_script_path(folder.sector, orbit, chip->first, chip->second);
    jobs.push_back({std::move(request)});
  }
  Entries entries;
  std::optional<Error> none;
  for (const auto& answer : fetcher_.fetch_all(std::move(jobs), stop)) {
    if (!answer && answer.error().code != Errc::not_found) return tl::unexpected<Error>(answer.error());
    if (!answer) {
      none = answer.error();
      continue;
    }
    const auto piece = parse_script(answer->body, {.paths = true});
    if (!piece) return tl::unexpected<Error>(piece.error());
    for (const ScriptLine& line : piece->lines) {
      const std::string name = line.name.substr(line.name.rfind('/') + 1);
      const auto image = parse_image(name);
      if (image && image->path() == folder.path() + "/" + name)
        entries.push_back(file_entry(folder.path(), name));
    }
  }
  if (entries.empty() && none) return tl::unexpected<Error>(*none);
  return entries;
}

Result<std::vector<unsigned>> HlspListing::sectors(Pipeline pipeline, std::stop_token stop) const {
  const std::string top = Folder{pipeline, 0, ""}.path();
  return order(pipeline).first_of<std::vector<unsigned>>(
      {{"S3", !sources_.s3.empty(), [&] { return sectors_in(from_s3({top}, stop).front()); }},
       {"directory pages", !sources_.archive.empty(),
        [&] { return sectors_in(from_pages({top}, stop).front()); }}},
      "the list of sectors of " + top);
}

Result<Entries> HlspListing::entries(const Folder& folder, std::stop_token stop) {
  const bool archive = !sources_.archive.empty();
  std::vector<Way<Entries>> ways{
      {"S3", !sources_.s3.empty(), [&] { return std::move(from_s3({folder.path()}, stop).front()); }},
      {"download scripts", archive, [&] { return from_script(folder, stop); }},
      {"directory pages", archive, [&] { return std::move(from_pages({folder.path()}, stop).front()); }}};
  // A script names light curves, and a page whatever is beside them: pixels, text.
  if (is_last_level(folder)) std::swap(ways[1], ways[2]);
  return order(folder.pipeline).first_of<Entries>(ways, folder.path());
}

Result<Entries> HlspListing::stars(std::uint64_t tic, std::stop_token stop) const {
  mast::Query query(
      sources_.mast, "Mast.Caom.Filtered",
      fmt::format(R"({{"columns":"*","filters":[{{"paramName":"obs_collection","values":["HLSP"]}},)"
                  R"({{"paramName":"provenance_name","values":["TGLC"]}},)"
                  R"({{"paramName":"target_name","values":["{}"]}}]}})",
                  tic));
  ask_together(fetcher_, {&query}, stop);
  const Result<mast::Table>& table = query.table();
  if (!table) return tl::unexpected<Error>(table.error());
  const auto column = table->column("obs_id");
  std::map<std::string, Curve> curves;  // by name
  for (std::size_t row = 0; row < table->rows.size(); ++row) {
    const std::string name = std::string(table->text(row, column)) + ".fits";
    const auto curve = parse_curve(name);
    if (curve && curve->pipeline == Pipeline::tglc) curves.emplace(name, *curve);
  }
  std::vector<std::string> folders;
  for (const auto& [name, curve] : curves) folders.push_back(curve.folder());
  // As the sector's own directory has them, with sizes; neighbours on the sky may lie in the same folder.
  Entries entries;
  auto listed = sources_.s3.empty() ? Answers{} : from_s3(folders, stop);
  for (Result<Entries>& folder : listed) {
    for (Entry& entry : folder.value_or(Entries{})) {
      if (curves.erase(entry.name) > 0) entries.push_back(std::move(entry));
    }
  }
  for (const auto& [name, curve] : curves) entries.push_back(file_entry(curve.folder(), name));
  return entries;
}

Result<Entries> HlspListing::target(Pipeline pipeline, std::uint64_t tic, std::stop_token stop) const {
  if (pipeline == Pipeline::tglc) return stars(tic, stop);
  // Which source has the sectors has their targets: that it knows nothing of one is its answer.
  const auto ask = [&](Answers (HlspListing::*source)(const std::vector<std::string>&, std::stop_token)
                           const) -> Result<Entries> {
    const auto sectors = sectors_in((this->*source)({Folder{pipeline, 0, ""}.path()}, stop).front());
    if (!sectors) return tl::unexpected<Error>(sectors.error());
    std::vector<std::string> paths;
    for (const unsigned sector : *sectors) paths.push_back(Curve{pipeline, sector, tic, 0, 0}.folder());
    Entries all;
    for (Result<Entries>& answer : (this->*source)(paths, stop)) {
      if (!answer && answer.error().code == Errc::not_found) continue;
      if (!answer) return answer;
      std::move(answer->begin(), answer->end(), std::back_inserter(all));
    }
    return all;
  };
  // Nobody who has the sectors: that there is no such target would be an empty answer.
  return order(pipeline)
      .first_of<Entries>(
          {{"S3", !sources_.s3.empty(), [&] { return ask(&HlspListing::from_s3); }},
           {"directory pages", !sources_.archive.empty(), [&] { return ask(&HlspListing::from_pages); }}},
          fmt::format("TIC {} of {}", tic, directory_of(pipeline)))
      .map_error([](const Error& error) { return of_service(error, "the list of sectors"); });
}

}  // namespace astrofs::hlsp
