// The command line of mount.astrofs, as a person, mount(8), fstab and systemd write it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "fs/archive_table.h"

namespace astrofs {

struct MountOptions {
  std::string source{"astrofs"};
  std::string mountpoint;
  std::optional<std::string> config_path;
  std::optional<std::string> cache_dir;
  std::optional<std::uint64_t> cache_size;  ///< bytes
  bool offline{false};
  bool sparse{false};  ///< what is not cached is a hole to SEEK_HOLE
  std::optional<MissingPolicy> missing;
  std::chrono::seconds timeout{60};  ///< what any one call may take
  bool allow_other{false};
  std::optional<unsigned> uid, gid;  ///< shown as owner; default: who mounts
  std::string ca_file;               ///< PEM of who vouches for servers; "": the system's
  std::string log_target;            ///< "": stderr in the foreground, else the cache's astrofs.log
  bool foreground{false};
  bool sloppy{false};  ///< -s: unknown options are ignored
  bool fake{false};    ///< -f of mount(8): check everything, do not mount
  bool verbose{false};
  std::vector<std::string> fuse_options;  ///< for libfuse and the kernel
};

/// What a command line asks for: a mount, or only a text (--help, --version) to print.
struct CommandLine {
  MountOptions mount;
  std::string text;
};

[[nodiscard]] Result<CommandLine> parse_command_line(const std::vector<std::string>& arguments);

}  // namespace astrofs
