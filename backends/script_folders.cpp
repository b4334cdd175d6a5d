#include "backends/script_folders.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "backends/format/curl_script.h"
#include "backends/script_lines.h"

namespace astrofs {
namespace {

// A part of the script this long is read rather than asked about: it arrives about as soon as one line does.
constexpr std::uint64_t kReadWhole = 512ULL << 10;
// Read at a time, so that no more than these eight megabytes of a script are in memory at once.
constexpr std::size_t kRangesAtOnce = 16;
// Lines asked for at first, and within each part that is still too long then: three rounds find one directory
// in a script of 441 MB.
constexpr std::uint64_t kFirstSamples = 32;
constexpr std::uint64_t kSamples = 8;
// Where lines differ in length, so much is read to have a whole one: lines of TGLC have 370 bytes, of which
// the ids are a part.
constexpr std::uint64_t kWindow = 2048;

/// A line and where it stands.
struct Line {
  ByteRange at;
  std::string path;
};

/// What lies between two lines that are known. Without `to`, all to the end of the script.
struct Gap {
  Line from;
  std::optional<Line> to;
  [[nodiscard]] ByteRange bytes(std::uint64_t size) const {
    return ByteRange::between(from.at.end(), to ? to->at.offset : size);
  }
};

/// What is directly in a folder, as the lines tell it one by one.
class Content {
 public:
  explicit Content(std::string folder) : folder_(std::move(folder)) {}

  [[nodiscard]] const std::string& folder() const { return folder_; }
  /// "0004/" for a line in a folder of the folder, the file's name for one directly in it, "" for any other.
  [[nodiscard]] std::string_view child_of(std::string_view path) const {
    if (!path.starts_with(folder_)) return {};
    path.remove_prefix(folder_.size());
    const auto slash = path.find('/');
    return slash == std::string_view::npos ? path : path.substr(0, slash + 1);
  }
  void take(std::string_view path) {
    const std::string_view child = child_of(path);
    if (child.empty()) return;
    if (child.ends_with('/')) {
      folders_.emplace(child.substr(0, child.size() - 1));
    } else {
      files_.emplace(child);
    }
  }
  [[nodiscard]] Result<ScriptFolder> all(const std::string& url) const {
    if (files_.empty() && folders_.empty())
      return fail(Errc::not_found, url + " names nothing below " + folder_);
    return ScriptFolder{{files_.begin(), files_.end()}, {folders_.begin(), folders_.end()}};
  }

 private:
  const std::string folder_;
  std::set<std::string, std::less<>> files_, folders_;
};

class FolderSearch {
 public:
  FolderSearch(const RemoteScript& script, Content& content)
      : script_(script), content_(content), behind_(content.folder()) {
    behind_.back() = '/' + 1;
  }

  Result<void> run() {
    return script_.size() <= kScriptPiece || !script_.serves_ranges() ? take_whole() : search();
  }
  /// The last parts that were read of a sorted script; none of another, which shows in the end only.
  [[nodiscard]] std::deque<ScriptMemory::Part> parts() && {
    return sorted_ ? std::move(parts_) : std::deque<ScriptMemory::Part>();
  }

 private:
  Result<void> take_whole() {
    const auto text = script_.whole();
    if (!text) {
      if (text.error().code != Errc::too_large) return tl::unexpected<Error>(text.error());
      return fail(Errc::unavailable, script_.url() + " is too long to be read without ranges");
    }
    auto piece = parse_script(*text, {.paths = true});
    if (!piece) return tl::unexpected<Error>(piece.error());
    ScriptMemory::Part part{script_.url(), {}, {}, {}};
    for (ScriptLine& line : piece->lines) {
      content_.take(line.name);
      part.paths.push_back(std::move(line.name));
    }
    sorted_ = std::ranges::is_sorted(part.paths);
    parts_.push_back(std::move(part));
    return {};
  }

  Result<void> search() {
    // Alone: a server that ignores Range sends the whole script for each.
    const auto head = script_.read(std::vector{ByteRange{0, kWindow}});
    if (!head) return head.error().code == Errc::unsupported ? take_whole() : unexpected(head.error());
    const auto first = first_line(*head->begin());
    if (!first) return fail(Errc::corrupt, script_.url() + " does not begin like a download script");
    std::vector<Gap> gaps{{*first, std::nullopt}};
    content_.take(first->path);
    std::uint64_t samples = kFirstSamples;
    while (sorted_ && !gaps.empty()) {
      auto narrower = narrow(std::move(gaps), std::exchange(samples, kSamples));
      if (!narrower) return unexpected(narrower.error());
      gaps = std::move(*narrower);
    }
    return sorted_ ? Result<void>{} : take_unsorted(first->at.offset);
  }

