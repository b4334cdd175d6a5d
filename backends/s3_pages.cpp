#include "backends/s3_pages.h"

#include <deque>

#include "backends/gone_service.h"
#include "backends/url.h"

namespace astrofs {
namespace {

// At 1000 keys a page one and a half million names: more would not fit into the memory of a small machine,
// and nobody lists it.
constexpr unsigned kMostPages = 1'500;

}  // namespace

std::optional<http::Request> S3Question::next() const {
  if (done_) return std::nullopt;
  http::Request request;
  // encoding-type=url: keys may hold bytes that XML cannot.
  request.url =
      base_ + "/?list-type=2&delimiter=%2F&encoding-type=url&prefix=" + url::encode_component(prefix_);
  if (!token_.empty()) request.url += "&continuation-token=" + url::encode_component(token_);
  return request;
}

void S3Question::take(const Result<http::Response>& response) {
  const auto more = response.and_then([&](const http::Response& page) { return take_page(page.body); });
  done_ = !more || !*more;
  // A prefix without keys is an empty page: 404 is of the bucket itself.
  if (!more) level_ = tl::unexpected<Error>(of_service(more.error(), base_));
}

/// True when another page is to be fetched.
Result<bool> S3Question::take_page(std::string_view xml) {
  auto page = parse_s3_list(xml);
  if (!page) return tl::unexpected<Error>(page.error());
  S3Level& level = *level_;
  for (S3Object& object : page->contents) {
    if (!object.key.starts_with(prefix_)) {
      return fail(Errc::corrupt, "the bucket answered with a key outside the prefix " + prefix_);
    }
    level.exists = true;
    if (!object.etag.starts_with('"')) object.etag.clear();  // a weak one promises nothing about bytes
    // A key that is the prefix itself, or ends in '/', stands for a directory and has no name of its own.
    if (object.key.size() > prefix_.size() && !object.key.ends_with('/'))
      level.objects.push_back(std::move(object));
  }
  for (std::string& prefix : page->common_prefixes) {
    if (!prefix.starts_with(prefix_) || prefix.size() <= prefix_.size() || !prefix.ends_with('/')) {
      return fail(Errc::corrupt, "the bucket answered with a directory outside the prefix " + prefix_);
    }
    level.exists = true;
    level.prefixes.push_back(std::move(prefix));
  }
  if (!page->is_truncated) return false;
  if (!seen_.insert(page->next_token).second) {
    return fail(Errc::corrupt, "the bucket repeats a continuation token below " + prefix_);
  }
  if (++pages_ >= kMostPages) return fail(Errc::too_large, "too many pages of keys below " + prefix_);
  token_ = std::move(page->next_token);
  return true;
}

std::vector<Result<S3Level>> list_s3_levels(http::Fetcher& fetcher, const std::string& base,
                                            const std::vector<std::string>& prefixes, std::stop_token stop) {
  std::deque<S3Question> questions;  // they stay where they are
  std::vector<Question*> together;
  // Nearly all levels have a single page.
  for (const std::string& prefix : prefixes) together.push_back(&questions.emplace_back(base, prefix));
  ask_together(fetcher, together, stop);
  std::vector<Result<S3Level>> levels;
  levels.reserve(questions.size());
  for (S3Question& question : questions) levels.push_back(std::move(question.level()));
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
