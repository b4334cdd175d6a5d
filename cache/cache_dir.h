// The cache directory as a place: made 0700, ours alone, on a local file system, never reached through a
// symlink at its end. Used by the block store and the catalog before they put anything there. Any thread.
#pragma once

#include <string>

#include "base/error.h"
#include "base/unique_fd.h"

namespace astrofs {

/// Makes `path` (and directories above it) where missing and opens it. Errors, each naming `path`: denied
/// (not a directory of ours, writable by others, a symlink, read-only), invalid (network file system or
/// FUSE), no_space.
[[nodiscard]] Result<UniqueFd> open_cache_dir(const std::string& path);

/// The same for a directory `name` directly below `parent`; `shown` is its path for messages.
[[nodiscard]] Result<UniqueFd> open_cache_subdir(int parent, const std::string& name,
                                                 const std::string& shown);

/// Errc::invalid when the file system behind `fd` is a network file system or FUSE: locks, mapped files and
/// power-cut behaviour are not what the index and the blocks need there.
[[nodiscard]] Result<void> require_local_file_system(int fd, const std::string& shown);

}  // namespace astrofs
