#include "backends/target_lines.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "backends/format/curl_script.h"
#include "backends/format/tess_target_name.h"

namespace astrofs::tess {
namespace {

/// Read in one go rather than searched on: with as many samples as below, a script of 4 MiB (a sector's light
/// curves) takes one round of them and this.
constexpr std::uint64_t kReadAtOnce = 128ULL << 10;
constexpr std::uint64_t kMostSamples = 32;
/// Has a whole line wherever it begins: the longest known, of a planet's report, has 212 bytes.
constexpr std::uint64_t kSample = 512;
/// Of a script that cannot be searched: several times the largest of a sector's targets.
constexpr std::uint64_t kMostWhole = 32ULL << 20;

std::uint64_t tic_of(std::string_view name) {
  const auto target = parse_target_name(name);
  return target ? target->tic : 0;
}

/// Names of the target's products in text that begins and ends anywhere in a script.
Result<std::vector<std::string>> names_in(std::string_view text, ScriptCut cut, std::uint64_t tic) {
  auto piece = parse_script(text, cut);
  if (!piece) return tl::unexpected<Error>(piece.error());
  std::vector<std::string> names;
  for (ScriptLine& line : piece->lines) {
    if (tic_of(line.name) == tic) names.push_back(std::move(line.name));
  }
  return names;
}

/// The target of the first whole line; 0: there is none, or it is of something else.
std::uint64_t first_target(std::string_view text) {
  const auto piece = parse_script(text, {.first_partial = true, .last_partial = true});
  return piece && !piece->lines.empty() ? tic_of(piece->lines.front().name) : 0;
}

/// Of one script: what it wants to be read next, until its lines are there.
class Search {
 public:
  Search(const RemoteScript& script, std::uint64_t tic)
      : script_(&script),
        tic_(tic),
        window_{0, script.size()},
        whole_(!script.serves_ranges()),
        done_(script.size() == 0) {}

  [[nodiscard]] bool done() const { return done_; }
  [[nodiscard]] bool wants_whole() const { return whole_ && !done_; }
  [[nodiscard]] const RemoteScript& script() const { return *script_; }
  std::vector<std::string>& names() { return names_; }

  /// In ascending order.
  [[nodiscard]] std::vector<ByteRange> next() const {
    std::vector<ByteRange> ranges;
    if (done_ || whole_) return ranges;
    if (!is_sampling()) return {window_};
    const std::uint64_t count = std::min(window_.length / kReadAtOnce + 1, kMostSamples);
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t at = window_.offset + i * window_.length / count;
      ranges.push_back(ByteRange::between(at, std::min(at + kSample, script_->size())));
    }
    return ranges;
  }
  /// The texts of next().
  Result<void> take(const std::vector<ByteRange>& ranges, const std::vector<std::string>& texts) {
    if (is_sampling()) return narrow(ranges, texts);
    return keep(texts.front(),
                {.first_partial = window_.offset > 0, .last_partial = window_.end() < script_->size()});
  }
  Result<void> take_whole(const std::string& text) { return keep(text, {}); }
  /// The server ignores Range after all.
  void ask_whole() { whole_ = true; }

 private:
  [[nodiscard]] bool is_sampling() const { return window_.length > kReadAtOnce; }

  Result<void> keep(std::string_view text, ScriptCut cut) {
    auto names = names_in(text, cut, tic_);
    if (!names) return tl::unexpected<Error>(names.error());
    names_ = std::move(*names);
    done_ = true;
    return {};
  }

  Result<void> narrow(const std::vector<ByteRange>& ranges, const std::vector<std::string>& texts) {
    std::vector<std::uint64_t> seen;
    std::transform(texts.begin(), texts.end(), std::back_inserter(seen),
                   [](const std::string& text) { return first_target(text); });
    const bool sorted = std::is_sorted(seen.begin(), seen.end()) && seen.front() > 0;
    const auto below =
        static_cast<std::size_t>(std::lower_bound(seen.begin(), seen.end(), tic_) - seen.begin());
    const auto above =
        static_cast<std::size_t>(std::upper_bound(seen.begin(), seen.end(), tic_) - seen.begin());
    // The line that a sample cuts at its beginning may still be the target's: it ends within the sample.
    const auto narrower = ByteRange::between(
        below == 0 ? window_.offset : ranges[below - 1].offset,
        above == seen.size() ? window_.end() : std::min(ranges[above].end(), window_.end()));
    whole_ = !sorted || narrower == window_;
    window_ = narrower;
    if (whole_ && script_->size() > kMostWhole)
      return fail(Errc::too_large, script_->url() + " is not sorted by target and too long to be read whole");
    return {};
  }

  const RemoteScript* script_;
  std::uint64_t tic_;
  ByteRange window_;  ///< has the target's lines, if there are any
  bool whole_;
  bool done_;
  std::vector<std::string> names_;
};

/// One round of all searches that have not ended. False: there was nothing to ask.
Result<bool> ask_round(std::vector<Search>& searches) {
  std::vector<RemoteScript::Part> parts;
  std::vector<std::pair<Search*, std::vector<ByteRange>>> asked;
  for (Search& search : searches) {
    auto ranges = search.next();
    if (ranges.empty()) continue;
    for (const ByteRange range : ranges) parts.push_back({&search.script(), range});
    asked.emplace_back(&search, std::move(ranges));
  }
  if (parts.empty()) return false;
  auto answers = RemoteScript::read(parts);
  auto answer = answers.begin();
  for (auto& [search, ranges] : asked) {
    std::vector<std::string> texts;
    std::optional<Error> error;
    for (std::size_t i = 0; i < ranges.size(); ++i, ++answer) {
      if (!*answer && !error) error = answer->error();
      if (*answer) texts.push_back(std::move(**answer));
    }
    if (error && error->code != Errc::unsupported) return tl::unexpected<Error>(*error);
    if (error) {
      search->ask_whole();
    } else if (const auto taken = search->take(ranges, texts); !taken) {
      return tl::unexpected<Error>(taken.error());
    }
  }
  return true;
}

/// In pieces where ranges are served, for an answer has a largest size.
Result<std::string> whole_text(const RemoteScript& script) {
  if (!script.serves_ranges() || script.size() <= kScriptPiece) return script.whole();
  auto text = script.read(ByteRange{0, script.size()});
  return text || text.error().code != Errc::unsupported ? text : script.whole();
}

}  // namespace

Result<std::vector<std::string>> lines_of_target(const std::vector<RemoteScript>& scripts,
                                                 std::uint64_t tic) {
  std::vector<Search> searches;
  for (const RemoteScript& script : scripts) searches.emplace_back(script, tic);
  for (Result<bool> more = true; more && *more;) {
    more = ask_round(searches);
    if (!more) return tl::unexpected<Error>(more.error());
  }
  std::vector<std::string> all;
  for (Search& search : searches) {
    if (search.wants_whole()) {
      const auto taken = whole_text(search.script()).and_then([&](const std::string& text) {
        return search.take_whole(text);
      });
      if (!taken) return tl::unexpected<Error>(taken.error());
    }
    std::move(search.names().begin(), search.names().end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace astrofs::tess
