#include "cache/waits.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace astrofs {

BlockSpan blocks_touching(ByteRange range) {
  if (range.empty()) return {};
  return {static_cast<std::uint32_t>(range.offset / kBlockSize),
          static_cast<std::uint32_t>((range.end() + kBlockSize - 1) / kBlockSize)};
}

ByteRange bytes_of(BlockSpan blocks, std::uint64_t size) {
  const std::uint64_t first = std::uint64_t{blocks.first} * kBlockSize;
  return ByteRange::between(first, std::min(std::uint64_t{blocks.last} * kBlockSize, size));
}

Assembly::Assembly(ByteRange range, std::uint64_t size)
    : range_(range),
      size_(size),
      blocks_(blocks_touching(range)),
      buffer_(std::make_shared<Buffer>(bytes_of(blocks_, size).length)),
      have_(blocks_.count(), false),
      missing_(blocks_.count()) {}

std::span<std::byte> Assembly::place(BlockSpan blocks) {
  const ByteRange at = bytes_of(blocks, size_);
  return std::span<std::byte>(*buffer_).subspan(at.offset - std::uint64_t{blocks_.first} * kBlockSize,
                                                at.length);
}

void Assembly::mark(std::uint32_t block) {
  if (has(block)) return;
  have_[block - blocks_.first] = true;
  --missing_;
}

void Assembly::put(std::uint32_t block, std::span<const std::byte> bytes) {
  const std::span<std::byte> place_of = place({block, block + 1});
  assert(place_of.size() == bytes.size());
  std::memcpy(place_of.data(), bytes.data(), bytes.size());
  mark(block);
}

Bytes Assembly::result() const {
  assert(complete());
  const std::uint64_t lead = range_.offset - std::uint64_t{blocks_.first} * kBlockSize;
  return Bytes(buffer_, std::span<const std::byte>(*buffer_).subspan(lead, range_.length));
}

WaitId WaitTable::reserve() {
  const MutexLock lock(mutex_);
  return next_++;
}

void WaitTable::add(WaitId id, std::unique_ptr<Waiter> waiter) {
  const MutexLock lock(mutex_);
  waiting_.emplace(id, std::move(waiter));
}

std::unique_ptr<Waiter> WaitTable::take(WaitId id) {
  const MutexLock lock(mutex_);
  const auto found = waiting_.find(id);
  if (found == waiting_.end()) return nullptr;
  std::unique_ptr<Waiter> waiter = std::move(found->second);
  waiting_.erase(found);
  return waiter;
}

std::vector<std::unique_ptr<Waiter>> WaitTable::take_all() {
  const MutexLock lock(mutex_);
  std::vector<std::unique_ptr<Waiter>> all;
  all.reserve(waiting_.size());
  for (auto& [id, waiter] : waiting_) all.push_back(std::move(waiter));
  waiting_.clear();
  return all;
}

std::size_t WaitTable::size() const {
  const MutexLock lock(mutex_);
  return waiting_.size();
}

}  // namespace astrofs
