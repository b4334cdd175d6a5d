// Why files could not be read lately: for `astrofs why`. A few of them; a file that is read again is
// forgotten. Any thread.
#pragma once

#include <optional>
#include <unordered_map>

#include "base/clock.h"
#include "base/error.h"
#include "base/mutex.h"
#include "cache/source.h"

namespace astrofs {

struct LastError {
  Error error;
  SysSeconds when{};
};

class LastErrors {
 public:
  void note(NodeId node, const Error& error) EXCLUDES(mutex_);
  void forget(NodeId node) EXCLUDES(mutex_);
  [[nodiscard]] std::optional<LastError> of(NodeId node) const EXCLUDES(mutex_);

 private:
  struct Row {
    LastError last;
    std::uint64_t number;  ///< in order of time: many fail within one second
  };
  mutable Mutex mutex_;
  std::unordered_map<NodeId, Row> errors_ GUARDED_BY(mutex_);
  std::uint64_t noted_ GUARDED_BY(mutex_){0};
};

}  // namespace astrofs
