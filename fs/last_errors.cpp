#include "fs/last_errors.h"

#include <algorithm>

namespace astrofs {
namespace {

/// Some hundred kilobytes of messages; whoever asks why asks about a file of a moment ago.
constexpr std::size_t kMostErrors = 1024;

}  // namespace

void LastErrors::note(NodeId node, const Error& error) {
  const MutexLock lock(mutex_);
  if (errors_.size() >= kMostErrors && !errors_.contains(node)) {
    const auto older = [](const auto& one, const auto& other) {
      return one.second.number < other.second.number;
    };
    errors_.erase(std::min_element(errors_.begin(), errors_.end(), older));
  }
  errors_[node] = {{error, std::chrono::floor<seconds>(std::chrono::system_clock::now())}, ++noted_};
}

void LastErrors::forget(NodeId node) {
  const MutexLock lock(mutex_);
  errors_.erase(node);
}

std::optional<LastError> LastErrors::of(NodeId node) const {
  const MutexLock lock(mutex_);
  const auto found = errors_.find(node);
  if (found == errors_.end()) return std::nullopt;
  return found->second.last;
}

}  // namespace astrofs
