// What this mount can say about itself, gathered from its parts as JSON text: the answers of `astrofs
// status`, `why` and `metrics`.
#pragma once

#include <string>

#include "backends/http/fetcher.h"
#include "base/config.h"
#include "base/metrics.h"
#include "fs/builds.h"
#include "fs/mount_options.h"
#include "fs/orders.h"
#include "fs/vfs.h"

namespace astrofs {

class Status {
 public:
  Status(const Vfs& vfs, const http::Fetcher& fetcher, const Orders& orders, const Builds& builds,
         Metrics& metrics, const Config& config, const MountOptions& options, const Clock& clock);

  /// Mount, archives, cache used and quota, transfers, orders, hit rates.
  [[nodiscard]] std::string status_json() const;
  /// One file or directory: listing age, sources, validator, what is cached, last errors.
  [[nodiscard]] std::string why_json(const Node& node) const;
  /// Prometheus text, gauges brought up to date first.
  [[nodiscard]] std::string metrics_text() const;

 private:
  const Vfs& vfs_;
  const http::Fetcher& fetcher_;
  const Orders& orders_;
  const Builds& builds_;
  Metrics& metrics_;
  const Config& config_;
  const MountOptions& options_;
  const Clock& clock_;
  const SteadyTime started_;
};

}  // namespace astrofs
