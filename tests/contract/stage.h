// An archive with a small tree behind it whose truth is known: what the contract is tried on.
// One stage for each way an archive can list; made anew for every test, owned by it, used by its thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "backends/archive.h"
#include "tests/contract/http_stack.h"
#include "tests/support/archive_sim.h"

namespace astrofs::contract {

class Stage {
 public:
  virtual ~Stage() = default;

  [[nodiscard]] virtual Archive& archive() = 0;
  /// Names from the root down to a directory, and the files in the last one with their bytes.
  std::vector<std::string> path;
  std::map<std::string, std::string> files;
  /// A directory locator that the archive must not know.
  std::string unknown{"no-such-directory/"};
  /// Puts names into the deepest directory that no file system would take; returns false where that cannot
  /// be.
  virtual bool add_hostile_names() = 0;
  /// Changes the deepest directory so that its listing differs.
  virtual void change() = 0;
  /// Makes one of several pages of the deepest listing fail; false where a listing is one step.
  virtual bool break_a_page() { return false; }
  /// Everything that the archive asks from now on waits for ever; nullptr where nothing is asked.
  virtual sim::ArchiveSim* go_silent() { return nullptr; }
  virtual HttpStack* http() { return nullptr; }
};

struct StageKind {
  std::string name;
  std::function<std::unique_ptr<Stage>()> make;
};
inline void PrintTo(const StageKind& kind, std::ostream* out) {
  *out << kind.name;
}
[[nodiscard]] const std::vector<StageKind>& stage_kinds();

}  // namespace astrofs::contract
