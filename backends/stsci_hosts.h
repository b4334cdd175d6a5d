// The three hosts that serve what MAST has, and how many requests of each may be under way. Pure but for
// set_budgets; any thread.
#pragma once

#include <string>

#include "backends/http/fetcher.h"

namespace astrofs {

/// Base URLs without a trailing slash; "" = this one is not used.
struct StsciHosts {
  std::string s3, archive, mast;
};

void set_budgets(const StsciHosts& hosts, http::Fetcher& fetcher);

}  // namespace astrofs
