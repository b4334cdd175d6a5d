#include "backends/tess_script.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "backends/format/curl_script.h"
#include "backends/format/tess_name.h"
#include "backends/script_lines.h"

namespace astrofs::tess {
namespace {

// Lines looked at to learn whether a large script is sorted by chip. Two of 32 gaps hold a sixteenth of the
// script for sure, so a sorted one costs an eighth of itself. That all these lines are in order by chance, in
// one that is not sorted, does not happen.
constexpr std::uint64_t kSamples = 32;

std::string script_url(const std::string& archive, unsigned sector, std::string_view product) {
  return fmt::format("{}/missions/tess/download_scripts/sector/tesscurl_sector_{}_{}.sh", archive, sector,
                     product);
}

Result<std::vector<std::string>> names_in(std::string_view text) {
  auto piece = parse_script(text);
  if (!piece) return tl::unexpected<Error>(piece.error());
  std::vector<std::string> names;
  names.reserve(piece->lines.size());
  for (ScriptLine& line : piece->lines) names.push_back(std::move(line.name));
  return names;
}

/// 11 for camera 1, CCD 1 ... 44; 0 for a name that is none of this sector.
unsigned chip_number(std::string_view name, unsigned sector) {
  const auto frame = parse_ffi_name(name);
  return frame && frame->sector == sector ? frame->camera * 10 + frame->ccd : 0;
}

bool is_sorted_by_chip(const std::vector<std::string>& names, unsigned sector) {
  unsigned before = 1;
  for (const std::string& name : names) {
    const unsigned number = chip_number(name, sector);
    if (number < before) return false;
    before = number;
  }
  return true;
}

/// All lines that may be of the chip, when the script is sorted by chip; nullopt when it is not.
Result<std::optional<std::vector<std::string>>> names_if_sorted(const RemoteScript& script,
                                                                const Chip& chip) {
  using Answer = std::optional<std::vector<std::string>>;
  const auto lines = script_lines(script.size());
  if (!lines || *lines < kSamples) return Answer{};
  // The first one alone: a server that ignores Range sends the whole script for each.
  auto texts = script.read(std::vector{script_range(0, 1)});
  if (!texts) return tl::unexpected<Error>(texts.error());
  std::vector<ByteRange> samples;
  for (std::uint64_t i = 1; i < kSamples; ++i) {
    const std::uint64_t line = i * *lines / kSamples;
    samples.push_back(script_range(line, line + 1));
  }
  const auto others = script.read(samples);
  if (!others) return tl::unexpected<Error>(others.error());
  texts->insert(texts->end(), others->begin(), others->end());
  std::vector<std::string> sampled;
  for (const std::string& text : *texts) {
    auto names = names_in(text);
    if (!names || names->size() != 1) return Answer{};
    sampled.push_back(std::move(names->front()));
  }
  if (!is_sorted_by_chip(sampled, chip.sector)) return Answer{};

  const unsigned wanted = chip.camera * 10 + chip.ccd;
  const auto is_before = [&](const std::string& name) { return chip_number(name, chip.sector) < wanted; };
  const auto is_not_after = [&](const std::string& name) { return chip_number(name, chip.sector) <= wanted; };
  const auto first = std::partition_point(sampled.begin(), sampled.end(), is_before);
  const auto last = std::partition_point(sampled.begin(), sampled.end(), is_not_after);
  const auto line_of = [&](auto sample) {
    return static_cast<std::uint64_t>(std::distance(sampled.begin(), sample)) * *lines / kSamples;
  };
  ByteRange range = script_range(first == sampled.begin() ? 0 : line_of(first - 1),
                                 last == sampled.end() ? *lines : line_of(last));
  range = ByteRange::between(range.offset,
                             std::min(range.end(), script.size()));  // the last newline may be missing
  const auto text = script.read(range);
  if (!text) return tl::unexpected<Error>(text.error());
  auto names = names_in(*text);
  if (!names) return tl::unexpected<Error>(names.error());
  if (!is_sorted_by_chip(*names, chip.sector)) return Answer{};
  return Answer{std::move(*names)};
}

/// A script that fits one piece, or whose server does not serve ranges, comes in one answer.
Result<std::vector<std::string>> all_names(const RemoteScript& script, bool in_pieces) {
  const auto text = in_pieces ? script.read(ByteRange{0, script.size()}) : script.whole();
  return text.and_then([](const std::string& whole) { return names_in(whole); });
}

}  // namespace

Result<void> script_exists(http::Fetcher& fetcher, const std::string& archive, unsigned sector,
                           std::stop_token stop) {
  return RemoteScript::open(fetcher, script_url(archive, sector, "ffic"), stop).map([](const RemoteScript&) {
  });
}

Result<std::vector<std::string>> script_names(http::Fetcher& fetcher, const std::string& archive,
                                              const Chip& chip, std::string_view product,
                                              std::stop_token stop) {
  const auto script = RemoteScript::open(fetcher, script_url(archive, chip.sector, product), stop);
  if (!script) return tl::unexpected<Error>(script.error());
  bool in_pieces = script->serves_ranges() && script->size() > kScriptPiece;

  std::optional<std::vector<std::string>> found;
  if (in_pieces) {
    auto sorted = names_if_sorted(*script, chip);
    if (sorted) {
      found = std::move(*sorted);
    } else if (sorted.error().code == Errc::unsupported) {
      in_pieces = false;  // it says that it serves ranges, and does not
    } else {
      return tl::unexpected<Error>(sorted.error());
    }
  }
  if (!found) {
    auto all = all_names(*script, in_pieces);
    if (!all) return tl::unexpected<Error>(all.error());
    found = std::move(*all);
  }
  const unsigned wanted = chip.camera * 10 + chip.ccd;
  std::erase_if(*found, [&](const std::string& name) { return chip_number(name, chip.sector) != wanted; });
  return std::move(*found);
}

}  // namespace astrofs::tess
