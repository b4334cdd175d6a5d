// One RangeJob's life: what may be delivered, from which offset an attempt goes on, and when all has arrived.
// On the client's thread only.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "backends/http/transfer.h"

namespace astrofs::http {

class RangeTransfer final : public Transfer {
 public:
  RangeTransfer(std::shared_ptr<Exchange> exchange, RangeJob job, std::shared_ptr<RangeReceiver> receiver,
                std::function<void()> on_finish);
  /// Go on after the receiver's Flow::pause.
  void resume();

 private:
  void prepare(Request& request) override;
  Flow head(const ResponseHead& head) override;
  Flow data(std::span<const std::byte> data) override;
  [[nodiscard]] Verdict ended(const Result<void>& transport) override;
  void finished(Result<void> result) override;
  [[nodiscard]] bool got_further() const override;

  [[nodiscard]] ByteRange wanted() const;
  [[nodiscard]] bool complete() const { return arriving_ && next_ == arriving_->end(); }
  bool may_skip(const ResponseHead& head);
  bool may_hold();
  bool announce();
  void remember();
  void note_whole(std::size_t came);
  Flow examine(std::span<const std::byte> data);
  Flow hold(std::span<const std::byte> data);
  Flow collect_page(std::span<const std::byte> data);
  [[nodiscard]] std::span<const std::byte> page_start() const;
  Flow deliver(std::span<const std::byte> data);
  [[nodiscard]] Verdict ended_early();
  [[nodiscard]] Verdict release_held();

  const RangeJob job_;
  const ByteRange range_;  ///< the job's, inside the file
  const std::shared_ptr<RangeReceiver> receiver_;
  const std::function<void()> on_finish_;
  std::map<std::string, Validators> known_;  ///< by origin: from the job, then from the answers of this job
  std::optional<ByteRange> arriving_;        ///< what begin() announced
  std::optional<std::uint64_t> other_size_;  ///< what an answer said of the version's size, against the job
  std::uint64_t next_{0};                    ///< first byte not yet delivered
  std::uint64_t began_at_{0};                ///< of the attempt under way

  // The attempt under way.
  bool globus_{false};
  int status_{0};
  ContentInfo info_;
  Body body_{Body::none};
  std::optional<Verdict> verdict_;  ///< why it is not taken
  std::uint64_t position_{0};       ///< in the file, of the next byte to come
  std::uint64_t body_end_{0};       ///< where the body must end
  std::uint64_t dropped_{0};        ///< bytes of a body that nobody wants
  std::uint64_t came_{0};           ///< of a whole file, since the deadline was moved
  std::vector<std::byte> held_;     ///< the body's start, until it is known to be data
  bool trusted_{false};             ///< the start has been looked at
  bool progress_{false};            ///< something new was delivered
  bool parked_{false};              ///< the answer has ended, the receiver has not yet taken what is held
};

}  // namespace astrofs::http
