// Readers that wait: what each has of its bytes so far, and the table that decides who may answer it.
// Owned by BlockCache. WaitTable: any thread. Assembly: its reader until parked, then the one job that lands
// the object's blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/mutex.h"
#include "cache/block_cache.h"

namespace astrofs {

/// Blocks [first, last) of an object.
struct BlockSpan {
  std::uint32_t first{0};
  std::uint32_t last{0};

  [[nodiscard]] bool empty() const { return first >= last; }
  [[nodiscard]] std::uint32_t count() const { return empty() ? 0 : last - first; }
  [[nodiscard]] bool contains(std::uint32_t block) const { return first <= block && block < last; }
};

/// Every block that has a byte of `range`.
[[nodiscard]] BlockSpan blocks_touching(ByteRange range);
/// The blocks' bytes in a file of `size`: the last block ends with the file.
[[nodiscard]] ByteRange bytes_of(BlockSpan blocks, std::uint64_t size);

/// The bytes of one read, put together block by block from disk, memory and flights; whole blocks, so that
/// one read from disk fills it and its hashes can be checked in place.
class Assembly {
 public:
  Assembly(ByteRange range, std::uint64_t size);

  [[nodiscard]] BlockSpan blocks() const { return blocks_; }
  [[nodiscard]] bool has(std::uint32_t block) const { return have_[block - blocks_.first]; }
  [[nodiscard]] bool complete() const { return missing_ == 0; }
  [[nodiscard]] std::uint32_t missing() const { return missing_; }
  /// Where the blocks' bytes belong.
  [[nodiscard]] std::span<std::byte> place(BlockSpan blocks);
  void mark(std::uint32_t block);
  void put(std::uint32_t block, std::span<const std::byte> bytes);
  /// The bytes asked for, once complete.
  [[nodiscard]] Bytes result() const;

 private:
  ByteRange range_;
  std::uint64_t size_;
  BlockSpan blocks_;
  std::shared_ptr<Buffer> buffer_;
  std::vector<bool> have_;
  std::uint32_t missing_;
};

struct Parked {
  Parked(WaitId wait, Assembly gathered) : id(wait), assembly(std::move(gathered)) {}
  WaitId id;
  Assembly assembly;
};

/// Whoever takes a waiter out of the table answers it: exactly once, whatever races.
class WaitTable {
 public:
  [[nodiscard]] WaitId reserve() EXCLUDES(mutex_);
  void add(WaitId id, std::unique_ptr<Waiter> waiter) EXCLUDES(mutex_);
  /// Null: answered or cancelled already.
  [[nodiscard]] std::unique_ptr<Waiter> take(WaitId id) EXCLUDES(mutex_);
  [[nodiscard]] std::vector<std::unique_ptr<Waiter>> take_all() EXCLUDES(mutex_);
  [[nodiscard]] std::size_t size() const EXCLUDES(mutex_);

 private:
  mutable Mutex mutex_;
  WaitId next_ GUARDED_BY(mutex_){1};
  std::unordered_map<WaitId, std::unique_ptr<Waiter>> waiting_ GUARDED_BY(mutex_);
};

}  // namespace astrofs
