// The control socket: one connection, one command, answers as lines of JSON.
//
// Request:  {"command": "why", "path": "tess/4/1/1/x.fits"}\n      (paths are relative to the mount's root)
// Answers:  {"progress": {...}}\n ... then {"result": ...}\n or {"error": {"cause": "not_found", "message":
// "..."}}\n A client that hangs up ends its command. Each connection has a thread, at most kMostClients of
// them, and deadlines on its socket; nothing here is ever waited for by the file system.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"

namespace astrofs {

class Commands;

class ControlServer {
 public:
  /// Binds `path` (made 0600 in a directory of ours; a dead socket there is replaced) and answers from a
  /// thread named `control`.
  [[nodiscard]] static Result<std::unique_ptr<ControlServer>> start(const std::string& path,
                                                                    Commands& commands);
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

 private:
  ControlServer(UniqueFd listener, std::string path, Commands& commands);
  struct Client;
  void run();
  void accept_client();
  void serve(const Client& client);

  UniqueFd listener_;
  const std::string path_;
  Commands& commands_;
  std::atomic<bool> stopping_{false};
  std::vector<std::unique_ptr<Client>>
      clients_;  ///< touched by the control thread, after its end by the destructor
  std::jthread thread_;
};

/// Where the socket of a mount lives: /run/astrofs for root, $XDG_RUNTIME_DIR/astrofs, else the cache
/// directory; the name carries the pid.
[[nodiscard]] Result<std::string> control_socket_path(const std::string& cache_dir);

}  // namespace astrofs