  static Result<void> unexpected(const Error& error) { return tl::unexpected<Error>(error); }

  /// Learns how long the lines are: where the first three and the size agree, all are of that length.
  std::optional<Line> first_line(std::string_view head) {
    std::uint64_t at = head.starts_with("curl") ? 0 : head.find('\n') + 1;
    const auto first = line_in(head.substr(static_cast<std::size_t>(at)), at);
    auto next = first;
    for (int i = 0; next && i < 2; ++i) {
      at = next->at.end();
      next = line_in(head.substr(static_cast<std::size_t>(at)), at);
      if (next && next->at.length != first->at.length) next.reset();
    }
    if (next && first->at.offset == kScriptHeader && script_lines(script_.size(), first->at.length))
      width_ = first->at.length;
    return first;
  }

  /// The line with which the text begins; nullopt when it is not whole or no curl command.
  [[nodiscard]] static std::optional<Line> line_in(std::string_view text, std::uint64_t at) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    auto piece = parse_script(text.substr(0, end + 1), {.paths = true});
    if (!piece || piece->lines.size() != 1) return std::nullopt;
    return Line{{at, end + 1}, std::move(piece->lines.front().name)};
  }

  /// Where to read to have the line at or behind `at`.
  [[nodiscard]] ByteRange window(std::uint64_t at) const {
    if (width_ == 0) return ByteRange::between(at - 1, std::min(at + kWindow, script_.size()));
    const std::uint64_t line = (at - kScriptHeader) / width_;
    const ByteRange exact = script_range(line, line + 1, width_);
    return ByteRange::between(exact.offset, std::min(exact.end(), script_.size()));
  }

  [[nodiscard]] std::optional<Line> line_behind(std::string_view text, ByteRange window) const {
    if (width_ != 0) return line_in(text, window.offset);
    const auto newline = text.find('\n');
    if (newline == std::string_view::npos) return std::nullopt;
    return line_in(text.substr(newline + 1), window.offset + newline + 1);
  }

  /// Nothing of the folder that is not known can stand there.
  [[nodiscard]] bool is_known(const Gap& gap) const {
    if (gap.bytes(script_.size()).empty() || gap.from.path >= behind_) return true;
    if (!gap.to) return false;
    if (gap.to->path < content_.folder()) return true;
    const std::string_view child = content_.child_of(gap.from.path);
    return child.ends_with('/') && child == content_.child_of(gap.to->path);
  }

  /// One round: short gaps are read, into the others goes a number of samples. What is left to be done.
  Result<std::vector<Gap>> narrow(std::vector<Gap> gaps, std::uint64_t samples) {
    std::vector<Gap> left;
    std::vector<Gap> reading;
    std::vector<Gap> asking;
    std::vector<ByteRange> windows;  // so many for each of those
    for (Gap& gap : gaps) {
      if (gap.to && gap.to->path < gap.from.path) sorted_ = false;
      if (is_known(gap)) continue;
      const ByteRange bytes = gap.bytes(script_.size());
      if (bytes.length <= kReadWhole) {
        reading.push_back(std::move(gap));
        continue;
      }
      for (std::uint64_t i = 1; i <= samples; ++i)
        windows.push_back(window(bytes.offset + bytes.length / (samples + 1) * i));
      asking.push_back(std::move(gap));
    }
    const auto texts = script_.read(windows);
    if (!texts) return tl::unexpected<Error>(texts.error());
    bool all_split = true;
    for (std::size_t i = 0; i < asking.size(); ++i) {
      const std::size_t first = i * static_cast<std::size_t>(samples);
      const bool is_split = split(std::move(asking[i]), std::span(windows).subspan(first, samples),
                                  std::span(*texts).subspan(first, samples), left);
      all_split = all_split && is_split;
    }
    if (!all_split) look_wider();
    if (auto read = read_gaps(reading); !read) return tl::unexpected<Error>(read.error());
    return left;
  }

