// Type "index": any directory listing of Apache, nginx or lighttpd as HTML, or nginx's JSON.
// Owned by the mount; any thread: immutable.
#pragma once

#include <string>

#include "backends/archive.h"
#include "backends/http/fetcher.h"

namespace astrofs {

class IndexArchive final : public Archive {
 public:
  /// `base` as url::check_base gives it; `fetcher` outlives the archive.
  IndexArchive(std::string base, http::Fetcher& fetcher);

  /// Locators are paths relative to the base, percent-encoded; a directory's ends in '/'. The token holds the
  /// page's ETag and Last-Modified, so that an unchanged page costs a 304.
  [[nodiscard]] Result<std::variant<Listing, NotModified>> list(std::string_view dir, std::string_view token,
                                                                std::stop_token stop) override;
  [[nodiscard]] Result<std::vector<http::Request>> locate(std::string_view locator) override;

 private:
  const std::string base_;  ///< ends in '/'
  http::Fetcher& fetcher_;
};

}  // namespace astrofs
