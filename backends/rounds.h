// Questions of several requests each, asked side by side: every round sends the next request of all that are
// not answered yet. Used by type "tess", which asks S3 and MAST at one time. Blocks; any thread but the
// client's.
#pragma once

#include <optional>
#include <stop_token>
#include <vector>

#include "backends/http/fetcher.h"

namespace astrofs {

class Question {
 public:
  virtual ~Question() = default;
  /// What is to be asked now; nullopt: it has its answer, or its error.
  [[nodiscard]] virtual std::optional<http::Request> next() const = 0;
  virtual void take(const Result<http::Response>& response) = 0;
};

/// Returns when none of them has anything more to ask. A question that has not ended when `stop` is requested
/// gets the error of its request.
void ask_together(http::Fetcher& fetcher, const std::vector<Question*>& questions, std::stop_token stop);

}  // namespace astrofs
