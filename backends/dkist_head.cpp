#include "backends/dkist_head.h"

#include <algorithm>
#include <future>
#include <optional>

namespace astrofs::dkist {
namespace {

/// Holds the whole tree of a dataset of 4,000 frames with room to spare.
constexpr std::uint64_t kFirstPiece = 1ULL << 20;
/// The largest dataset there is, 77,694 frames, needs 6 MB.
constexpr std::uint64_t kLargestHead = 64ULL << 20;

/// Where the tree ends, behind its "..." line; nullopt: further on.
std::optional<std::size_t> tree_end(std::string_view text, std::size_t from) {
  // The marker may have been cut by the end of the piece before.
  from = from < 8 ? 0 : from - 8;
  for (std::size_t at = text.find("\n...", from); at != std::string_view::npos;
       at = text.find("\n...", at + 1)) {
    const std::string_view rest = text.substr(at + 4, 2);
    if (rest.starts_with('\n')) return at + 5;
    if (rest == "\r\n") return at + 6;
  }
  return std::nullopt;
}

/// Collects until the tree has ended.
class HeadReceiver final : public http::RangeReceiver {
 public:
  /// Goes on behind `head`, which has no end yet.
  explicit HeadReceiver(std::string head) : head_(std::move(head)) {}

  bool begin(ByteRange arriving, const http::ContentInfo&) override {
    // The whole file, from a server that does not know ranges.
    if (arriving.offset == 0) head_.clear();
    return arriving.offset == head_.size();
  }
  http::Flow data(std::uint64_t, std::span<const std::byte> data) override {
    const std::size_t before = head_.size();
    head_.append(reinterpret_cast<const char*>(data.data()), data.size());
    return tree_end(head_, before) || head_.size() > kLargestHead ? http::Flow::stop : http::Flow::proceed;
  }
  void end(Result<void> result) override { ended_.set_value(std::move(result)); }

  Result<void> wait() { return ended_.get_future().get(); }
  [[nodiscard]] std::string take() { return std::move(head_); }

 private:
  std::string head_;
  std::promise<Result<void>> ended_;
};

}  // namespace

Result<std::string> fetch_asdf_head(http::Fetcher& fetcher, const std::vector<http::Request>& mirrors,
                                    std::uint64_t size, std::stop_token stop) {
  std::string head;
  for (std::uint64_t upto = std::min(size, kFirstPiece); head.size() < size; upto = size) {
    http::RangeJob job;
    job.mirrors = mirrors;
    job.range = ByteRange::between(head.size(), upto);
    job.size = size;
    auto receiver = std::make_shared<HeadReceiver>(std::move(head));
    fetcher.start(std::move(job), receiver, stop);
    const Result<void> result = receiver->wait();
    head = receiver->take();
    if (const auto end = tree_end(head, 0)) return head.substr(0, *end);
    if (head.size() > kLargestHead) return fail(Errc::too_large, "an ASDF file whose tree does not end");
    if (!result) return tl::unexpected<Error>(result.error());
  }
  return fail(Errc::corrupt, "an ASDF file without an end of its tree");
}

}  // namespace astrofs::dkist
