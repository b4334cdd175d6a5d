#include "cache/object_table.h"

#include <cassert>

namespace astrofs {
namespace {

/// An idle 35 MB frame takes 18 KB; a sweep over a camera returns to a few hundred files.
constexpr std::size_t kIdleObjects = 512;

}  // namespace

/// Copies of the pointer are made under the table's lock or from copies that exist: one that is alone here
/// stays alone.
bool ObjectTable::in_use(const Entry& entry) {
  return entry.opened > 0 || entry.object.use_count() > 1;
}

ObjectTable::Entry& ObjectTable::entry(const FileVersion& version) {
  if (const auto found = entries_.find(version.object); found != entries_.end()) {
    by_use_.splice(by_use_.end(), by_use_, found->second.place);
    return found->second;
  }
  forget_idle();
  by_use_.push_back(version.object);
  Entry fresh{std::make_shared<ObjectBlocks>(version, false), 0, std::prev(by_use_.end())};
  return entries_.emplace(version.object, std::move(fresh)).first->second;
}

void ObjectTable::forget_idle() {
  for (auto it = by_use_.begin(); it != by_use_.end() && entries_.size() >= opened_ + kIdleObjects;) {
    const auto found = entries_.find(*it);
    if (in_use(found->second)) {
      ++it;
    } else {
      entries_.erase(found);
      it = by_use_.erase(it);
    }
  }
}

std::shared_ptr<ObjectBlocks> ObjectTable::get(const FileVersion& version) {
  const MutexLock lock(mutex_);
  return entry(version).object;
}

std::shared_ptr<ObjectBlocks> ObjectTable::find(const Hash128& id) const {
  const MutexLock lock(mutex_);
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : found->second.object;
}

void ObjectTable::open(const FileVersion& version) {
  const MutexLock lock(mutex_);
  if (entry(version).opened++ == 0) ++opened_;
}

void ObjectTable::close(const Hash128& id) {
  const MutexLock lock(mutex_);
  const auto found = entries_.find(id);
  assert(found != entries_.end() && found->second.opened > 0 && "close() without open()");
  if (--found->second.opened == 0) --opened_;
}

bool ObjectTable::opened(const Hash128& id) const {
  const MutexLock lock(mutex_);
  const auto found = entries_.find(id);
  return found != entries_.end() && found->second.opened > 0;
}

bool ObjectTable::busy(const Hash128& id) const {
  const MutexLock lock(mutex_);
  const auto found = entries_.find(id);
  return found != entries_.end() && in_use(found->second);
}

std::shared_ptr<ObjectBlocks> ObjectTable::begin_eviction(const FileVersion& version) {
  const MutexLock lock(mutex_);
  Entry& current = entry(version);
  if (in_use(current)) return nullptr;
  current.object = std::make_shared<ObjectBlocks>(version, true);
  return current.object;
}

}  // namespace astrofs
