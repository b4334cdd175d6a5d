#include "backends/tess_target_script.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "backends/format/curl_script.h"
#include "backends/format/tess_target_name.h"
#include "backends/script_lines.h"
#include "backends/target_lines.h"

namespace astrofs::tess {
namespace {

constexpr std::string_view kFolder = "/missions/tess/download_scripts/sector/";
constexpr std::string_view kPage = "/tess/bulk_downloads/bulk_downloads_ffi-tp-lc-dv.html";
/// The first is the one that every sector with targets has.
constexpr std::array<std::string_view, 5> kKinds{"lc", "tp", "fast-lc", "fast-tp", "dv"};

std::string script_url(const std::string& archive, unsigned sector, std::string_view kind) {
  return fmt::format("{}{}tesscurl_sector_{}_{}.sh", archive, kFolder, sector, kind);
}

}  // namespace

Result<std::vector<std::uint64_t>> script_targets(http::Fetcher& fetcher, const std::string& archive,
                                                  unsigned sector, std::stop_token stop) {
  const auto script = RemoteScript::open(fetcher, script_url(archive, sector, kKinds.front()), stop);
  if (!script) return tl::unexpected<Error>(script.error());
  const bool in_pieces = script->serves_ranges() && script->size() > kScriptPiece;
  auto text = in_pieces ? script->read(ByteRange{0, script->size()}) : script->whole();
  if (!text && text.error().code == Errc::unsupported) text = script->whole();
  const auto piece = text.and_then([](const std::string& whole) { return parse_script(whole); });
  if (!piece) return tl::unexpected<Error>(piece.error());
  std::vector<std::uint64_t> targets;
  targets.reserve(piece->lines.size());
  for (const ScriptLine& line : piece->lines) {
    if (const auto target = parse_target_name(line.name)) targets.push_back(target->tic);
  }
  std::sort(targets.begin(), targets.end());
  targets.erase(std::unique(targets.begin(), targets.end()), targets.end());
  return targets;
}

Result<std::vector<SectorRun>> scripted_runs(http::Fetcher& fetcher, const std::string& archive,
                                             std::stop_token stop) {
  http::Request page;
  page.url = archive + std::string(kPage);
  http::Request folder;
  folder.url = archive + std::string(kFolder);
  const auto answer = fetcher.fetch({std::move(page), std::move(folder)}, std::move(stop));
  if (!answer && answer.error().code == Errc::not_found) return std::vector<SectorRun>{};
  if (!answer) return tl::unexpected<Error>(answer.error());
  return multi_sector_scripts(answer->body);
}

Result<std::vector<std::string>> script_products(http::Fetcher& fetcher, const std::string& archive,
                                                 unsigned sector, std::uint64_t tic,
                                                 const std::vector<SectorRun>& runs, std::stop_token stop) {
  std::vector<std::string> urls;
  for (const std::string_view kind : kKinds) urls.push_back(script_url(archive, sector, kind));
  for (const auto& [first, last] : runs) {
    if (last == sector)
      urls.push_back(
          fmt::format("{}{}tesscurl_multisector_s{:04}-s{:04}_dv.sh", archive, kFolder, first, last));
  }
  auto opened = RemoteScript::open(fetcher, std::move(urls), std::move(stop));
  std::vector<RemoteScript> scripts;
  for (Result<RemoteScript>& script : opened) {
    // Sectors before 27 have no 20-second products; without light curves there are no targets at all.
    const bool may_be_absent = &script != &opened.front();
    if (!script && script.error().code == Errc::not_found && may_be_absent) continue;
    if (!script) return tl::unexpected<Error>(script.error());
    scripts.push_back(std::move(*script));
  }
  return lines_of_target(scripts, tic);
}

}  // namespace astrofs::tess
