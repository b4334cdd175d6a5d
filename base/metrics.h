// Counters and gauges with Prometheus names. Registered once at start, changed from any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"

namespace astrofs {

/// A number that only grows (counter) or moves both ways (gauge).
class Metric {
 public:
  void add(std::int64_t by = 1) { value_.fetch_add(by, std::memory_order_relaxed); }
  void set(std::int64_t to) { value_.store(to, std::memory_order_relaxed); }
  [[nodiscard]] std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

class Metrics {
 public:
  /// The metric of that name and label, made on first use; the reference lives as long as Metrics.
  /// `name` like "astrofs_http_requests_total"; `label` like `host="example.org"` or empty, its value escaped
  /// by the caller. One name is either a counter or a gauge.
  Metric& counter(std::string_view name, std::string_view help, std::string_view label = {});
  Metric& gauge(std::string_view name, std::string_view help, std::string_view label = {});
  /// Value of a metric, 0 when unknown.
  [[nodiscard]] std::int64_t value(std::string_view name, std::string_view label = {}) const EXCLUDES(mutex_);
  /// Text exposition format 0.0.4.
  [[nodiscard]] std::string prometheus() const EXCLUDES(mutex_);

 private:
  struct Row {
    std::string name, help, label;
    bool is_counter;
    Metric metric;
  };
  Metric& row(std::string_view name, std::string_view help, std::string_view label, bool is_counter)
      EXCLUDES(mutex_);

  mutable Mutex mutex_;
  std::vector<std::unique_ptr<Row>> rows_ GUARDED_BY(mutex_);
};

}  // namespace astrofs
