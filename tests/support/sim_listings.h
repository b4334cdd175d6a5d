// Listings as the servers of the world write them: directory pages, nginx's JSON, S3's ListObjectsV2. Pure
// functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/sim_content.h"
#include "tests/support/sim_reply.h"

namespace astrofs::sim {

/// The page of the directory `path` (with its last '/').
[[nodiscard]] Reply index_reply(ListingStyle style, std::string_view path,
                                const std::vector<ListedEntry>& entries);

/// "  5 ", " 34M", "1.5K": as Apache rounds, four columns wide.
[[nodiscard]] std::string rounded_size(std::uint64_t bytes);

struct Bucket {
  std::string name;
  std::string root;           ///< key prefix in the tree that is the bucket's root
  bool token_repeats{false};  ///< lie: every page is followed by itself
};
[[nodiscard]] Reply bucket_reply(const HttpRequest& request, const ContentTree& tree, const Bucket& bucket);
/// S3's <Error> document.
[[nodiscard]] Reply s3_error(int status, std::string_view code, std::string_view message,
                             std::string_view resource);

}  // namespace astrofs::sim
