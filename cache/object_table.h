// The objects this process has in mind: those open, those in use, and a bounded number of idle ones, so that
// a file that is opened again needs neither the index nor the commit of what was just fetched. Owned by
// BlockCache; any thread.
#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <memory>

#include "base/mutex.h"
#include "cache/object_blocks.h"

namespace astrofs {

class ObjectTable {
 public:
  /// The object, made when it is not in mind.
  [[nodiscard]] std::shared_ptr<ObjectBlocks> get(const FileVersion& version) EXCLUDES(mutex_);
  [[nodiscard]] std::shared_ptr<ObjectBlocks> find(const Hash128& id) const EXCLUDES(mutex_);
  void open(const FileVersion& version) EXCLUDES(mutex_);
  void close(const Hash128& id) EXCLUDES(mutex_);
  [[nodiscard]] bool opened(const Hash128& id) const EXCLUDES(mutex_);
  /// Open, or in use by a reader, a flight or a landing.
  [[nodiscard]] bool busy(const Hash128& id) const EXCLUDES(mutex_);
  /// From now on nothing of the object is known or kept, until eviction_ended() of what is returned. Null:
  /// busy.
  [[nodiscard]] std::shared_ptr<ObjectBlocks> begin_eviction(const FileVersion& version) EXCLUDES(mutex_);

 private:
  struct Entry {
    std::shared_ptr<ObjectBlocks> object;
    unsigned opened{0};
    std::list<Hash128>::iterator place;
  };
  [[nodiscard]] Entry& entry(const FileVersion& version) REQUIRES(mutex_);
  void forget_idle() REQUIRES(mutex_);
  [[nodiscard]] static bool in_use(const Entry& entry);

  mutable Mutex mutex_;
  std::map<Hash128, Entry> entries_ GUARDED_BY(mutex_);
  std::list<Hash128> by_use_ GUARDED_BY(mutex_);  ///< oldest first
  std::size_t opened_ GUARDED_BY(mutex_){0};      ///< entries that are open
};

}  // namespace astrofs
