#include "backends/tess_targets.h"

#include <algorithm>
#include <set>
#include <utility>

#include "backends/format/tess_target_name.h"
#include "backends/settle.h"

namespace astrofs::tess {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

/// A target costs some 200 KiB at most, mostly its tables.
constexpr std::size_t kMostKnown = 64;

// A sector appears every four weeks, and a run over several sectors a few times a year.
constexpr hours kGoodFor{24};
/// While a source is silent there is more to come.
constexpr minutes kPartGoodFor{10};
constexpr hours kConstant{24 * 365};

constexpr std::string_view kSuperseded = "superseded";
constexpr std::string_view kTable = "table/";
constexpr std::string_view kObservations = "observations";
constexpr std::string_view kProducts = "products";
/// Tokens of listings for which all sources were heard, and of others.
constexpr std::string_view kWhole = "whole:";
constexpr std::string_view kPart = "part:";
/// Of "tic": what is known of it changes by find() alone.
constexpr std::string_view kFound = "found";

/// "25132999/superseded" -> number and rest. 0: no target.
std::pair<std::uint64_t, std::string_view> split(std::string_view path) {
  const std::size_t slash = std::min(path.find('/'), path.size());
  return {parse_tic(path.substr(0, slash)), path.substr(std::min(slash + 1, path.size()))};
}

using Sectors = std::pair<unsigned, unsigned>;

std::optional<Sectors> several_sectors(const Entry& file) {
  const auto name = parse_target_name(file.name);
  if (!name || name->first_sector == name->last_sector) return std::nullopt;
  return Sectors{name->first_sector, name->last_sector};
}

/// A run of data validation over sectors that a later run contains has nothing that the later one has not.
std::set<Sectors> superseded_runs(const std::vector<Entry>& files) {
  std::set<Sectors> runs;
  for (const Entry& file : files) {
    if (const auto run = several_sectors(file)) runs.insert(*run);
  }
  std::set<Sectors> old;
  for (const Sectors& run : runs) {
    const bool contained = std::any_of(runs.begin(), runs.end(), [&](const Sectors& other) {
      return other != run && other.first <= run.first && other.second >= run.second;
    });
    if (contained) old.insert(run);
  }
  return old;
}

Entry table_entry(std::uint64_t tic, std::string_view name, const std::string& csv) {
  Entry entry;
  entry.name = std::string(name) + ".csv";
  entry.size = csv.size();
  entry.locator = std::string(kTable) + std::to_string(tic) + "/" + std::string(name);
  entry.validator = made_version(csv);
  return entry;
}

std::vector<Entry> entries_of(std::uint64_t tic, const TargetFiles& target, bool superseded) {
  const std::set<Sectors> old = superseded_runs(target.files);
  std::vector<Entry> entries;
  for (const Entry& file : target.files) {
    const auto run = several_sectors(file);
    if ((run && old.contains(*run)) == superseded) entries.push_back(file);
  }
  if (superseded) return entries;
  if (!old.empty()) {
    entries.push_back(
        directory_entry(std::string(kSuperseded),
                        std::string(kTargets) + "/" + std::to_string(tic) + "/" + std::string(kSuperseded)));
  }
  if (!target.observations.empty()) entries.push_back(table_entry(tic, kObservations, target.observations));
  if (!target.products.empty()) entries.push_back(table_entry(tic, kProducts, target.products));
  return entries;
}

tl::unexpected<Error> no_target(std::uint64_t tic) {
  return fail(Errc::not_found, "TESS has observed no target TIC " + std::to_string(tic));
}

}  // namespace

Targets::Targets(Sources sources, http::Fetcher& fetcher, const Clock& clock)
    : sources_(sources), asked_of_(std::move(sources), fetcher, clock), known_(clock, kMostKnown) {}

bool Targets::knows(std::string_view dir) {
  return dir.starts_with(kTargets) && (dir.size() == kTargets.size() || dir[kTargets.size()] == '/');
}

