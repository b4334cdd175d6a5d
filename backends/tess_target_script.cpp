#include "backends/tess_target_script.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "backends/format/curl_script.h"
#include "backends/format/tess_target_name.h"
#include "backends/script_lines.h"

namespace astrofs::tess {
namespace {

/// Lines looked at in one round: of 20,000 lines three rounds leave a few.
constexpr std::uint64_t kSamples = 32;
/// Lines that are read in one go rather than searched on: 12 KiB.
constexpr std::uint64_t kFew = 64;

// "curl -C - -L -o " + name + " " + the 69 letters of the URL before the name + name + "\n"
constexpr std::uint64_t line_width(std::uint64_t name) {
  return 16 + name + 1 + 69 + name + 1;
}

struct Kind {
  std::string_view name;
  std::uint64_t width;  ///< of a line; 0: they differ
};
constexpr std::uint64_t kNameLetters = 55;  // tess2018206045859-s0001-0000000117544915-0120-s_lc.fits
constexpr std::uint64_t kFastNameLetters =
    60;  // tess2020186164531-s0027-0000000025132999-0189-a_fast-lc.fits
constexpr std::array<Kind, 5> kKinds{{{"lc", line_width(kNameLetters)},
                                      {"tp", line_width(kNameLetters)},
                                      {"fast-lc", line_width(kFastNameLetters)},
                                      {"fast-tp", line_width(kFastNameLetters)},
                                      {"dv", 0}}};

Result<RemoteScript> open(http::Fetcher& fetcher, const std::string& archive, unsigned sector,
                          std::string_view kind, std::stop_token stop) {
  return RemoteScript::open(
      fetcher,
      fmt::format("{}/missions/tess/download_scripts/sector/tesscurl_sector_{}_{}.sh", archive, sector, kind),
      stop);
}

std::uint64_t tic_of(std::string_view name) {
  const auto target = parse_target_name(name);
  return target ? target->tic : 0;
}

/// Names of products, and of no other files.
Result<std::vector<std::string>> names_in(std::string_view text) {
  auto piece = parse_script(text);
  if (!piece) return tl::unexpected<Error>(piece.error());
  std::vector<std::string> names;
  for (ScriptLine& line : piece->lines) {
    if (tic_of(line.name) > 0) names.push_back(std::move(line.name));
  }
  return names;
}

Result<std::vector<std::string>> all_names(const RemoteScript& script) {
  const bool in_pieces = script.serves_ranges() && script.size() > kScriptPiece;
  auto text = in_pieces ? script.read(ByteRange{0, script.size()}) : script.whole();
  if (!text && text.error().code == Errc::unsupported) text = script.whole();
  return text.and_then([](const std::string& whole) { return names_in(whole); });
}

/// Lines [first, last) among which the target's are, when all lines that were looked at are sorted by target;
/// nullopt when they are not, or cannot be told.
Result<std::optional<ByteRange>> narrow(const RemoteScript& script, std::uint64_t width, std::uint64_t tic) {
  using Answer = std::optional<ByteRange>;
  const auto lines = script_lines(script.size(), width);
  if (!lines || *lines < kFew) return Answer{};
  std::uint64_t first = 0;
  std::uint64_t last = *lines;
  while (last - first > kFew) {
    std::vector<std::uint64_t> places;
    std::vector<ByteRange> ranges;
    for (std::uint64_t i = 0; i < kSamples; ++i) {
      places.push_back(first + i * (last - first) / kSamples);
      ranges.push_back(script_range(places.back(), places.back() + 1, width));
    }
    const auto texts = script.read(ranges);
    if (!texts) return tl::unexpected<Error>(texts.error());
    std::vector<std::uint64_t> seen;
    for (const std::string& text : *texts) {
      const auto names = names_in(text);
      if (!names || names->size() != 1) return Answer{};
      seen.push_back(tic_of(names->front()));
    }
    if (!std::is_sorted(seen.begin(), seen.end())) return Answer{};
    const auto below =
        static_cast<std::size_t>(std::lower_bound(seen.begin(), seen.end(), tic) - seen.begin());
    const auto above =
        static_cast<std::size_t>(std::upper_bound(seen.begin(), seen.end(), tic) - seen.begin());
    const std::uint64_t from = below == 0 ? first : places[below - 1];
    const std::uint64_t to = above == seen.size() ? last : places[above];
    if (from == first && to == last) break;  // a target of very many lines: that is no such script
    first = from;
    last = to;
  }
  const ByteRange range = script_range(first, last, width);
  // The last newline may be missing.
  return Answer{ByteRange::between(range.offset, std::min(range.end(), script.size()))};
}

Result<std::vector<std::string>> names_of(const RemoteScript& script, std::uint64_t width,
                                          std::uint64_t tic) {
  std::optional<ByteRange> range;
  if (width > 0 && script.serves_ranges()) {
    auto narrowed = narrow(script, width, tic);
    if (narrowed)
      range = *narrowed;
    else if (narrowed.error().code != Errc::unsupported)
      return tl::unexpected<Error>(narrowed.error());
  }
  auto names = range ? script.read(*range).and_then([](const std::string& text) { return names_in(text); })
                     : all_names(script);
  if (names) std::erase_if(*names, [tic](const std::string& name) { return tic_of(name) != tic; });
  return names;
}

}  // namespace

Result<std::vector<std::uint64_t>> script_targets(http::Fetcher& fetcher, const std::string& archive,
                                                  unsigned sector, std::stop_token stop) {
  const auto script = open(fetcher, archive, sector, kKinds.front().name, stop);
  if (!script) return tl::unexpected<Error>(script.error());
  const auto names = all_names(*script);
  if (!names) return tl::unexpected<Error>(names.error());
  std::vector<std::uint64_t> targets;
  targets.reserve(names->size());
  for (const std::string& name : *names) targets.push_back(tic_of(name));
  std::sort(targets.begin(), targets.end());
  targets.erase(std::unique(targets.begin(), targets.end()), targets.end());
  return targets;
}

Result<std::vector<std::string>> script_products(http::Fetcher& fetcher, const std::string& archive,
                                                 unsigned sector, std::uint64_t tic, std::stop_token stop) {
  std::vector<std::string> all;
  for (const Kind& kind : kKinds) {
    const auto script = open(fetcher, archive, sector, kind.name, stop);
    // Sectors before 27 have no 20-second products; without light curves there are no targets at all.
    if (!script && script.error().code == Errc::not_found && kind.name != kKinds.front().name) continue;
    if (!script) return tl::unexpected<Error>(script.error());
    auto names = names_of(*script, kind.width, tic);
    if (!names) return tl::unexpected<Error>(names.error());
    std::move(names->begin(), names->end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace astrofs::tess
