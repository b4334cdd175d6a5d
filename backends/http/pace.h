// How quickly a host answers and its bytes come, measured on what it sent. A value; no locks.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace astrofs::http {

struct Pace {
  std::optional<std::chrono::nanoseconds> latency{};  ///< from a request to the head of its answer
  std::optional<double> rate{};                       ///< bytes per second of one connection
  unsigned connections{0};                            ///< that it is asked over at most

  /// One answer: its head came after `waited` with the first piece of its body, the other `bytes` of it
  /// within `took` from then on.
  void note(std::chrono::nanoseconds waited, std::uint64_t bytes, std::chrono::nanoseconds took);
};

}  // namespace astrofs::http
