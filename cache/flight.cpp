#include "cache/flight.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace astrofs {
namespace {

/// Buffers are made of so many bytes: eight blocks are one write to disk, and a flight that stalls holds no
/// more than this.
constexpr std::uint64_t kSegment = 8 * kBlockSize;

/// Holds the cache for the length of a call, if it is still there.
class HostCall {
 public:
  explicit HostCall(std::shared_ptr<FlightHost> host) : host_(std::move(host)) {
    if (host_ && !host_->enter()) host_.reset();
  }
  ~HostCall() {
    if (host_) host_->leave();
  }
  HostCall(const HostCall&) = delete;
  HostCall& operator=(const HostCall&) = delete;
  explicit operator bool() const { return host_ != nullptr; }
  FlightHost* operator->() const { return host_.get(); }

 private:
  std::shared_ptr<FlightHost> host_;
};

}  // namespace

bool Flight::begin(ByteRange arriving, std::function<void()> resume) {
  const HostCall host(host_.lock());
  if (!host) return false;
  if (begun_ || !arriving.contains(plan_.range) || arriving.end() > object_->version().size) {
    misbehaved_ = true;
    return false;
  }
  resume_ = std::move(resume);
  return begin_with(arriving);
}

bool Flight::begin_with(ByteRange arriving) {
  if (arriving != plan_.range && !object_->widen(plan_.id, plan_.range, arriving)) {
    handed_over_ = true;
    return false;
  }
  const std::uint64_t size = object_->version().size;
  arriving_ = arriving;
  position_ = arriving.offset;
  first_useful_ = (arriving.offset + kBlockSize - 1) / kBlockSize * kBlockSize;
  last_useful_ = arriving.end() == size ? size : arriving.end() / kBlockSize * kBlockSize;
  begun_ = true;
  return true;
}

Sink::Flow Flight::data(std::uint64_t offset, std::span<const std::byte> data) {
  const HostCall host(host_.lock());
  if (!host) return Flow::stop;
  if (!begun_ || offset != position_ || data.size() > arriving_.end() - position_) {
    misbehaved_ = true;
    return Flow::stop;
  }
  if (!host->memory().take(data.size(), resume_)) return Flow::pause;
  copy(host->memory(), data);
  if (std::exchange(schedule_, false)) host->arrived(object_);
  return Flow::proceed;
}

void Flight::copy(MemoryBudget& memory, std::span<const std::byte> data) {
  while (!data.empty()) {
    std::size_t length = 0;
    if (position_ < first_useful_ || position_ >= last_useful_) {
      const std::uint64_t until = position_ < first_useful_ ? first_useful_ : arriving_.end();
      length = static_cast<std::size_t>(std::min<std::uint64_t>(data.size(), until - position_));
      memory.dropped(length);
    } else {
      if (!segment_) open_segment();
      length = std::min(data.size(), segment_->size() - filled_);
      std::memcpy(segment_->data() + filled_, data.data(), length);
      filled_ += length;
    }
    position_ += length;
    data = data.subspan(length);
    if (segment_) schedule_ = deliver(memory) || schedule_;
  }
}

void Flight::open_segment() {
  segment_begin_ = position_;
  segment_ = std::make_shared<Buffer>(std::min(kSegment, last_useful_ - position_));
  filled_ = delivered_ = 0;
}

/// Hands whole blocks to the object. True: somebody must land them.
bool Flight::deliver(MemoryBudget& memory) {
  // A full segment ends with a block: with a whole one, or with the last of the file.
  const std::size_t whole = filled_ == segment_->size() ? filled_ : filled_ / kBlockSize * kBlockSize;
  ObjectBlocks::Arrival arrival;
  if (whole > delivered_) {
    const std::size_t length = whole - delivered_;
    const BlockRun run{static_cast<std::uint32_t>((segment_begin_ + delivered_) / kBlockSize),
                       Bytes(segment_, std::span<const std::byte>(*segment_).subspan(delivered_, length))};
    memory.queue(length);  // before they can be seen, and drained
    arrival = object_->arrive(plan_.id, run);
    memory.drained(length - arrival.bytes);
    delivered_ = whole;
  }
  if (filled_ == segment_->size()) {
    segment_.reset();
    filled_ = delivered_ = 0;
  }
  return arrival.schedule;
}

Result<void> Flight::judge(Result<void> result) const {
  if (misbehaved_) {
    return fail(Errc::corrupt, fmt::format("the source answered bytes {}+{} with other bytes than announced",
                                           plan_.range.offset, plan_.range.length));
  }
  if (result && (!begun_ || position_ != arriving_.end())) {
    return fail(Errc::corrupt, fmt::format("the source ended at byte {} of {} without an error", position_,
                                           arriving_.end()));
  }
  return result;
}

void Flight::end(Result<void> result) {
  const HostCall host(host_.lock());
  if (!host) return;
  host->memory().dropped(filled_ - delivered_);
  segment_.reset();
  filled_ = delivered_ = 0;
  host->over(*this, handed_over_ ? Result<void>() : judge(std::move(result)));
}

}  // namespace astrofs
