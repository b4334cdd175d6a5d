// libfuse's low-level operations, each a thin coat over one call of Vfs.
#pragma once

#include <functional>
#include <string>

#include "fs/passthrough.h"
#include "fs/vfs.h"

struct fuse_lowlevel_ops;

namespace astrofs {

/// What the operations work on: the user data of the FUSE session.
struct OpsContext {
  Vfs* vfs{nullptr};
  Passthrough* passthrough{nullptr};
  unsigned uid{0}, gid{0};
  std::string control_socket;
  std::function<void()> ready;
};

[[nodiscard]] const fuse_lowlevel_ops& fuse_operations();

}  // namespace astrofs
