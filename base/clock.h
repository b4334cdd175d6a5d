// Time as a collaborator, so that tests can move it.
// Steady time for deadlines, time-outs and ages; system time only for what is shown or stored.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace astrofs {

using SteadyTime = std::chrono::steady_clock::time_point;
using SysSeconds = std::chrono::sys_seconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual SteadyTime steady() const = 0;
  [[nodiscard]] virtual SysSeconds wall() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] SteadyTime steady() const override { return std::chrono::steady_clock::now(); }
  [[nodiscard]] SysSeconds wall() const override {
    return std::chrono::floor<seconds>(std::chrono::system_clock::now());
  }
};

/// Stands still until told; for tests. Any thread.
class ManualClock final : public Clock {
 public:
  [[nodiscard]] SteadyTime steady() const override { return SteadyTime(milliseconds(now_ms_.load())); }
  [[nodiscard]] SysSeconds wall() const override {
    return SysSeconds(std::chrono::floor<seconds>(milliseconds(now_ms_.load())));
  }
  void advance(milliseconds by) { now_ms_ += by.count(); }

 private:
  std::atomic<std::int64_t> now_ms_{1'000'000'000};
};

}  // namespace astrofs
