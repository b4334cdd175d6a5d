// Parts of sorted download scripts that were read a moment ago, so that who walks a tree of directories does
// not have each of them searched for anew: one part names a thousand. Owned by ScriptTrees; any thread.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"

namespace astrofs {

class ScriptMemory {
 public:
  /// `clock` outlives it.
  explicit ScriptMemory(const Clock& clock) : clock_(clock) {}

  /// All that stands between two lines of a script.
  struct Part {
    std::string script;              ///< its address
    std::string from, to;            ///< paths of those lines; "": its start, its end
    std::vector<std::string> paths;  ///< in order
  };
  /// Of a script that is sorted. One that is longer than all that may be kept is not.
  void keep(Part part) EXCLUDES(mutex_);
  /// Every path that begins so; nullopt: that is not known.
  [[nodiscard]] std::optional<std::vector<std::string>> below(const std::string& script,
                                                              const std::string& folder) const
      EXCLUDES(mutex_);

 private:
  struct Kept {
    Part part;
    SteadyTime since;
  };

  const Clock& clock_;
  mutable Mutex mutex_;
  std::deque<Kept> kept_ GUARDED_BY(mutex_);  ///< the newest last
};

}  // namespace astrofs