Result<std::variant<Listing, NotModified>> Targets::list(std::string_view dir, std::string_view token,
                                                         std::stop_token stop) {
  if (dir == kTargets) {
    // Those that were found stay: only a listing could take them away, and there is none but the first.
    if (token == kFound) return NotModified{};
    return Listing{{}, std::string(kFound), kConstant};
  }
  if (stop.stop_requested()) return fail(Errc::interrupted, "nobody waits for this target any more");
  const auto [tic, rest] = split(dir.substr(kTargets.size() + 1));
  const bool superseded = rest == kSuperseded;
  if (tic == 0 || (!rest.empty() && !superseded))
    return fail(Errc::not_found, "TESS has no directory " + std::string(dir));
  const auto ask = [&] { return asked_of_.ask(tic, stop); };
  Files recent = superseded ? known_.recent(tic) : nullptr;
  const Result<Files> files = recent ? Result<Files>(std::move(recent)) : known_.for_listing(tic, ask);
  if (!files) return tl::unexpected<Error>(files.error());
  if (!*files) return no_target(tic);
  const TargetFiles& target = **files;
  // A source that was heard once and is silent now takes nothing away.
  if (target.silent && token.starts_with(kWhole)) return tl::unexpected<Error>(*target.silent);
  std::vector<Entry> entries =
      settle_entries(entries_of(tic, target, superseded), "TIC " + std::to_string(tic));
  if (entries.empty()) return fail(Errc::not_found, "TIC " + std::to_string(tic) + " has nothing there");
  std::string now = std::string(target.silent ? kPart : kWhole) + content_token(entries);
  if (now == token) return NotModified{};
  return Listing{std::move(entries), std::move(now),
                 target.silent ? std::chrono::seconds(kPartGoodFor) : std::chrono::seconds(kGoodFor)};
}

Result<std::optional<Entry>> Targets::find(std::string_view name, std::stop_token stop) {
  const std::uint64_t tic = parse_tic(name);
  if (tic == 0) return std::optional<Entry>{};
  const auto ask = [&] { return asked_of_.ask(tic, stop); };
  const Result<Files> files = known_.for_finding(tic, ask);
  if (!files) return tl::unexpected<Error>(files.error());
  if (!*files) return std::optional<Entry>{};
  return std::optional(directory_entry(std::string(name), std::string(kTargets) + "/" + std::string(name)));
}

std::optional<std::vector<http::Request>> Targets::locate(std::string_view locator) const {
  const std::string_view name = locator.substr(locator.rfind('/') + 1);
  const bool is_placed = is_target_path(locator);
  if (!is_product_name(name) || (!is_placed && locator != std::string(kProduct).append(name)))
    return std::nullopt;
  std::vector<http::Request> mirrors;
  if (is_placed) {
    add_mirror(mirrors, sources_.s3, "/tess/public/" + std::string(locator));
    add_mirror(mirrors, sources_.archive, "/missions/tess/" + std::string(locator));
  }
  add_mirror(mirrors, sources_.mast, "/api/v0.1/Download/file?uri=mast:TESS/product/" + std::string(name));
  return mirrors;
}

bool Targets::is_table(std::string_view locator) {
  return locator.starts_with(kTable);
}

Result<std::string> Targets::table(std::string_view locator, std::stop_token stop) {
  const auto [tic, which] = split(locator.substr(kTable.size()));
  if (tic == 0 || (which != kObservations && which != kProducts))
    return fail(Errc::not_found, "TESS has no table " + std::string(locator));
  Files before = known_.known(tic);
  const auto ask = [&] { return asked_of_.ask(tic, stop); };
  const Result<Files> files =
      before && !before->silent ? Result<Files>(std::move(before)) : known_.ask(tic, ask);
  if (!files) return tl::unexpected<Error>(files.error());
  if (!*files) return no_target(tic);
  const std::string& csv = which == kObservations ? (*files)->observations : (*files)->products;
  if (!csv.empty()) return csv;
  if ((*files)->silent) return tl::unexpected<Error>(*(*files)->silent);
  return no_target(tic);
}

}  // namespace astrofs::tess
