#include "backends/s3_pages.h"

#include <set>

#include "backends/url.h"

namespace astrofs {
namespace {

// At 1000 keys a page one and a half million names: more would not fit into the memory of a small machine,
// and nobody lists it.
constexpr unsigned kMostPages = 1'500;

/// A level that is still being read.
struct Walk {
  std::string prefix;
  std::string token;           ///< of the page wanted next
  std::set<std::string> seen;  ///< tokens so far: a repeated one would go round for ever
  unsigned pages{0};
  Result<S3Level> level{S3Level{}};
};

http::Request page_request(const std::string& base, const Walk& walk) {
  http::Request request;
  // encoding-type=url: keys may hold bytes that XML cannot.
  request.url =
      base + "/?list-type=2&delimiter=%2F&encoding-type=url&prefix=" + url::encode_component(walk.prefix);
  if (!walk.token.empty()) request.url += "&continuation-token=" + url::encode_component(walk.token);
  return request;
}

/// Takes a page in; true when another one is to be fetched.
Result<bool> take_page(Walk& walk, std::string_view xml) {
  auto page = parse_s3_list(xml);
  if (!page) return tl::unexpected<Error>(page.error());
  S3Level& level = *walk.level;
  for (S3Object& object : page->contents) {
    if (!object.key.starts_with(walk.prefix)) {
      return fail(Errc::corrupt, "the bucket answered with a key outside the prefix " + walk.prefix);
    }
    level.exists = true;
    if (!object.etag.starts_with('"')) object.etag.clear();  // a weak one promises nothing about bytes
    // A key that is the prefix itself, or ends in '/', stands for a directory and has no name of its own.
    if (object.key.size() > walk.prefix.size() && !object.key.ends_with('/'))
      level.objects.push_back(std::move(object));
  }
  for (std::string& prefix : page->common_prefixes) {
    if (!prefix.starts_with(walk.prefix) || prefix.size() <= walk.prefix.size() || !prefix.ends_with('/')) {
      return fail(Errc::corrupt, "the bucket answered with a directory outside the prefix " + walk.prefix);
    }
    level.exists = true;
    level.prefixes.push_back(std::move(prefix));
  }
  if (!page->is_truncated) return false;
  if (!walk.seen.insert(page->next_token).second) {
    return fail(Errc::corrupt, "the bucket repeats a continuation token below " + walk.prefix);
  }
  if (++walk.pages >= kMostPages) return fail(Errc::too_large, "too many pages of keys below " + walk.prefix);
  walk.token = std::move(page->next_token);
  return true;
}

}  // namespace

std::vector<Result<S3Level>> list_s3_levels(http::Fetcher& fetcher, const std::string& base,
                                            const std::vector<std::string>& prefixes, std::stop_token stop) {
  std::vector<Walk> walks(prefixes.size());
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < prefixes.size(); ++i) {
    walks[i].prefix = prefixes[i];
    open.push_back(i);
  }
  // Each round fetches the next page of every level that has one; nearly all levels have a single page.
  while (!open.empty()) {
    std::vector<std::vector<http::Request>> jobs;
    for (const std::size_t i : open) jobs.push_back({page_request(base, walks[i])});
    const auto answers = fetcher.fetch_all(std::move(jobs), stop);
    std::vector<std::size_t> still_open;
    for (std::size_t n = 0; n < open.size(); ++n) {
      Walk& walk = walks[open[n]];
      const auto more =
          answers[n].and_then([&](const http::Response& page) { return take_page(walk, page.body); });
      if (!more) {
        walk.level = tl::unexpected<Error>(more.error());
      } else if (*more) {
        still_open.push_back(open[n]);
      }
    }
    open = std::move(still_open);
  }
  std::vector<Result<S3Level>> levels;
  levels.reserve(walks.size());
  for (Walk& walk : walks) levels.push_back(std::move(walk.level));
  return levels;
}

std::optional<Digest> digest_of_etag(std::string_view etag) {
  constexpr std::size_t kMd5Digits = 32;
  if (etag.size() != kMd5Digits + 2 || etag.front() != '"' || etag.back() != '"') return std::nullopt;
  const std::string_view hex = etag.substr(1, kMd5Digits);
  const bool is_hex = hex.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  if (!is_hex) return std::nullopt;
  return Digest{DigestKind::md5, std::string(hex), false};
}

}  // namespace astrofs
