// Tells the kernel, from a thread of its own that holds no lock of anybody.
//
// fuse_lowlevel_notify_* must never run inside a request, and notify_inval_inode of a byte range blocks while a read of that inode is
// pending, with a thread that not even SIGKILL frees. So files are told attributes only (offset -1); their bytes never
// change under one inode number anyway.
#pragma once

#include <condition_variable>
#include <deque>
#include <thread>
#include <variant>

#include "base/mutex.h"
#include "fs/notices.h"

struct fuse_session;

namespace astrofs {

class Notifier final : public Notices {
 public:
  Notifier();
  ~Notifier() override;

  /// From here on the kernel is told; before, and after detach(), notices are dropped. detach() waits for the one being told.
  void attach(fuse_session* session);
  void detach();

  void entry_changed(NodeId parent, std::string name) override;
  void directory_changed(NodeId dir) override;
  void attributes_changed(Inode inode) override;

 private:
  struct EntryNotice {
    NodeId parent;
    std::string name;
  };
  struct InodeNotice {
    Inode inode;
    bool pages;
  };
  using Notice = std::variant<EntryNotice, InodeNotice>;
  void push(Notice notice);
  void run();
  void tell(fuse_session& session, const Notice& notice);

  Mutex mutex_;
  std::condition_variable wake_;
  std::deque<Notice> queue_ GUARDED_BY(mutex_);
  fuse_session* session_ GUARDED_BY(mutex_){nullptr};
  bool telling_ GUARDED_BY(mutex_){false};
  bool stopping_ GUARDED_BY(mutex_){false};
  std::jthread thread_;
};

}  // namespace astrofs
