// What an archive has begun at a service and must end there whatever becomes of this program: notes that
// outlive it, kept by the mount. Any thread that may wait for the disk.
#pragma once

#include <map>
#include <string>

#include "base/error.h"

namespace astrofs {

class Errands {
 public:
  virtual ~Errands() = default;
  /// Is on the disk when it returns, in place of what stood under that key. `key`: letters, digits, '-'.
  [[nodiscard]] virtual Result<void> note(const std::string& key, const std::string& text) = 0;
  /// Nothing is left to do there.
  virtual void done(const std::string& key) = 0;
  /// Those that are not done, of runs before this one too; text by key.
  [[nodiscard]] virtual std::map<std::string, std::string> open() const = 0;
};

}  // namespace astrofs
