#include "backends/s3.h"

#include "backends/s3_pages.h"
#include "backends/settle.h"
#include "backends/url.h"

namespace astrofs {
namespace {

// A bucket has no conditional listing: every refresh fetches all pages again. An hour is the bargain between
// that and news.
constexpr std::chrono::seconds kGoodFor = std::chrono::hours(1);

Entry entry_of(const S3Object& object, std::size_t prefix_length) {
  Entry entry;
  entry.name = object.key.substr(prefix_length);
  entry.size = object.size;
  entry.mtime = object.last_modified;
  entry.locator = object.key;
  entry.validator = object.etag;
  return entry;
}

}  // namespace

S3Archive::S3Archive(std::string base, std::string prefix, http::Fetcher& fetcher)
    : base_(std::move(base)), prefix_(std::move(prefix)), fetcher_(fetcher) {}

Result<std::variant<Listing, NotModified>> S3Archive::list(std::string_view dir, std::string_view token,
                                                           std::stop_token stop) {
  std::string prefix = dir.empty() ? prefix_ : std::string(dir);
  if (!prefix.empty() && !prefix.ends_with('/')) prefix += '/';
  if (!prefix.starts_with(prefix_)) return fail(Errc::not_found, "no such directory: " + std::string(dir));

  auto level = std::move(list_s3_levels(fetcher_, base_, {prefix}, stop).front());
  if (!level) return tl::unexpected<Error>(level.error());
  // A bucket without any key is an empty directory; a prefix without any key is none.
  if (!level->exists && !prefix.empty()) return fail(Errc::not_found, base_ + " has no key below " + prefix);

  std::vector<Entry> entries;
  entries.reserve(level->objects.size() + level->prefixes.size());
  for (const S3Object& object : level->objects) entries.push_back(entry_of(object, prefix.size()));
  for (const std::string& deeper : level->prefixes) {
    entries.push_back(
        directory_entry(deeper.substr(prefix.size(), deeper.size() - prefix.size() - 1), deeper));
  }
  return settle(std::move(entries), token, kGoodFor, base_ + "/" + prefix);
}

Result<std::vector<http::Request>> S3Archive::locate(std::string_view locator) {
  if (!locator.starts_with(prefix_) || locator.size() == prefix_.size() || locator.ends_with('/')) {
    return fail(Errc::not_found, "no such key: " + std::string(locator));
  }
  http::Request request;
  request.url = base_ + "/" + url::encode_path(locator);
  return std::vector<http::Request>{std::move(request)};
}

std::optional<Digest> S3Archive::digest(std::string_view validator) const {
  return digest_of_etag(validator);
}

std::string S3Archive::validator_origin() const {
  http::Request request;
  request.url = base_;
  return request.origin();
}

}  // namespace astrofs
