// What the kernel must hear about when the tree or a file changes behind its back. Returns at once; any
// thread.
#pragma once

#include <string>

#include "fs/inode.h"

namespace astrofs {

class Notices {
 public:
  virtual ~Notices() = default;
  /// `name` in `parent` is gone, new, or another content version than before.
  virtual void entry_changed(NodeId parent, std::string name) = 0;
  /// A name of `dir` is looked up and must be waited for; until it is answered the kernel holds the
  /// directory. True: it is being told of another name there, and with it everybody who comes now waits for
  /// that answer, where not even SIGKILL ends it.
  [[nodiscard]] virtual bool lookup_begins(NodeId) { return false; }
  virtual void lookup_ended(NodeId) {}
  /// The listing of `dir` changed.
  virtual void directory_changed(NodeId dir) = 0;
  /// Attributes of a file (how much of it is cached) changed. Never its bytes: a version's bytes do not
  /// change.
  virtual void attributes_changed(Inode inode) = 0;
};

}  // namespace astrofs
