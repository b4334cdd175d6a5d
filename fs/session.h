// The kernel's side: one FUSE session, its options, and the loop that serves it. Everything a call means is
// in fs/vfs.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "fs/kernel_files.h"
#include "fs/notifier.h"
#include "fs/vfs.h"

namespace astrofs {

struct SessionOptions {
  std::string source{"astrofs"};  ///< first column of mount(8)'s table
  std::string mountpoint;
  bool allow_other{false};
  unsigned owner_uid{0}, owner_gid{0};    ///< shown as owner of everything
  std::vector<std::string> fuse_options;  ///< passed on to libfuse as they are
  std::string control_socket;             ///< value of user.astrofs.control on the root
  std::string cache_dir;                  ///< whose files the kernel may be given
};

class Session {
 public:
  /// Mounts, and blocks SIGTERM, SIGINT and SIGHUP. Forks fusermount3 when not root: before the process has
  /// threads. The file system answers once
  /// serve() runs; until then the kernel lets callers wait.
  [[nodiscard]] static Result<std::unique_ptr<Session>> mount(const SessionOptions& options);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Serves calls until the file system is unmounted, or SIGTERM, SIGINT or SIGHUP comes; `ready` runs when
  /// the kernel has greeted.
  [[nodiscard]] Result<void> serve(Vfs& vfs, Notifier& notifier, std::function<void()> ready);
  /// What the kernel reads by itself, once it serves. As long as the session lives.
  [[nodiscard]] KernelFiles& kernel_files();
  /// Take the mount away if it is still there.
  void unmount();

 private:
  class Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace astrofs
