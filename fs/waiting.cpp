#include "fs/waiting.h"

namespace astrofs {
namespace {

class AnswerWaiter final : public Waiter {
 public:
  explicit AnswerWaiter(std::shared_ptr<Answer<Bytes>> answer) : answer_(std::move(answer)) {}
  void done(Result<Bytes> result) override { answer_->give(std::move(result)); }

 private:
  const std::shared_ptr<Answer<Bytes>> answer_;
};

}  // namespace

Result<Bytes> read_waiting(BlockCache& cache, const FileVersion& version, ByteRange range,
                           std::chrono::milliseconds timeout, const std::stop_token& stop) {
  auto answer = std::make_shared<Answer<Bytes>>();
  std::unique_ptr<Waiter> waiter = std::make_unique<AnswerWaiter>(answer);
  auto outcome = cache.read(version, range, range, waiter);
  if (auto* now = std::get_if<Result<Bytes>>(&outcome)) return std::move(*now);
  Result<Bytes> bytes = answer->take(timeout, stop);
  const bool left =
      !bytes && (bytes.error().code == Errc::timed_out || bytes.error().code == Errc::interrupted);
  if (left) cache.cancel(std::get<WaitId>(outcome));
  return bytes;
}

}  // namespace astrofs
