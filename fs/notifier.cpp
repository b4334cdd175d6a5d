#include "fs/notifier.h"

#include <algorithm>
#include <iterator>

#include "base/executor.h"
#include "base/log.h"

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

void Notifier::attach(std::function<void(const Notice&)> tell) {
  const MutexLock lock(mutex_);
  tell_ = std::move(tell);
}

void Notifier::detach() {
  MutexLock lock(mutex_);
  tell_ = nullptr;
  queue_.clear();
  for (auto& [dir, busy] : busy_) busy.held.clear();
  while (telling_) lock.wait(wake_);
}

void Notifier::entry_changed(NodeId parent, std::string name) {
  push(EntryNotice{parent, std::move(name)});
}
bool Notifier::lookup_begins(NodeId dir) {
  const MutexLock lock(mutex_);
  ++busy_[dir].lookups;
  return telling_ && told_dir_ == dir;
}
void Notifier::lookup_ended(NodeId dir) {
  {
    const MutexLock lock(mutex_);
    const auto busy = busy_.find(dir);
    if (busy == busy_.end() || --busy->second.lookups > 0) return;
    std::ranges::move(busy->second.held, std::back_inserter(queue_));
    busy_.erase(busy);
  }
  wake_.notify_all();
}
void Notifier::directory_changed(NodeId dir) {
  push(InodeNotice{dir, true});
}
void Notifier::attributes_changed(Inode inode) {
  push(InodeNotice{inode, false});
}

void Notifier::push(Notice notice) {
  {
    const MutexLock lock(mutex_);
    if (!tell_) return;
    const bool overflows = queue_.size() >= kLongestQueue;
    if (overflows && !overflowed_) {
      log::warning("the kernel is behind with what has changed; some old names show for up to an hour");
    }
    // Said once until the kernel has caught up: one that takes a few at a time is behind all the while.
    overflowed_ = overflows || (overflowed_ && !queue_.empty());
    if (overflows) return;
    queue_.push_back(std::move(notice));
  }
  wake_.notify_all();
}

void Notifier::run() {
  name_this_thread("notify");
  for (;;) {
    Notice notice;
    std::function<void(const Notice&)> tell;
    {
      MutexLock lock(mutex_);
      telling_ = false;
      wake_.notify_all();
      while (queue_.empty() && !stopping_) lock.wait(wake_);
      if (stopping_) return;
      notice = std::move(queue_.front());
      queue_.pop_front();
      const auto* entry = std::get_if<EntryNotice>(&notice);
      if (const auto busy = entry != nullptr ? busy_.find(entry->parent) : busy_.end(); busy != busy_.end()) {
        if (busy->second.held.size() < kLongestQueue) busy->second.held.push_back(std::move(notice));
        continue;
      }
      tell = tell_;
      telling_ = tell != nullptr;
      told_dir_ = entry != nullptr ? entry->parent : 0;
    }
    if (tell) tell(notice);
  }
}

}  // namespace astrofs
