// ListObjectsV2 over the fetcher: one level of a bucket, all its pages.
// Used by types "s3" and "tess". Blocks; any thread but the client's.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "backends/format/s3_list.h"
#include "backends/http/fetcher.h"
#include "base/error.h"

namespace astrofs {

/// What lies directly under a prefix.
struct S3Level {
  std::vector<S3Object> objects;      ///< keys with the prefix; the marker of the level itself is left out
  std::vector<std::string> prefixes;  ///< deeper levels, with the prefix and a '/' at the end
  bool exists{false};                 ///< some key begins with the prefix
};

/// One level for each prefix ("" or ending in '/'), in the order asked, in parallel. Each is complete or an
/// error: a page that fails, a repeated continuation token or too many pages fail the whole level.
[[nodiscard]] std::vector<Result<S3Level>> list_s3_levels(http::Fetcher& fetcher, const std::string& base,
                                                          const std::vector<std::string>& prefixes,
                                                          std::stop_token stop);

}  // namespace astrofs
