// Type "s3": a bucket, or a prefix of one, that anonymous readers may list (ListObjectsV2).
// Owned by the mount; any thread: immutable.
#pragma once

#include <string>

#include "backends/archive.h"
#include "backends/http/fetcher.h"

namespace astrofs {

class S3Archive final : public Archive {
 public:
  /// `base` names the bucket, as host ("https://bucket.s3.region.amazonaws.com") or as path
  /// ("http://127.0.0.1:9000/bucket"), without a trailing slash. `prefix` is "" or ends in '/'. `fetcher`
  /// outlives the archive.
  S3Archive(std::string base, std::string prefix, http::Fetcher& fetcher);

  /// Locators are keys; a directory's ends in '/'.
  [[nodiscard]] Result<std::variant<Listing, NotModified>> list(std::string_view dir, std::string_view token,
                                                                std::stop_token stop) override;
  [[nodiscard]] Result<std::vector<http::Request>> locate(std::string_view locator) override;
  [[nodiscard]] std::string validator_origin() const override;
  [[nodiscard]] std::optional<Digest> digest(std::string_view validator) const override;

 private:
  const std::string base_;
  const std::string prefix_;
  http::Fetcher& fetcher_;
};

}  // namespace astrofs