  /// Without a line a gap would stay as it is for ever. Either lines differ in length further on, or no
  /// window holds a whole one: then all is read.
  void look_wider() {
    if (std::exchange(width_, 0) == 0) sorted_ = false;
  }

  /// The gap in parts, at the lines that were asked for; false: none came, and it is as long as before.
  bool split(Gap gap, std::span<const ByteRange> windows, std::span<const std::string> texts,
             std::vector<Gap>& left) {
    const std::size_t before = left.size();
    Line from = std::move(gap.from);
    for (std::size_t i = 0; i < windows.size(); ++i) {
      auto line = line_behind(texts[i], windows[i]);
      if (!line || line->at.offset < from.at.end() || (gap.to && line->at.offset >= gap.to->at.offset))
        continue;
      content_.take(line->path);
      left.push_back({std::move(from), line});
      from = std::move(*line);
    }
    left.push_back({std::move(from), std::move(gap.to)});
    return left.size() > before + 1;
  }

  Result<void> read_gaps(const std::vector<Gap>& gaps) {
    for (std::size_t at = 0; at < gaps.size(); at += kRangesAtOnce) {
      const std::size_t end = std::min(at + kRangesAtOnce, gaps.size());
      std::vector<ByteRange> ranges;
      for (std::size_t i = at; i < end; ++i) ranges.push_back(gaps[i].bytes(script_.size()));
      const auto texts = script_.read(ranges);
      if (!texts) return tl::unexpected<Error>(texts.error());
      for (std::size_t i = at; i < end; ++i) {
        auto piece = parse_script((*texts)[i - at], {.paths = true});
        if (!piece) return tl::unexpected<Error>(piece.error());
        take_sorted(std::move(*piece), gaps[i]);
      }
    }
    return {};
  }

  void take_sorted(ScriptPiece piece, const Gap& gap) {
    ScriptMemory::Part part{script_.url(), gap.from.path, gap.to ? gap.to->path : std::string(), {}};
    part.paths.reserve(piece.lines.size());
    for (ScriptLine& line : piece.lines) {
      if (line.name < (part.paths.empty() ? part.from : part.paths.back())) sorted_ = false;
      content_.take(line.name);
      part.paths.push_back(std::move(line.name));
    }
    if (gap.to && !part.paths.empty() && part.to < part.paths.back()) sorted_ = false;
    parts_.push_back(std::move(part));
    if (parts_.size() > kRangesAtOnce) parts_.pop_front();
  }

  /// From the first line to the last; what a piece cuts off goes before the next.
  Result<void> take_unsorted(std::uint64_t at) {
    std::string text;
    while (at < script_.size()) {
      std::vector<ByteRange> ranges;
      for (; ranges.size() < kRangesAtOnce && at < script_.size(); at = ranges.back().end())
        ranges.push_back(ByteRange::between(at, std::min(at + kReadWhole, script_.size())));
      const auto texts = script_.read(ranges);
      if (!texts) return tl::unexpected<Error>(texts.error());
      for (const std::string& part : *texts) {
        text += part;
        const bool is_last = at >= script_.size() && &part == &texts->back();
        const auto piece = parse_script(text, {.last_partial = !is_last, .paths = true});
        if (!piece) return tl::unexpected<Error>(piece.error());
        for (const ScriptLine& line : piece->lines) content_.take(line.name);
        text.erase(0, text.rfind('\n') + 1);
      }
    }
    return {};
  }

  const RemoteScript& script_;
  Content& content_;
  std::deque<ScriptMemory::Part> parts_;
  std::string behind_;      ///< what lies below the folder is before this
  std::uint64_t width_{0};  ///< of every line; 0: they differ
  bool sorted_{true};
};

}  // namespace

Result<ScriptFolder> ScriptTrees::folder(const std::string& url, const std::string& folder,
                                         const std::stop_token& stop) {
  Content content(folder);
  if (const auto known = memory_.below(url, folder)) {
    for (const std::string& path : *known) content.take(path);
    return content.all(url);
  }
  const auto script = RemoteScript::open(fetcher_, url, stop);
  if (!script) return tl::unexpected<Error>(script.error());
  FolderSearch search(*script, content);
  if (auto done = search.run(); !done) return tl::unexpected<Error>(done.error());
  for (ScriptMemory::Part& part : std::move(search).parts()) memory_.keep(std::move(part));
  return content.all(url);
}

}  // namespace astrofs
