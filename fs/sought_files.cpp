#include "fs/sought_files.h"

#include <utility>

#include "base/joined_stop.h"

namespace astrofs {

void SoughtFiles::seek(const MountedArchive& archive, const Node& node, bool again, Found found,
                       std::stop_token stop) {
  // What was learnt lately is told at once: a read does not stand behind listings of its archive for it.
  if (!again) {
    if (auto known = archive.archive->locate(node.locator)) return found(std::move(known));
  }
  const auto ask = [this, &archive, locator = node.locator, again, found, stop] {
    const JoinedStop either(stop, ending_);
    found(archive.archive->seek(locator, again, either.token()));
  };
  if (!turns_.submit(&archive, ask)) found(fail(Errc::interrupted, "the mount is ending"));
}

bool SoughtFiles::worth_another(const Error& error) {
  return error.code == Errc::denied || error.code == Errc::not_found;
}

}  // namespace astrofs
