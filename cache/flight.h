// One download in the air: takes the bytes a source brings, cuts them into blocks and hands those to the
// object. Owned by the source while it brings bytes. Called by the source, one thread at a time, which is
// never kept waiting: bytes are copied, no disk and no index is touched. Knows the cache only while that
// lives.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>

#include "base/bytes.h"
#include "base/error.h"
#include "cache/memory_budget.h"
#include "cache/object_blocks.h"
#include "cache/source.h"

namespace astrofs {

class Flight;

/// What a flight needs of the cache.
class FlightHost {
 public:
  virtual ~FlightHost() = default;
  /// False: the cache is closing, nothing may be touched. Each success is followed by leave().
  [[nodiscard]] virtual bool enter() = 0;
  virtual void leave() = 0;
  [[nodiscard]] virtual MemoryBudget& memory() = 0;
  /// Blocks wait to be landed and no job is on it.
  virtual void arrived(const std::shared_ptr<ObjectBlocks>& object) = 0;
  /// Once, at the end. `result` is the flight's own judgement.
  virtual void over(const Flight& flight, const Result<void>& result) = 0;
};

class Flight final : public Sink {
 public:
  Flight(std::weak_ptr<FlightHost> host, std::shared_ptr<ObjectBlocks> object, FileVersion version,
         const FlightPlan& plan, FetchUrgency urgency)
      : host_(std::move(host)),
        object_(std::move(object)),
        version_(std::move(version)),
        plan_(plan),
        urgency_(urgency) {}

  bool begin(ByteRange arriving, std::function<void()> resume) override;
  Flow data(std::uint64_t offset, std::span<const std::byte> data) override;
  void end(Result<void> result) override;

  [[nodiscard]] const std::shared_ptr<ObjectBlocks>& object() const { return object_; }
  [[nodiscard]] const FileVersion& version() const { return version_; }
  [[nodiscard]] const FlightPlan& plan() const { return plan_; }
  [[nodiscard]] FetchUrgency urgency() const { return urgency_; }
  [[nodiscard]] bool handed_over() const { return handed_over_; }
  [[nodiscard]] std::stop_source& stop() { return stop_; }

 private:
  bool begin_with(ByteRange arriving);
  void copy(MemoryBudget& memory, std::span<const std::byte> data);
  void open_segment();
  [[nodiscard]] bool deliver(MemoryBudget& memory);
  [[nodiscard]] Result<void> judge(Result<void> result) const;

  const std::weak_ptr<FlightHost> host_;
  const std::shared_ptr<ObjectBlocks> object_;
  const FileVersion version_;  ///< as who asks has it: that of an object may be what the index knows alone
  const FlightPlan plan_;
  const FetchUrgency urgency_;
  std::stop_source stop_;

  std::function<void()> resume_;
  bool begun_{false};
  bool handed_over_{false};  ///< another stream brings it
  bool misbehaved_{false};   ///< the source broke its promise
  ByteRange arriving_;
  std::uint64_t position_{0};      ///< next byte expected
  std::uint64_t first_useful_{0};  ///< whole blocks of `arriving_` lie in
  std::uint64_t last_useful_{0};   ///< [first_useful_, last_useful_)
  std::shared_ptr<Buffer> segment_;
  std::uint64_t segment_begin_{0};
  std::size_t filled_{0};     ///< of the segment
  std::size_t delivered_{0};  ///< of the segment: whole blocks handed to the object
  bool schedule_{false};
};

}  // namespace astrofs
