// The mounted file system as a whole: makes the parts in the order they need each other, runs, and takes them
// down in reverse.
#pragma once

#include <functional>
#include <memory>

#include "base/config.h"
#include "base/error.h"
#include "fs/mount_options.h"

namespace astrofs {

/// Configuration with the command line laid over it.
[[nodiscard]] Result<Config> effective_config(const MountOptions& options);

/// What can be known to be wrong before anything is made on disk or mounted: archives' tables, the mount
/// point, the cache inside it.
[[nodiscard]] Result<void> check_mount(const Config& config, const MountOptions& options);

/// Mounts and serves until unmounted. `ready` runs once the kernel has greeted; nothing was started when an
/// error comes back before that. Must be called in the process that stays: after the fork, before any thread
/// exists.
[[nodiscard]] Result<void> run_daemon(const Config& config, const MountOptions& options,
                                      const std::function<void()>& ready);

}  // namespace astrofs
