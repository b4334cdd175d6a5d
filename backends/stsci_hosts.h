// The three hosts that serve what MAST has: how many requests of each may be under way, and where a file is.
// Pure but for set_budgets; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "backends/http/fetcher.h"

namespace astrofs {

/// Base URLs without a trailing slash; "" = this one is not used.
struct StsciHosts {
  std::string s3, archive, mast;
};

void set_budgets(const StsciHosts& hosts, http::Fetcher& fetcher);
/// One more place of a file; none when the host is not used.
void add_mirror(std::vector<http::Request>& mirrors, const std::string& base, std::string_view path);
/// Who gives the validators of listings; "": nobody.
[[nodiscard]] std::string bucket_origin(const StsciHosts& hosts);

}  // namespace astrofs
