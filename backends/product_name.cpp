#include "backends/product_name.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "backends/format/utf8.h"
#include "backends/http/url.h"
#include "backends/url.h"
#include "base/file_name.h"

namespace astrofs::product_name {
namespace {

/// What files of archives end with. A number behind a dot is none: "ADP.2014-10-01T09:43:12.123".
constexpr std::array<std::string_view, 39> kEndings{
    "fits", "fit",  "fts",  "fz",      "gz",  "z",      "bz2",    "xz",  "zst",    "tar",
    "tgz",  "zip",  "vot",  "xml",     "csv", "tsv",    "txt",    "dat", "json",   "ecsv",
    "jpg",  "jpeg", "png",  "gif",     "tif", "tiff",   "pdf",    "ps",  "mp4",    "avi",
    "asdf", "h5",   "hdf5", "parquet", "ms",  "sdfits", "uvfits", "reg", "preview"};

constexpr std::size_t kShownBytes = 255;
constexpr std::size_t kKept = 200;  // of a name that is too long: room for the tag and the endings

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

bool ends_like_a_file(std::string_view name) {
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return false;
  return std::ranges::find(kEndings, lower(name.substr(dot + 1))) != kEndings.end();
}

/// Behind the last of what separates parts of identifiers and paths.
std::string_view last_part(std::string_view text) {
  while (!text.empty() && text.find_last_of("/?#") == text.size() - 1) text.remove_suffix(1);
  const auto at = text.find_last_of("/?#");
  return at == std::string_view::npos ? text : text.substr(at + 1);
}

std::string_view ending_of(std::string_view media_type) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 20> kTypes{{
      {"image/fits", ".fits"},
      {"application/fits", ".fits"},
      {"application/x-fits", ".fits"},
      {"image/x-fits", ".fits"},
      {"image/x-fits-gzip", ".fits.gz"},
      {"application/x-fits-gzip", ".fits.gz"},
      {"image/x-fits-hcompress", ".fits.fz"},
      {"application/x-tar", ".tar"},
      {"application/tar", ".tar"},
      {"application/x-tar-gzip", ".tar.gz"},
      {"application/gzip", ".gz"},
      {"application/x-gzip", ".gz"},
      {"application/zip", ".zip"},
      {"application/x-votable+xml", ".vot"},
      {"text/csv", ".csv"},
      {"text/plain", ".txt"},
      {"application/pdf", ".pdf"},
      {"image/jpeg", ".jpg"},
      {"image/png", ".png"},
      {"image/gif", ".gif"},
  }};
  const std::string type = lower(media_type.substr(0, media_type.find_first_of("; ")));
  const auto* const found =
      std::ranges::find(kTypes, type, &std::pair<std::string_view, std::string_view>::first);
  return found == kTypes.end() ? std::string_view{} : found->second;
}

/// Where the endings of a name begin: ".fits.gz" is two.
std::size_t endings_at(std::string_view name) {
  std::size_t at = name.size();
  while (ends_like_a_file(name.substr(0, at))) at = name.substr(0, at).rfind('.');
  return at;
}

}  // namespace

std::string in_address(std::string_view url) {
  url = url.substr(0, url.find('#'));
  const auto scheme = url.find("://");
  const auto path_at = url.find('/', scheme == std::string_view::npos ? 0 : scheme + 3);
  if (path_at == std::string_view::npos) return {};
  const auto question = std::min(url.find('?'), url.size());
  if (path_at < question) {
    std::string name(last_part(url::decode(url.substr(path_at, question - path_at))));
    if (ends_like_a_file(name)) return name;
  }
  std::string_view query = url.substr(std::min(question + 1, url.size()));
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    const auto equals = std::min(pair.find('='), pair.size());
    std::string name(last_part(url::decode(pair.substr(std::min(equals + 1, pair.size())))));
    if (ends_like_a_file(name)) return name;
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return {};
}

std::string identity(std::string_view url) {
  if (std::string name = in_address(url); !name.empty()) return name;
  const auto parts = http::split_url(url);
  if (!parts) return "-";
  std::string last(last_part(url::decode(parts->path)));
  return last.empty() ? "-" : last;
}

std::string made_of(std::string_view obs_id, std::string_view did, std::string_view media_type) {
  std::string_view stem = last_part(did);
  if (stem.empty()) stem = last_part(obs_id);
  std::string name(stem.empty() ? std::string_view("data") : stem);
  const std::string_view ending = ending_of(media_type);
  if (!lower(name).ends_with(ending) && !ends_like_a_file(name)) name += ending;
  return name;
}

std::string of_preview(std::string name, std::string_view media_type) {
  const std::string whole = lower(name);
  const auto is_fits = [](std::string_view text) {
    return text.find(".fit") != std::string_view::npos || text.ends_with(".fz") || text.ends_with(".fts");
  };
  const std::string_view ending = ending_of(media_type);
  if (!is_fits(whole) || is_fits(ending)) return name;
  return name + (ending.empty() ? ".preview" : std::string(ending));
}

std::string tagged(std::string_view name, std::string_view tag) {
  const std::size_t at = endings_at(name);
  std::string stem(name.substr(0, at));
  const std::string endings = "~" + std::string(tag) + std::string(name.substr(at));
  if (stem.size() > kKept) {
    std::string kept;  // whole characters
    for (std::string_view rest = stem; kept.size() < kKept && !rest.empty();) {
      const auto before = rest.size();
      if (!take_utf8(rest)) rest.remove_prefix(1);
      kept += std::string_view(stem).substr(stem.size() - before, before - rest.size());
    }
    stem = std::move(kept);
  }
  while (!stem.empty()) {
    const auto shown = encode_file_name(stem + endings);
    if (shown && shown->size() <= kShownBytes) break;
    stem.resize(stem.size() / 2);  // of signs that are all written %XX
  }
  return stem + endings;
}

std::string_view stem_of(std::string_view name) {
  constexpr std::size_t kTag = 9;  // with its '~'
  std::string_view stem = name.substr(0, endings_at(name));
  if (stem.size() > kTag && stem[stem.size() - kTag] == '~') stem.remove_suffix(kTag);
  return stem;
}

std::string shortened(std::string name, std::string_view tag) {
  return encode_file_name(name) ? name : tagged(name, tag);
}

}  // namespace astrofs::product_name
