#include "backends/script_memory.h"

#include <algorithm>
#include <utility>

namespace astrofs {
namespace {

// Of all parts: some megabytes of memory.
constexpr std::size_t kMostPaths = 40'000;
// A walk passes through a part in seconds, and what is new at the archive shows up soon.
constexpr std::chrono::minutes kRecent{1};

}  // namespace

void ScriptMemory::keep(Part part) {
  if (part.paths.size() > kMostPaths) return;
  const MutexLock lock(mutex_);
  std::size_t paths = part.paths.size();
  for (const Kept& one : kept_) paths += one.part.paths.size();
  for (; paths > kMostPaths; kept_.pop_front()) paths -= kept_.front().part.paths.size();
  kept_.push_back({std::move(part), clock_.steady()});
}

std::optional<std::vector<std::string>> ScriptMemory::below(const std::string& script,
                                                            const std::string& folder) const {
  const MutexLock lock(mutex_);
  const auto is_behind = [&folder](const std::string& path) {
    return path > folder && !path.starts_with(folder);
  };
  const auto holds_all = [&](const Kept& one) {
    return one.part.script == script && clock_.steady() - one.since < kRecent && one.part.from < folder &&
           (one.part.to.empty() || is_behind(one.part.to));
  };
  const auto found = std::find_if(kept_.rbegin(), kept_.rend(), holds_all);
  if (found == kept_.rend()) return std::nullopt;
  const std::vector<std::string>& paths = found->part.paths;
  const auto first = std::lower_bound(paths.begin(), paths.end(), folder);
  return std::vector<std::string>(first, std::find_if(first, paths.end(), is_behind));
}

}  // namespace astrofs
