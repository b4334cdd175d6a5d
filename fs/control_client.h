// The other end of the control socket: finds the mount a path lies in, asks its daemon, hands on what it
// says.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "base/error.h"

namespace astrofs {

struct MountPlace {
  std::string mountpoint;
  std::string source;
  uid_t owner{0};  ///< who mounted
};

/// Mounts of this file system, as the kernel lists them. What is bound elsewhere of a part of one is none.
[[nodiscard]] std::vector<MountPlace> list_mounts();

/// Where a path lies: the mount, and the path below its root, each name as the mount shows it, which is
/// UTF-8. Below a bind mount it is that of what is bound. Does not touch the file system, so an absent or
/// stalled path is no hindrance. invalid: not inside a mount of ours.
struct PathInMount {
  MountPlace mount;
  std::string relative;
};
[[nodiscard]] Result<PathInMount> place_of(const std::string& path);

/// Sends one request line and gives each progress line to `progress`; the text behind "result". An error is
/// the daemon's own.
[[nodiscard]] Result<std::string> ask(const MountPlace& mount, const std::string& request,
                                      const std::function<void(const std::string& line)>& progress);

/// Takes a mount away as its owner may: umount(2) for root, else fusermount3 -u. Errors say what holds it.
[[nodiscard]] Result<void> unmount(const MountPlace& mount);

}  // namespace astrofs
