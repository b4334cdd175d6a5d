#include "backends/tess_script.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "backends/format/curl_script.h"
#include "backends/format/tess_name.h"
#include "backends/http/answer_check.h"

namespace astrofs::tess {
namespace {

// A piece is long enough that its round trip does not matter and short enough that eight of them share the
// connection budget: the largest script, 34 MB, has nine.
constexpr std::uint64_t kPiece = 4ULL << 20;

// Lines looked at to learn whether a large script is sorted by chip. Two of 32 gaps hold a sixteenth of the
// script for sure, so a sorted one costs an eighth of itself. That all these lines are in order by chance, in
// one that is not sorted, does not happen.
constexpr std::uint64_t kSamples = 32;

struct Script {
  http::Fetcher& fetcher;
  std::string url;
  std::uint64_t size;
  std::stop_token stop;
};

std::string script_url(const std::string& archive, unsigned sector, std::string_view product) {
  return fmt::format("{}/missions/tess/download_scripts/sector/tesscurl_sector_{}_{}.sh", archive, sector,
                     product);
}

http::Request request_for(const std::string& url, std::optional<ByteRange> range = {}) {
  http::Request request;
  request.url = url;
  request.range = range;
  return request;
}

/// Body of an answer to a Range request, if it is that range of the script that HEAD described.
Result<std::string> checked_piece(Result<http::Response> response, ByteRange range, std::uint64_t size) {
  if (!response) return tl::unexpected<Error>(response.error());
  if (response->head.status == 200) return fail(Errc::unsupported, response->head.url + " ignores Range");
  const auto got = http::parse_content_range(response->head.header("content-range"));
  if (response->head.status != 206 || !got || got->range != range || got->total != size ||
      response->body.size() != range.length) {
    return fail(Errc::unavailable,
                response->head.url + " changed while it was read, or answers with another range");
  }
  return std::move(response->body);
}

Result<std::vector<std::string>> read_ranges(const Script& script, const std::vector<ByteRange>& ranges) {
  std::vector<std::vector<http::Request>> jobs;
  jobs.reserve(ranges.size());
  for (const ByteRange range : ranges) jobs.push_back({request_for(script.url, range)});
  auto answers = script.fetcher.fetch_all(std::move(jobs), script.stop);
  std::vector<std::string> texts;
  texts.reserve(ranges.size());
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    auto text = checked_piece(std::move(answers[i]), ranges[i], script.size);
    if (!text) return tl::unexpected<Error>(text.error());
    texts.push_back(std::move(*text));
  }
  return texts;
}

Result<std::string> read_range(const Script& script, ByteRange range) {
  std::vector<ByteRange> pieces;
  for (std::uint64_t at = range.offset; at < range.end(); at += kPiece) {
    pieces.push_back(ByteRange::between(at, std::min(at + kPiece, range.end())));
  }
  const auto texts = read_ranges(script, pieces);
  if (!texts) return tl::unexpected<Error>(texts.error());
  std::string all;
  all.reserve(range.length);
  for (const std::string& text : *texts) all += text;
  return all;
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
Result<std::optional<std::vector<std::string>>> names_if_sorted(const Script& script, const Chip& chip) {
  using Answer = std::optional<std::vector<std::string>>;
  const auto lines = script_lines(script.size);
  if (!lines || *lines < kSamples) return Answer{};
  // The first one alone: a server that ignores Range sends the whole script for each.
  auto texts = read_ranges(script, {script_range(0, 1)});
  if (!texts) return tl::unexpected<Error>(texts.error());
  std::vector<ByteRange> samples;
  for (std::uint64_t i = 1; i < kSamples; ++i) {
    const std::uint64_t line = i * *lines / kSamples;
    samples.push_back(script_range(line, line + 1));
  }
  const auto others = read_ranges(script, samples);
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
                             std::min(range.end(), script.size));  // the last newline may be missing
  const auto text = read_range(script, range);
  if (!text) return tl::unexpected<Error>(text.error());
  auto names = names_in(*text);
  if (!names) return tl::unexpected<Error>(names.error());
  if (!is_sorted_by_chip(*names, chip.sector)) return Answer{};
  return Answer{std::move(*names)};
}

/// A script that fits one piece, or whose server does not serve ranges, comes in one answer.
Result<std::vector<std::string>> all_names(const Script& script, bool in_pieces) {
  if (in_pieces) {
    const auto text = read_range(script, ByteRange{0, script.size});
    return text.and_then([](const std::string& whole) { return names_in(whole); });
  }
  const auto response = script.fetcher.fetch({request_for(script.url)}, script.stop);
  if (!response) return tl::unexpected<Error>(response.error());
  if (response->body.size() != script.size)
    return fail(Errc::unavailable, script.url + " changed while it was read");
  return names_in(response->body);
}

/// What a HEAD says.
struct ScriptHead {
  std::uint64_t size{0};
  bool serves_ranges{false};
};

Result<ScriptHead> ask_head(http::Fetcher& fetcher, const std::string& url, std::stop_token stop) {
  http::Request request = request_for(url);
  request.method = http::Method::head;
  const auto response = fetcher.fetch({std::move(request)}, stop);
  if (!response) return tl::unexpected<Error>(response.error());
  const auto size = response->head.content_length();
  if (!size) return fail(Errc::unavailable, url + " does not say how long it is");
  return ScriptHead{*size, response->head.header("accept-ranges") == "bytes"};
}

}  // namespace

Result<void> script_exists(http::Fetcher& fetcher, const std::string& archive, unsigned sector,
                           std::stop_token stop) {
  return ask_head(fetcher, script_url(archive, sector, "ffic"), stop).map([](const ScriptHead&) {});
}

Result<std::vector<std::string>> script_names(http::Fetcher& fetcher, const std::string& archive,
                                              const Chip& chip, std::string_view product,
                                              std::stop_token stop) {
  const std::string url = script_url(archive, chip.sector, product);
  const auto head = ask_head(fetcher, url, stop);
  if (!head) return tl::unexpected<Error>(head.error());
  const Script script{fetcher, url, head->size, stop};
  bool in_pieces = head->serves_ranges && head->size > kPiece;

  std::optional<std::vector<std::string>> found;
  if (in_pieces) {
    auto sorted = names_if_sorted(script, chip);
    if (sorted) {
      found = std::move(*sorted);
    } else if (sorted.error().code == Errc::unsupported) {
      in_pieces = false;  // it says that it serves ranges, and does not
    } else {
      return tl::unexpected<Error>(sorted.error());
    }
  }
  if (!found) {
    auto all = all_names(script, in_pieces);
    if (!all) return tl::unexpected<Error>(all.error());
    found = std::move(*all);
  }
  const unsigned wanted = chip.camera * 10 + chip.ccd;
  std::erase_if(*found, [&](const std::string& name) { return chip_number(name, chip.sector) != wanted; });
  return std::move(*found);
}

}  // namespace astrofs::tess
