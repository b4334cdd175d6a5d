#include "backends/product_addresses.h"

#include <utility>

namespace astrofs {
namespace {

/// A signed address of a store runs out after minutes to hours; the shortest that is known of has 15 minutes.
constexpr std::chrono::minutes kGood{5};
/// One that is refused although it is new is not asked for anew by each reader. Far below the time for which
/// addresses are good: what is refused for its age is asked for at once.
constexpr std::chrono::seconds kRefused{30};
constexpr std::size_t kMost = 50'000;

}  // namespace

void ProductAddresses::learn(std::string locator, std::string url, bool renewed) {
  const MutexLock lock(mutex_);
  if (addresses_.size() >= kMost) addresses_.clear();
  addresses_.insert_or_assign(std::move(locator), Address{std::move(url), clock_.steady(), renewed});
}

std::optional<std::string> ProductAddresses::of(std::string_view locator) const {
  const MutexLock lock(mutex_);
  const auto known = addresses_.find(std::string(locator));
  if (known == addresses_.end() || clock_.steady() - known->second.learnt > kGood) return std::nullopt;
  return known->second.url;
}

bool ProductAddresses::is_renewed(std::string_view locator) const {
  const MutexLock lock(mutex_);
  const auto known = addresses_.find(std::string(locator));
  return known != addresses_.end() && known->second.renewed &&
         clock_.steady() - known->second.learnt < kRefused;
}

void ProductAddresses::forget() {
  const MutexLock lock(mutex_);
  addresses_.clear();
}

}  // namespace astrofs
