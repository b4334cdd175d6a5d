// The three hosts that serve what MAST has: how many requests of each may be under way, what they call files,
// and where one is.
// Pure but for set_budgets; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "backends/archive.h"
#include "backends/http/fetcher.h"
#include "backends/s3_pages.h"

namespace astrofs {

/// Base URLs without a trailing slash; "" = this one is not used.
struct StsciHosts {
  std::string s3, archive, mast;
};

/// Is it a name that a URL of MAST's download may end in? Letters, digits, and "._-" between them.
[[nodiscard]] bool is_product_name(std::string_view name);
/// Files of a folder of the bucket, with sizes and validators; their locators are their keys without `root`.
/// What is no name of a product is left out.
[[nodiscard]] std::vector<Entry> bucket_files(const S3Level& folder, std::string_view root);

void set_budgets(const StsciHosts& hosts, http::Fetcher& fetcher);
/// One more place of a file; none when the host is not used.
void add_mirror(std::vector<http::Request>& mirrors, const std::string& base, std::string_view path);
/// Who gives the validators of listings; "": nobody.
[[nodiscard]] std::string bucket_origin(const StsciHosts& hosts);

}  // namespace astrofs
