// Answers of S3: ListObjectsV2 pages and errors. Text in, values out. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace astrofs {

struct S3Object {
  std::string key;  ///< raw bytes, also where the answer was written with encoding-type=url
  std::uint64_t size{0};
  std::string etag;            ///< with quotes; "" when the answer has none
  SysSeconds last_modified{};  ///< 0 = not given
};

struct S3Page {
  std::vector<S3Object> contents;
  std::vector<std::string> common_prefixes;
  bool is_truncated{false};
  std::string next_token;                  ///< of the page that follows; never "" when is_truncated
  std::optional<std::uint64_t> key_count;  ///< what the answer says of itself: objects and prefixes together
};

struct S3Error {
  std::string code, message;  ///< "NoSuchKey", "The specified key does not exist."
};

/// Errors: corrupt (not such an answer, cut off, an object without key or size), too_large; an <Error>
/// document is the error that it names (error_of).
[[nodiscard]] Result<S3Page> parse_s3_list(std::string_view xml);

/// The <Error> document that comes with a status of 4xx or 5xx. corrupt when it is none.
[[nodiscard]] Result<S3Error> parse_s3_error(std::string_view xml);

/// What an S3 error means here: NoSuchKey and NoSuchBucket not_found, AccessDenied and the like denied, the
/// rest unavailable.
[[nodiscard]] Error error_of(const S3Error& error);

}  // namespace astrofs
