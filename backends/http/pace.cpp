#include "backends/http/pace.h"

#include <algorithm>

namespace astrofs::http {
namespace {

/// Less comes in what was under way already when the head came, and tells nothing of the line.
constexpr std::uint64_t kTelling = 128 * 1024;
/// Of what is new in the means. A rate changes with who else uses the line; a latency seldom does.
constexpr int kNewsOfLatency = 8;
constexpr double kNewsOfRate = 4;
/// What a machine that stood still finds waiting comes in no time, as it does from no line: no news says more
/// than so many times the mean.
constexpr double kMostNews = 2;

}  // namespace

void Pace::note(std::chrono::nanoseconds waited, std::uint64_t bytes, std::chrono::nanoseconds took) {
  // What is above the least so far is a connection that had to be made, or a busy server.
  latency = latency ? std::min(waited, *latency + (waited - *latency) / kNewsOfLatency) : waited;
  if (bytes < kTelling) return;
  const std::chrono::duration<double> seconds = std::max(took, std::chrono::nanoseconds(1));
  const double now = static_cast<double>(bytes) / seconds.count();
  rate = rate ? *rate + (std::min(now, kMostNews * *rate) - *rate) / kNewsOfRate : now;
}

}  // namespace astrofs::http
