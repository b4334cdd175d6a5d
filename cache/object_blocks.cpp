#include "cache/object_blocks.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace astrofs {
namespace {

constexpr std::uint32_t chunk_of(std::uint32_t block) {
  return block / kBlocksPerChunk;
}
constexpr std::uint64_t bit_of(std::uint32_t block) {
  return std::uint64_t{1} << (block % kBlocksPerChunk);
}

BlockSpan blocks_of(const BlockRun& run) {
  const std::uint64_t count = (run.bytes.size() + kBlockSize - 1) / kBlockSize;
  return {run.first, run.first + static_cast<std::uint32_t>(count)};
}

Bytes block_in(const BlockRun& run, std::uint32_t block) {
  const std::size_t at = std::size_t{block - run.first} * kBlockSize;
  return run.bytes.slice(at, std::min<std::size_t>(kBlockSize, run.bytes.size() - at));
}

/// To the last range, when it goes on where that ends.
void append(std::vector<ByteRange>& ranges, ByteRange next) {
  if (!ranges.empty() && ranges.back().end() == next.offset) {
    ranges.back().length += next.length;
  } else {
    ranges.push_back(next);
  }
}

}  // namespace

bool ObjectBlocks::load(const Catalog& catalog, BlockSpan blocks) {
  if (blocks.empty()) return true;
  std::vector<std::uint32_t> unknown;
  {
    const MutexLock lock(mutex_);
    if (evicting_) return false;
    for (std::uint32_t chunk = chunk_of(blocks.first); chunk <= chunk_of(blocks.last - 1); ++chunk) {
      const auto known = chunks_.find(chunk);
      if (known == chunks_.end() || known->second.doubtful) unknown.push_back(chunk);
    }
  }
  for (const std::uint32_t number : unknown) {
    // An index that cannot be read costs a fetch.
    const auto stored = catalog.blocks(version_.object, number);
    const MutexLock lock(mutex_);
    const auto [at, is_new] = chunks_.try_emplace(number);
    Chunk& chunk = at->second;
    if (!is_new && !chunk.doubtful) continue;  // who was first has seen what happened since
    chunk.doubtful = !stored;
    if (!stored) continue;
    for (std::size_t i = 0; i < std::min(stored->hashes.size(), chunk.hashes.size()); ++i) {
      if ((chunk.present >> i & 1U) == 0) chunk.hashes[i] = stored->hashes[i];
    }
    chunk.present |= stored->present;
  }
  return true;
}

bool ObjectBlocks::load_stored(const Catalog& catalog) {
  std::vector<std::uint32_t> unknown;
  bool ask = false;
  {
    const MutexLock lock(mutex_);
    if (evicting_) return false;
    ask = !all_loaded_;
    for (const auto& [number, chunk] : chunks_) {
      if (chunk.doubtful) unknown.push_back(number);
    }
  }
  if (ask) {
    const auto stored = catalog.stored_chunks(version_.object);
    if (!stored) return true;  // it costs a fetch
    unknown.insert(unknown.end(), stored->begin(), stored->end());
  }
  for (const std::uint32_t chunk : unknown) {
    const std::uint32_t first = chunk * kBlocksPerChunk;
    if (!load(catalog, {first, first + 1})) return false;
  }
  const MutexLock lock(mutex_);
  all_loaded_ = !evicting_;
  return all_loaded_;
}

void ObjectBlocks::eviction_ended() {
  const MutexLock lock(mutex_);
  evicting_ = false;
  all_loaded_ = false;
  chunks_.clear();
}

const std::uint64_t* ObjectBlocks::hash_of(std::uint32_t block) const {
  const auto found = chunks_.find(chunk_of(block));
  if (found == chunks_.end() || (found->second.present & bit_of(block)) == 0) return nullptr;
  return &found->second.hashes[block % kBlocksPerChunk];
}

bool ObjectBlocks::wanted(std::uint32_t block) const {
  return hash_of(block) == nullptr && !air_.contains(block) && streamed_by(block) == 0;
}

ObjectBlocks::Found ObjectBlocks::find(const Assembly& assembly) const {
  Found found;
  const MutexLock lock(mutex_);
  for (std::uint32_t block = assembly.blocks().first; block < assembly.blocks().last; ++block) {
    if (assembly.has(block)) continue;
    if (const std::uint64_t* hash = hash_of(block)) {
      found.disk.push_back({block, *hash});
    } else if (const auto in_air = air_.find(block);
               in_air != air_.end() && !in_air->second.arrived.empty()) {
      found.memory.push_back({block, in_air->second.arrived});
    }
  }
  return found;
}

std::vector<std::uint32_t> ObjectBlocks::forget(std::span<const std::uint32_t> blocks) {
  std::vector<std::uint32_t> forgotten;
  const MutexLock lock(mutex_);
  for (const std::uint32_t block : blocks) {
    if (hash_of(block) == nullptr) continue;
    take_out(block);
    forgotten.push_back(block);
  }
  return forgotten;
}

void ObjectBlocks::unload(std::span<const std::uint32_t> blocks) {
  const MutexLock lock(mutex_);
  for (const std::uint32_t block : blocks) {
    if (hash_of(block) != nullptr) take_out(block).doubtful = true;
  }
}

ObjectBlocks::Chunk& ObjectBlocks::take_out(std::uint32_t block) {
  Chunk& chunk = chunks_[chunk_of(block)];
  chunk.present &= ~bit_of(block);
  chunk.checked &= ~bit_of(block);
  chunk.touched &= ~bit_of(block);
  return chunk;
}

