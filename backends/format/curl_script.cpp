#include "backends/format/curl_script.h"

#include <algorithm>
#include <utility>

namespace astrofs {
namespace {

constexpr std::size_t kLargestScript = 128ULL << 20;  // the largest FFI script (sector 66) has 34 MB
constexpr std::size_t kLongestLine = 4096;            // the longest known has 305 bytes
constexpr std::string_view kSpace = " \t\r";

std::string_view next_word(std::string_view& rest) {
  const auto first = rest.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return rest = {};
  rest.remove_prefix(first);
  const auto end = std::min(rest.find_first_of(kSpace), rest.size());
  std::string_view word = rest.substr(0, end);
  rest.remove_prefix(end);
  if (word.size() >= 2 && (word.front() == '\'' || word.front() == '"') && word.back() == word.front()) {
    word = word.substr(1, word.size() - 2);
  }
  return word;
}

bool is_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos;
}

/// "a/b/c", every part of it a name.
bool is_path(std::string_view path) {
  for (auto slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/')) {
    if (!is_name(path.substr(0, slash))) return false;
    path.remove_prefix(slash + 1);
  }
  return is_name(path);
}

void parse_line(std::string_view line, bool paths, ScriptPiece& out) {
  std::string_view rest = line;
  if (next_word(rest) != "curl") return;
  std::string_view name;
  std::string_view url;
  while (line.size() <= kLongestLine) {
    const std::string_view word = next_word(rest);
    if (word.empty()) break;
    if (word == "-o" || word == "--output") {
      name = next_word(rest);
    } else if (word.starts_with("http://") || word.starts_with("https://")) {
      url = word;
    }
  }
  if (url.empty() || !(paths ? is_path(name) : is_name(name))) {
    ++out.dropped;
    return;
  }
  out.lines.push_back({std::string(name), std::string(url)});
}

}  // namespace

std::optional<std::uint64_t> script_lines(std::uint64_t size, std::uint64_t line) {
  if (line == 0 || size < kScriptHeader) return std::nullopt;
  const std::uint64_t body = size - kScriptHeader;
  if (body % line == 0) return body / line;
  if (body % line == line - 1) return body / line + 1;  // the last newline is missing
  return std::nullopt;
}

ByteRange script_range(std::uint64_t first, std::uint64_t last, std::uint64_t line) {
  return ByteRange::between(kScriptHeader + first * line, kScriptHeader + last * line);
}

Result<ScriptPiece> parse_script(std::string_view text, ScriptCut cut) {
  if (text.size() > kLargestScript) return fail(Errc::too_large, "a download script of more than 128 MiB");
  if (text.find('\0') != std::string_view::npos)
    return fail(Errc::corrupt, "not a download script: it has NUL bytes");
  const auto first = text.find_first_not_of(" \t\r\n");
  if (!cut.first_partial && first != std::string_view::npos && text[first] == '<') {
    return fail(Errc::corrupt, "a page where a download script was expected");
  }
  if (cut.first_partial) {
    const auto newline = text.find('\n');
    text = newline == std::string_view::npos ? std::string_view() : text.substr(newline + 1);
  }
  if (cut.last_partial) text = text.substr(0, text.rfind('\n') + 1);
  ScriptPiece piece;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    parse_line(text.substr(0, end), cut.paths, piece);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return piece;
}

}  // namespace astrofs
