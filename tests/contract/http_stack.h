// Client and fetcher as a mount has them, impatient enough for tests. One per test.
#pragma once

#include <chrono>

#include "backends/http/curl_client.h"
#include "backends/http/fetcher.h"
#include "base/clock.h"
#include "base/metrics.h"

namespace astrofs::contract {

class HttpStack {
 public:
  explicit HttpStack(unsigned attempts = 2) : fetcher_(client_, clock_, metrics_, options(attempts)) {}

  [[nodiscard]] http::Fetcher& fetcher() { return fetcher_; }

 private:
  static http::FetcherOptions options(unsigned attempts) {
    http::FetcherOptions options;
    options.attempts = attempts;
    options.first_backoff = std::chrono::milliseconds(1);
    options.longest_backoff = std::chrono::milliseconds(5);
    options.breaker_failures = 1'000'000;  // a breaker would turn one test's fault into another's
    options.seed = 1;
    return options;
  }

  SystemClock clock_;
  Metrics metrics_;
  http::CurlClient client_;
  http::Fetcher fetcher_;
};

}  // namespace astrofs::contract