void ObjectBlocks::checked(std::span<const IndexWriter::BlockHash> blocks) {
  const MutexLock lock(mutex_);
  for (const auto& [block, hash] : blocks) {
    const std::uint64_t* known = hash_of(block);
    if (known == nullptr || *known != hash) continue;
    Chunk& chunk = chunks_[chunk_of(block)];
    chunk.checked |= bit_of(block);
    chunk.touched |= bit_of(block);
  }
}

std::uint64_t ObjectBlocks::bytes_in(std::uint64_t Chunk::*set) const {
  std::uint64_t blocks = 0;
  for (const auto& [number, chunk] : chunks_) blocks += static_cast<std::uint64_t>(std::popcount(chunk.*set));
  std::uint64_t bytes = blocks * kBlockSize;
  const std::uint64_t tail = version_.size % kBlockSize;
  const auto last = static_cast<std::uint32_t>(version_.size / kBlockSize);
  const auto chunk = chunks_.find(chunk_of(last));
  if (tail != 0 && chunk != chunks_.end() && (chunk->second.*set & bit_of(last)) != 0)
    bytes -= kBlockSize - tail;
  return bytes;
}

std::uint64_t ObjectBlocks::present_bytes() const {
  const MutexLock lock(mutex_);
  return bytes_in(&Chunk::present);
}

std::uint64_t ObjectBlocks::checked_bytes() const {
  const MutexLock lock(mutex_);
  return bytes_in(&Chunk::checked);
}

std::uint64_t ObjectBlocks::touched_bytes() const {
  const MutexLock lock(mutex_);
  return bytes_in(&Chunk::touched);
}

void ObjectBlocks::distrust() {
  const MutexLock lock(mutex_);
  for (auto& [number, chunk] : chunks_) chunk.checked = chunk.touched = 0;
}

std::vector<ByteRange> ObjectBlocks::unchecked_ranges() const {
  std::vector<ByteRange> ranges;
  const BlockSpan blocks = blocks_touching({0, version_.size});
  const MutexLock lock(mutex_);
  for (std::uint32_t block = blocks.first; block < blocks.last; ++block) {
    const auto chunk = chunks_.find(chunk_of(block));
    if (chunk == chunks_.end() || (chunk->second.present & ~chunk->second.checked & bit_of(block)) == 0)
      continue;
    append(ranges, bytes_of({block, block + 1}, version_.size));
  }
  return ranges;
}

bool ObjectBlocks::complete(const Catalog& catalog) {
  const BlockSpan all = blocks_touching({0, version_.size});
  {
    const MutexLock lock(mutex_);
    const bool gap = std::ranges::any_of(chunks_, [&](const auto& row) {
      const std::uint32_t blocks = std::min(all.last - row.first * kBlocksPerChunk, kBlocksPerChunk);
      return !row.second.doubtful && static_cast<std::uint32_t>(std::popcount(row.second.present)) < blocks;
    });
    if (gap) return false;
  }
  return load_stored(catalog) && present_bytes() == version_.size;
}

std::vector<ByteRange> ObjectBlocks::present_ranges(ByteRange within) const {
  std::vector<ByteRange> ranges;
  const BlockSpan blocks = blocks_touching(within);
  const MutexLock lock(mutex_);
  for (std::uint32_t block = blocks.first; block < blocks.last; ++block) {
    if (hash_of(block) == nullptr) continue;
    append(ranges, bytes_of({block, block + 1}, version_.size).intersect(within));
  }
  return ranges;
}

std::vector<BlockRun> ObjectBlocks::take_arrived(std::uint64_t bytes) {
  std::vector<BlockRun> batch;
  std::uint64_t taken = 0;
  const MutexLock lock(mutex_);
  while (!arrived_.empty() && taken < bytes) {
    taken += arrived_.front().bytes.size();
    batch.push_back(std::move(arrived_.front()));
    arrived_.pop_front();
  }
  if (batch.empty()) landing_ = false;
  return batch;
}

std::vector<ObjectBlocks::Delivery> ObjectBlocks::deliveries(const std::vector<BlockRun>& runs) {
  std::vector<Delivery> all;
  const MutexLock lock(mutex_);
  for (const BlockRun& run : runs) {
    const BlockSpan blocks = blocks_of(run);
    for (std::uint32_t block = blocks.first; block < blocks.last; ++block) {
      const auto in_air = air_.find(block);
      if (in_air == air_.end()) continue;
      for (auto& parked : std::exchange(in_air->second.waiters, {})) {
        all.push_back({std::move(parked), block, block_in(run, block)});
      }
    }
  }
  return all;
}

void ObjectBlocks::settle(const std::vector<BlockRun>& runs,
                          const std::vector<IndexWriter::BlockHash>& landed) {
  std::vector<Bytes> freed;  // buffers go back after the lock
  const MutexLock lock(mutex_);
  for (const auto& [block, hash] : landed) {
    Chunk& chunk = chunks_[chunk_of(block)];  // loaded by the job before it wrote
    chunk.hashes[block % kBlocksPerChunk] = hash;
    chunk.present |= bit_of(block);
    chunk.checked &= ~bit_of(block);  // what was written has yet to be read
    chunk.touched |= bit_of(block);
  }
  for (const BlockRun& run : runs) {
    const BlockSpan blocks = blocks_of(run);
    for (std::uint32_t block = blocks.first; block < blocks.last; ++block) {
      if (auto node = air_.extract(block)) freed.push_back(std::move(node.mapped().arrived));
    }
  }
}

}  // namespace astrofs
