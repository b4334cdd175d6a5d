// ListObjectsV2 over the fetcher: one level of a bucket, all its pages.
// Used by types "s3" and "tess". Blocks; any thread but the client's.
#pragma once

#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "backends/archive.h"
#include "backends/format/s3_list.h"
#include "backends/http/fetcher.h"
#include "backends/rounds.h"
#include "base/error.h"

namespace astrofs {

/// What lies directly under a prefix.
struct S3Level {
  std::vector<S3Object> objects;      ///< keys with the prefix; the marker of the level itself is left out
  std::vector<std::string> prefixes;  ///< deeper levels, with the prefix and a '/' at the end
  bool exists{false};                 ///< some key begins with the prefix
};

/// One level, page by page. Complete or an error: a page that fails, a repeated continuation token or too
/// many pages fail all of it.
class S3Question final : public Question {
 public:
  /// `prefix`: "" or ending in '/'.
  S3Question(std::string base, std::string prefix) : base_(std::move(base)), prefix_(std::move(prefix)) {}
  [[nodiscard]] std::optional<http::Request> next() const override;
  void take(const Result<http::Response>& response) override;
  [[nodiscard]] Result<S3Level>& level() { return level_; }

 private:
  Result<bool> take_page(std::string_view xml);

  const std::string base_, prefix_;
  std::string token_;           ///< of the page wanted next
  std::set<std::string> seen_;  ///< tokens so far: a repeated one would go round for ever
  unsigned pages_{0};
  bool done_{false};
  Result<S3Level> level_{S3Level{}};
};

/// One level for each prefix ("" or ending in '/'), in the order asked, in parallel.
[[nodiscard]] std::vector<Result<S3Level>> list_s3_levels(http::Fetcher& fetcher, const std::string& base,
                                                          const std::vector<std::string>& prefixes,
                                                          std::stop_token stop);

/// The MD5 that S3 makes the ETag of an object that was put in one piece and is not encrypted with a key of
/// KMS. Of what another ETag of 32 hex digits is made nobody knows: it is not certain.
[[nodiscard]] std::optional<Digest> digest_of_etag(std::string_view etag);

}  // namespace astrofs
