// The half of ObjectBlocks that knows what is in the air: who brings which block, and who waits for it.
#include <algorithm>
#include <utility>

#include "cache/object_blocks.h"

namespace astrofs {
namespace {

/// A reader's first block does not wait behind more than this of a flight: at 20 MB/s it takes 13 ms, less
/// than the round trip that a flight of its own costs.
constexpr std::uint32_t kLongestLead = 256 * 1024 / kBlockSize;

}  // namespace

std::vector<FlightPlan> ObjectBlocks::launch(const std::vector<std::uint32_t>& blocks,
                                             const std::vector<std::uint32_t>& demanded,
                                             std::uint64_t largest_flight) {
  const auto longest =
      static_cast<std::uint32_t>(std::clamp<std::uint64_t>(largest_flight / kBlockSize, 1, 1U << 20U));
  const auto is_demanded = [&](std::uint32_t block) {
    return std::binary_search(demanded.begin(), demanded.end(), block);
  };
  // The first block waited for leads, then what else is waited for, then what may come in handy.
  std::vector<FlightPlan> plans;
  std::vector<FlightPlan> later;
  for (std::size_t at = 0; at < blocks.size();) {
    const std::uint32_t first = blocks[at];
    bool demand = is_demanded(first);
    std::size_t next = at + 1;
    while (next < blocks.size() && blocks[next] == blocks[next - 1] + 1 && blocks[next] - first < longest) {
      const bool waited_for = is_demanded(blocks[next]);
      const bool leads = version_.least_request == 0 && blocks[next] - first > kLongestLead;
      if (waited_for && !demand && leads) break;
      demand = demand || waited_for;
      ++next;
    }
    const FlightId id = next_flight_++;
    for (std::size_t i = at; i < next; ++i) air_[blocks[i]].flight = id;
    (demand ? plans : later).push_back({id, bytes_of({first, blocks[next - 1] + 1}, version_.size), demand});
    at = next;
  }
  plans.insert(plans.end(), later.begin(), later.end());
  return plans;
}

std::optional<std::vector<FlightPlan>> ObjectBlocks::park(const std::shared_ptr<Parked>& parked,
                                                          BlockSpan fetch, std::uint64_t largest_flight,
                                                          WaitTable& waits, std::unique_ptr<Waiter>& waiter) {
  const Assembly& assembly = parked->assembly;
  const BlockSpan own = assembly.blocks();
  std::vector<std::uint32_t> awaited;
  const MutexLock lock(mutex_);
  for (std::uint32_t block = own.first; block < own.last; ++block) {
    if (assembly.has(block)) continue;
    if (hash_of(block) != nullptr) return std::nullopt;
    if (const auto found = air_.find(block); found != air_.end() && !found->second.arrived.empty())
      return std::nullopt;
    awaited.push_back(block);
  }
  const BlockSpan all =
      fetch.empty() ? own : BlockSpan{std::min(own.first, fetch.first), std::max(own.last, fetch.last)};
  std::vector<std::uint32_t> fly;
  for (std::uint32_t block = all.first; block < all.last; ++block) {
    if (!wanted(block)) continue;
    if (fetch.contains(block) || (own.contains(block) && !assembly.has(block))) fly.push_back(block);
  }
  auto plans = launch(fly, awaited, largest_flight);
  for (const std::uint32_t block : awaited) {
    Airborne& airborne = air_[block];
    if (airborne.flight == 0) airborne.flight = streamed_by(block);
    airborne.waiters.push_back(parked);
  }
  waits.add(parked->id, std::move(waiter));
  return plans;
}

std::vector<FlightPlan> ObjectBlocks::plan(BlockSpan fetch, std::uint64_t largest_flight) {
  std::vector<std::uint32_t> fly;
  const MutexLock lock(mutex_);
  for (std::uint32_t block = fetch.first; block < fetch.last; ++block) {
    if (wanted(block)) fly.push_back(block);
  }
  return launch(fly, {}, largest_flight);
}

bool ObjectBlocks::widen(FlightId id, ByteRange asked, ByteRange arriving) {
  const MutexLock lock(mutex_);
  const auto covering = std::find_if(streams_.begin(), streams_.end(), [&](const Stream& stream) {
    return stream.arriving.contains(asked) && stream.position <= asked.offset;
  });
  if (covering != streams_.end()) {
    for (auto& [block, airborne] : air_) {
      if (airborne.flight == id) airborne.flight = covering->flight;
    }
    return false;
  }
  streams_.push_back({id, arriving, arriving.offset});
  return true;
}

BlockSpan ObjectBlocks::still_to_come(const Stream& stream) const {
  const auto first = static_cast<std::uint32_t>((stream.position + kBlockSize - 1) / kBlockSize);
  const auto last = static_cast<std::uint32_t>(stream.arriving.end() == version_.size
                                                   ? blocks_touching(stream.arriving).last
                                                   : stream.arriving.end() / kBlockSize);
  return {first, std::max(first, last)};
}

FlightId ObjectBlocks::streamed_by(std::uint32_t block) const {
  const auto stream =
      std::ranges::find_if(streams_, [&](const Stream& one) { return still_to_come(one).contains(block); });
  return stream == streams_.end() ? 0 : stream->flight;
}

ObjectBlocks::Arrival ObjectBlocks::arrive(FlightId id, const BlockRun& run) {
  Arrival arrival;
  const std::uint64_t begin = std::uint64_t{run.first} * kBlockSize;
  const MutexLock lock(mutex_);
  const auto stream = std::ranges::find(streams_, id, &Stream::flight);
  if (stream != streams_.end()) stream->position = begin + run.bytes.size();
  bool joins = false;  // the block before this one was taken too: one run, one write
  for (std::size_t at = 0; at < run.bytes.size(); at += kBlockSize) {
    const std::size_t length = std::min<std::size_t>(kBlockSize, run.bytes.size() - at);
    const auto block = static_cast<std::uint32_t>((begin + at) / kBlockSize);
    auto found = air_.find(block);
    if (found == air_.end() && stream != streams_.end() && hash_of(block) == nullptr) {
      found = air_.try_emplace(block).first;
      found->second.flight = id;
    }
    if (found == air_.end() || found->second.flight != id || !found->second.arrived.empty()) {
      joins = false;
      continue;
    }
    found->second.arrived = run.bytes.slice(at, length);
    arrival.bytes += length;
    if (joins) {
      const std::size_t from = std::size_t{arrived_.back().first - run.first} * kBlockSize;
      arrived_.back().bytes = run.bytes.slice(from, at + length - from);
    } else {
      arrived_.push_back({block, found->second.arrived});
    }
    joins = true;
  }
  if (arrival.bytes != 0 && !landing_) arrival.schedule = landing_ = true;
  return arrival;
}

ObjectBlocks::Ended ObjectBlocks::end(FlightId id, bool again, std::uint64_t largest_flight) {
  Ended ended;
  std::vector<std::uint32_t> retry;
  const MutexLock lock(mutex_);
  if (const auto stream = std::ranges::find(streams_, id, &Stream::flight); stream != streams_.end()) {
    ended.lost = still_to_come(*stream);
    streams_.erase(stream);
  }
  for (auto it = air_.begin(); it != air_.end();) {
    Airborne& airborne = it->second;
    if (airborne.flight != id || !airborne.arrived.empty()) {
      ++it;
    } else if (again && !airborne.waiters.empty()) {
      retry.push_back(it->first);
      ++it;
    } else {
      ended.lost = ended.lost.empty() ? BlockSpan{it->first, it->first + 1}
                                      : BlockSpan{std::min(ended.lost.first, it->first),
                                                  std::max(ended.lost.last, it->first + 1)};
      for (auto& parked : airborne.waiters) ended.failed.push_back(std::move(parked));
      it = air_.erase(it);
    }
  }
  std::sort(retry.begin(), retry.end());
  ended.again = launch(retry, retry, largest_flight);
  return ended;
}

void ObjectBlocks::note_failure(BlockSpan blocks, const Error& error, std::chrono::milliseconds hold) {
  const MutexLock lock(mutex_);
  failures_.note(blocks, error, std::chrono::steady_clock::now(), hold);
}

std::optional<Error> ObjectBlocks::recent_failure(const Assembly& assembly) const {
  const BlockSpan own = assembly.blocks();
  const MutexLock lock(mutex_);
  if (failures_.empty()) return std::nullopt;
  const SteadyTime now = std::chrono::steady_clock::now();
  for (std::uint32_t block = own.first; block < own.last; ++block) {
    if (assembly.has(block) || air_.contains(block) || streamed_by(block) != 0) continue;
    if (auto error = failures_.of(block, now)) return error;
  }
  return std::nullopt;
}

}  // namespace astrofs
