// Where files of a service of the Virtual Observatory are at the moment, by their locators: learnt with
// listings, forgotten after minutes, never stored. Owned by data_sets; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "base/mutex.h"

namespace astrofs {

class ProductAddresses {
 public:
  /// `clock` outlives it.
  explicit ProductAddresses(const Clock& clock) : clock_(clock) {}

  /// `renewed`: the one before it was refused.
  void learn(std::string locator, std::string url, bool renewed) EXCLUDES(mutex_);
  /// One that was learnt lately.
  [[nodiscard]] std::optional<std::string> of(std::string_view locator) const EXCLUDES(mutex_);
  /// Was it asked for a moment ago because another one was refused? Then there is no newer one, and who reads
  /// file after file that he may not have asks the service nothing for it.
  [[nodiscard]] bool is_renewed(std::string_view locator) const EXCLUDES(mutex_);
  void forget() EXCLUDES(mutex_);

 private:
  struct Address {
    std::string url;
    SteadyTime learnt;
    bool renewed;
  };
  const Clock& clock_;
  mutable Mutex mutex_;
  std::unordered_map<std::string, Address> addresses_ GUARDED_BY(mutex_);
};

}  // namespace astrofs
