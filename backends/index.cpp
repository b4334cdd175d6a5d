#include "backends/index.h"

#include <span>

#include "backends/directory_page.h"
#include "backends/http/answer_check.h"
#include "backends/http/url.h"
#include "backends/settle.h"
#include "backends/url.h"

namespace astrofs {
namespace {

// An unknown server's directory may change at any time; asking again costs one conditional request.
constexpr std::chrono::seconds kGoodFor = std::chrono::minutes(10);

/// What a listing's token holds, one per line: hash of the content, the page's ETag, its Last-Modified.
struct PageToken {
  std::string content, etag, last_modified;
};

PageToken parse_token(std::string_view text) {
  PageToken token;
  for (std::string* part : {&token.content, &token.etag, &token.last_modified}) {
    const auto end = text.find('\n');
    *part = text.substr(0, end);
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return token;
}

std::string write_token(const PageToken& token) {
  return token.content + "\n" + token.etag + "\n" + token.last_modified;
}

/// A locator is pasted behind the base, so it must not lead anywhere else.
bool is_relative_path(std::string_view locator) {
  if (locator.find_first_of("?#\\") != std::string_view::npos) return false;
  while (!locator.empty()) {
    const auto slash = locator.find('/');
    const std::string part = url::decode(locator.substr(0, slash));
    if (part.empty() || part == "." || part == "..") return false;
    if (slash == std::string_view::npos) break;
    locator.remove_prefix(slash + 1);
  }
  return true;
}

/// After redirects the page must still be that directory: a server that sends every unknown path to its front
/// page would otherwise show a tree without end.
bool is_same_directory(std::string_view path, std::string_view final_url) {
  final_url = final_url.substr(0, final_url.find_first_of("?#"));
  const std::string ending = "/" + url::decode(path);
  return url::decode(final_url).ends_with(ending);
}

/// Is it a place of this archive? `base` ends with '/'.
bool is_within(const std::string& base, const std::string& final_url) {
  const auto top = http::split_url(base);
  const auto place = http::split_url(final_url);
  return top && place && http::origin_of(base) == http::origin_of(final_url) &&
         (url::decode(place->path) + "/").starts_with(url::decode(top->path));
}

/// Why there is no listing where a server redirects. Only the archive itself can say that it has no such
/// directory, by showing another one of its own: a page to log in and a portal hide what there is.
Error why_elsewhere(const std::string& base, const std::string& asked, const http::Response& response) {
  const std::string& there = response.head.url;
  const std::string where = asked + " leads elsewhere, to " + http::shown_url(there);
  const bool is_own = is_within(base, there);
  // A directory may have a file called "login".
  const bool is_listing = is_own && read_directory_page(response);
  if (!is_listing && http::looks_like_login(std::as_bytes(std::span(response.body))))
    return {Errc::denied, where + ", a login page"};
  return {is_own ? Errc::not_found : Errc::unavailable, where};
}

}  // namespace

IndexArchive::IndexArchive(std::string base, http::Fetcher& fetcher)
    : base_(std::move(base) + "/"), fetcher_(fetcher) {}

Result<std::variant<Listing, NotModified>> IndexArchive::list(std::string_view dir, std::string_view token,
                                                              std::stop_token stop) {
  if (!is_relative_path(dir)) return fail(Errc::not_found, "no such directory: " + std::string(dir));
  std::string path(dir);
  // Servers redirect to the form with a slash; asking for it at once saves the round trip.
  if (!path.empty() && !path.ends_with('/')) path += '/';

  http::Request request;
  request.url = base_ + path;
  const PageToken known = parse_token(token);
  if (!known.etag.empty()) request.headers.push_back({"If-None-Match", known.etag});
  if (!known.last_modified.empty()) request.headers.push_back({"If-Modified-Since", known.last_modified});
  auto response = fetcher_.fetch({std::move(request)}, stop);
  if (!response) return tl::unexpected<Error>(response.error());
  if (response->head.status == 304) return NotModified{};

  if (!is_same_directory(path, response->head.url))
    return tl::unexpected<Error>(why_elsewhere(base_, base_ + path, *response));
  auto entries = read_directory_page(*response);
  if (!entries) return tl::unexpected<Error>(entries.error());
  for (Entry& entry : *entries) entry.locator = path + entry.locator;
  auto settled = settle(std::move(*entries), known.content, kGoodFor, base_ + path);
  if (auto* const listing = std::get_if<Listing>(&settled)) {
    listing->token = write_token({listing->token, std::string(response->head.header("etag")),
                                  std::string(response->head.header("last-modified"))});
  }
  return settled;
}

Result<std::vector<http::Request>> IndexArchive::locate(std::string_view locator) {
  if (locator.empty() || !is_relative_path(locator)) {
    return fail(Errc::not_found, "no such file: " + std::string(locator));
  }
  http::Request request;
  request.url = base_ + std::string(locator);
  return std::vector<http::Request>{std::move(request)};
}

}  // namespace astrofs
