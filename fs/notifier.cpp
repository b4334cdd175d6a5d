#include "fs/notifier.h"

#define FUSE_USE_VERSION 314
#include <fuse3/fuse_lowlevel.h>

#include "base/executor.h"

namespace astrofs {
namespace {

/// A listing of 10^6 changed names must not pile up here; what is dropped expires by its time-out.
constexpr std::size_t kLongestQueue = 65'536;

}  // namespace

Notifier::Notifier() : thread_([this] { run(); }) {}

Notifier::~Notifier() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
}

void Notifier::attach(fuse_session* session) {
  const MutexLock lock(mutex_);
  session_ = session;
}

void Notifier::detach() {
  MutexLock lock(mutex_);
  session_ = nullptr;
  queue_.clear();
  while (telling_) lock.wait(wake_);
}

void Notifier::entry_changed(NodeId parent, std::string name) { push(EntryNotice{parent, std::move(name)}); }
void Notifier::directory_changed(NodeId dir) { push(InodeNotice{dir, true}); }
void Notifier::attributes_changed(Inode inode) { push(InodeNotice{inode, false}); }

void Notifier::push(Notice notice) {
  {
    const MutexLock lock(mutex_);
    if (session_ == nullptr || queue_.size() >= kLongestQueue) return;
    queue_.push_back(std::move(notice));
  }
  wake_.notify_all();
}

void Notifier::run() {
  name_this_thread("notify");
  for (;;) {
    Notice notice;
    fuse_session* session = nullptr;
    {
      MutexLock lock(mutex_);
      telling_ = false;
      wake_.notify_all();
      while (queue_.empty() && !stopping_) lock.wait(wake_);
      if (stopping_) return;
      notice = std::move(queue_.front());
      queue_.pop_front();
      session = session_;
      telling_ = session != nullptr;
    }
    if (session != nullptr) tell(*session, notice);
  }
}

void Notifier::tell(fuse_session& session, const Notice& notice) {
  // ENOENT only means that the kernel does not know the name or inode: nothing to forget.
  if (const auto* entry = std::get_if<EntryNotice>(&notice)) {
    (void)fuse_lowlevel_notify_inval_entry(&session, entry->parent, entry->name.c_str(), entry->name.size());
  } else {
    const auto& inode = std::get<InodeNotice>(notice);
    (void)fuse_lowlevel_notify_inval_inode(&session, inode.inode, inode.pages ? 0 : -1, 0);
  }
}

}  // namespace astrofs
