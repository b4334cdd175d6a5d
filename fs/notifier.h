// Tells the kernel, from a thread of its own that holds no lock of anybody.
//
// fuse_lowlevel_notify_* must never run inside a request, and notify_inval_inode of a byte range blocks while
// a read of that inode is pending, with a thread that not even SIGKILL frees. So files are told attributes
// only (offset -1); their bytes never change under one inode number anyway. A notice of a name waits in the
// kernel for the lookups that are under way in its directory, and further lookups there wait for it, where
// SIGKILL reaches nobody: so it is held back while one of them waits here, and
// one that comes while it is told is answered at once.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <unordered_map>
#include <variant>

#include "base/mutex.h"
#include "fs/notices.h"

namespace astrofs {

/// A name the kernel shall look up again.
struct EntryNotice {
  NodeId parent;
  std::string name;
};
/// An inode whose attributes it shall ask for again, and, for a directory, its entries too.
struct InodeNotice {
  Inode inode;
  bool entries;
};
using Notice = std::variant<EntryNotice, InodeNotice>;

class Notifier final : public Notices {
 public:
  Notifier();
  ~Notifier() override;

  /// From here on `tell` hears every notice, one at a time; before, and after detach(), notices are dropped.
  /// detach() waits for the one being told.
  void attach(std::function<void(const Notice&)> tell);
  void detach();

  void entry_changed(NodeId parent, std::string name) override;
  [[nodiscard]] bool lookup_begins(NodeId dir) override;
  void lookup_ended(NodeId dir) override;
  void directory_changed(NodeId dir) override;
  void attributes_changed(Inode inode) override;

 private:
  void push(Notice notice);
  void run();

  Mutex mutex_;
  std::condition_variable wake_;
  std::deque<Notice> queue_ GUARDED_BY(mutex_);
  /// Directories of which names are being looked up.
  struct Busy {
    std::size_t lookups{0};
    std::deque<Notice> held;  ///< of its names
  };
  std::unordered_map<NodeId, Busy> busy_ GUARDED_BY(mutex_);
  std::function<void(const Notice&)> tell_ GUARDED_BY(mutex_);
  bool telling_ GUARDED_BY(mutex_){false};
  NodeId told_dir_ GUARDED_BY(mutex_){0};  ///< whose name it is being told, or 0
  bool stopping_ GUARDED_BY(mutex_){false};
  bool overflowed_ GUARDED_BY(mutex_){false};  ///< and said so
  std::jthread thread_;
};

}  // namespace astrofs
