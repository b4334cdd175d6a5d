#include "backends/directory_page.h"

#include "backends/format/html_index.h"
#include "backends/format/nginx_json.h"
#include "base/log.h"

namespace astrofs {
namespace {

bool is_json(const http::Response& response) {
  if (response.head.header("content-type").starts_with("application/json")) return true;
  const auto first = response.body.find_first_not_of(" \t\r\n");
  return first != std::string::npos && response.body[first] == '[';
}

void report_dropped(std::size_t dropped, const std::string& url) {
  if (dropped > 0) log::warning("{}: {} entries whose names are no file names are not shown", url, dropped);
}

}  // namespace

Result<std::vector<Entry>> read_directory_page(const http::Response& response) {
  const std::string& url = response.head.url;
  if (is_json(response)) {
    auto listing = parse_nginx_json(response.body);
    if (!listing) return tl::unexpected<Error>(listing.error());
    report_dropped(listing->dropped, url);
    return std::move(listing->entries);
  }
  auto page = parse_html_index(response.body, url);
  if (!page) return tl::unexpected<Error>(page.error());
  if (!page->recognised)
    return fail(Errc::corrupt, url + " answered with a page that is no directory listing");
  // Half a page would be a shorter directory, as if files had been removed. A cut is a fault of the
  // connection: it may pass.
  if (!page->complete) return fail(Errc::unavailable, url + " answered with a page that was cut off");
  report_dropped(page->dropped, url);
  return std::move(page->entries);
}

}  // namespace astrofs
