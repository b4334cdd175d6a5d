#include "backends/http/range_transfer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace astrofs::http {
namespace {

/// The start of a suspicious page that is looked at: a login form comes before that.
constexpr std::size_t kPageStart = 16 << 10;
/// A body of unknown length is held back to its end: it may be a part that calls itself whole, or a page. A
/// full-frame image has 35.5 MB; what is larger is not taken from such a server.
constexpr std::size_t kMostHeld = 40 << 20;
/// An error page ends before. What is longer is the file, or a part of it: others who want of it wait for
/// this one.
constexpr std::size_t kLongestPage = 1 << 20;
/// The unwanted body of an error is read so far, which costs less than a new connection.
constexpr std::size_t kDrainLimit = 64 << 10;
/// Length of "SIMPLE  =".
constexpr std::size_t kFitsStart = 9;
/// A connection that broke was worth it when it brought this, a block of the cache; and one that takes long
/// is, as long as it does so.
constexpr std::uint64_t kWorthwhile = 16 << 10;

}  // namespace

RangeTransfer::RangeTransfer(std::shared_ptr<Exchange> exchange_ptr, RangeJob job,
                             std::shared_ptr<RangeReceiver> receiver, std::function<void()> on_finish)
    : Transfer(std::move(exchange_ptr), {std::move(job.mirrors), job.urgency, job.timeout, true, true}),
      job_(std::move(job)),
      range_(job_.range.intersect({0, job_.size})),
      receiver_(std::move(receiver)),
      on_finish_(std::move(on_finish)),
      next_(range_.offset) {
  for (const auto& [where, etag] : job_.etags) {
    if (is_strong_etag(etag)) known_[where].etag = etag;
  }
}

ByteRange RangeTransfer::wanted() const {
  return arriving_ ? ByteRange::between(next_, arriving_->end()) : range_;
}

void RangeTransfer::prepare(Request& request) {
  request.range = wanted();
  globus_ = request.globus_collection;
  status_ = 0;
  const auto known = known_.find(origin());
  if (known != known_.end() && is_strong_etag(known->second.etag)) request.if_match = known->second.etag;
  info_ = {};
  body_ = Body::none;
  verdict_.reset();
  dropped_ = came_ = 0;
  held_.clear();
  trusted_ = false;
  progress_ = false;
  began_at_ = next_;
}

bool RangeTransfer::got_further() const {
  return next_ >= began_at_ + kWorthwhile;
}

Flow RangeTransfer::head(const ResponseHead& head) {
  info_ = content_info(head);
  const auto known = known_.find(info_.origin);
  const Expectation expected{wanted(), job_.size, job_.is_fits,
                             known == known_.end() ? Validators{} : known->second, globus_};
  status_ = head.status;
  RangeAnswer answer = judge_range(head, expected, exchange().clock.wall());
  body_ = globus_ && status_ == 404 ? Body::page : answer.body;
  // Once is a lie. Twice the same, and it was the known size that was none: it has to be asked for anew,
  // unless the archive's own listing tells it.
  if (answer.other_size && !job_.is_size_listed &&
      std::exchange(other_size_, answer.other_size) == answer.other_size)
    answer.verdict = judge_known_size(job_.size, *answer.other_size);
  switch (body_) {
    case Body::page:
      verdict_ = std::move(answer.verdict);
      return Flow::proceed;
    case Body::none:
      verdict_ = std::move(answer.verdict);
      return head.content_length().value_or(0) > kDrainLimit ? Flow::stop : Flow::proceed;
    case Body::range:
      position_ = expected.range.offset;
      body_end_ = expected.range.end();
      break;
    case Body::whole:
    case Body::unsized:
      position_ = 0;
      body_end_ = job_.size;
      if (!may_skip(head)) return Flow::stop;
      if (!may_hold()) return Flow::proceed;
      break;
  }
  if (!info_.size) info_.size = job_.size;
  return Flow::proceed;
}

/// A server that answers with the whole file: is the way to the bytes that are still missing short enough?
bool RangeTransfer::may_skip(const ResponseHead& head) {
  if (exchange().limiter->note_ignores_ranges(origin())) {
    log::info("http: {} ignores Range: whole files are read ({})", origin(), head.status);
  }
  const bool whole_file = !arriving_ || arriving_->length == job_.size;
  if (whole_file || next_ <= exchange().options.skip_limit) return true;
  body_ = Body::none;
  verdict_ = Verdict{Remedy::next_mirror,
                     {Errc::corrupt, fmt::format("ignores Range, {} bytes before the wanted ones", next_)},
                     {},
                     false};
  return false;
}

/// Can a body of unknown length be held to its end? Else its start is looked at: it may be a login page.
bool RangeTransfer::may_hold() {
  if (body_ != Body::unsized || job_.size <= kMostHeld) return true;
  body_ = Body::page;
  verdict_ = Verdict{Remedy::next_mirror,
                     {Errc::corrupt, "neither ranges nor a length, and too large to be held to its end"},
                     {},
                     false};
  return false;
}

/// What was delivered first binds what follows from the same origin.
void RangeTransfer::remember() {
  Validators& known = known_[info_.origin];
  if (!is_strong_etag(known.etag)) known.etag = info_.etag;
  // With a strong ETag the date says nothing more, and servers of a balanced set may differ in it.
  if (!is_strong_etag(known.etag)) known.last_modified = info_.last_modified;
}

Flow RangeTransfer::data(std::span<const std::byte> data) {
  switch (body_) {
    case Body::none:
      dropped_ += data.size();
      return dropped_ > kDrainLimit ? Flow::stop : Flow::proceed;
    case Body::page:
      return collect_page(data);
    case Body::range:
    case Body::whole:
    case Body::unsized:
      break;
  }
  const Flow flow = trusted_ ? deliver(data) : examine(data);
  if (flow == Flow::proceed && (body_ == Body::whole || body_ == Body::unsized)) note_whole(data.size());
  return flow;
}

/// A whole file may take longer than the job was given for a part of it, and who asked again would get it
/// from its first byte again. Its readers have deadlines of their own.
void RangeTransfer::note_whole(std::size_t came) {
  came_ += came;
  if (came_ < kWorthwhile) return;
  came_ = 0;
  grant_more_time();
}

Flow RangeTransfer::collect_page(std::span<const std::byte> data) {
  held_.insert(held_.end(), data.begin(),
               data.begin() + static_cast<std::ptrdiff_t>(std::min(data.size(), kPageStart)));
  return held_.size() >= kPageStart ? Flow::stop : Flow::proceed;
}

/// Of what is held.
std::span<const std::byte> RangeTransfer::page_start() const {
  return std::span(held_).first(std::min(held_.size(), kPageStart));
}

/// Holds back the start of a body until it has shown that it is data. What is delivered cannot be taken back.
Flow RangeTransfer::examine(std::span<const std::byte> data) {
  const bool at_start = position_ == 0 && job_.is_fits;
  if (body_ == Body::unsized) return hold(data);
  std::vector<std::byte> start;  // held_ stays as it is, for the case that the receiver takes nothing now
  std::span<const std::byte> all = data;
  if (!held_.empty()) {
    start.reserve(held_.size() + data.size());
    start = held_;
    start.insert(start.end(), data.begin(), data.end());
    all = start;
  }
  if (at_start && all.size() >= kFitsStart && !starts_like_fits(all)) {
    verdict_ =
        Verdict{Remedy::distrust, {Errc::corrupt, "the body does not begin like a FITS file"}, {}, false};
    body_ = Body::page;
    held_.clear();
    return collect_page(all);
  }
  if (at_start && all.size() < kFitsStart) {
    held_.insert(held_.end(), data.begin(), data.end());
    return Flow::proceed;
  }
  const Flow flow = deliver(all);
  if (flow == Flow::pause) return flow;
  trusted_ = true;
  held_ = {};
  return flow;
}

Flow RangeTransfer::hold(std::span<const std::byte> data) {
  if (data.size() > job_.size - held_.size()) {
    verdict_ = Verdict{Remedy::distrust, {Errc::corrupt, "the body is longer than the file"}, {}, false};
    body_ = Body::page;  // perhaps one that wants a login
    return collect_page(data);
  }
  held_.insert(held_.end(), data.begin(), data.end());
  return held_.size() > kLongestPage && !announce() ? Flow::stop : Flow::proceed;
}

/// Tells the receiver once which bytes are coming.
bool RangeTransfer::announce() {
  if (arriving_) return true;
  const ByteRange arriving = body_ == Body::range ? range_ : ByteRange{0, job_.size};
  arriving_ = arriving;
  next_ = arriving.offset;
  if (receiver_->begin(arriving, info_)) return true;
  verdict_ = Verdict{Remedy::give_up, {Errc::interrupted, "not wanted by the receiver"}, {}, false};
  return false;
}

/// Hands on what has not been delivered before. Changes nothing when the receiver pauses.
Flow RangeTransfer::deliver(std::span<const std::byte> data) {
  if (!announce()) return Flow::stop;
  const std::uint64_t end = position_ + data.size();
  const ByteRange useful = ByteRange{position_, data.size()}.intersect(wanted());
  if (!useful.empty()) {
    const Flow flow = receiver_->data(useful.offset, data.subspan(useful.offset - position_, useful.length));
    if (flow == Flow::pause) return flow;
    next_ = useful.end();
    if (!std::exchange(progress_, true)) remember();
    if (flow == Flow::stop) {
      verdict_ = Verdict{Remedy::give_up, {Errc::interrupted, "stopped by the receiver"}, {}, false};
      return flow;
    }
  }
  position_ = end;
  if (end > body_end_) {
    verdict_ = Verdict{Remedy::give_up, {Errc::corrupt, "the body is longer than the file"}, {}, false};
    return Flow::stop;
  }
  return complete() && end < body_end_ ? Flow::stop : Flow::proceed;
}

Verdict RangeTransfer::ended(const Result<void>& transport) {
  if (body_ == Body::page && globus_ && status_ == 404)
    return judge_globus_404({reinterpret_cast<const char*>(held_.data()), held_.size()});
  if (body_ == Body::page) return judge_page(page_start(), job_.is_fits, *verdict_);
  if (verdict_) return *verdict_;
  if (complete()) return {};
  if (!transport) {
    Verdict verdict = judge_transport(transport.error());
    verdict.origin_failed = verdict.origin_failed && !progress_;
    return verdict;
  }
  return ended_early();
}

/// The answer is over, says the server, and yet bytes are missing.
Verdict RangeTransfer::ended_early() {
  if (body_ == Body::unsized) {
    if (held_.size() == job_.size && (!job_.is_fits || starts_like_fits(held_))) return release_held();
    return judge_page(
        page_start(), job_.is_fits,
        {Remedy::distrust,
         {Errc::corrupt, fmt::format("{} bytes where the file has {}", held_.size(), job_.size)},
         {},
         false});
  }
  // Going on where it broke off may lead to the end; no progress at all is a lie.
  return {progress_ ? Remedy::retry : Remedy::distrust,
          {Errc::corrupt,
           fmt::format("the body ends {} bytes early", body_end_ - std::min(body_end_, position_))},
          {},
          false};
}

/// A body of unannounced length that turned out right.
Verdict RangeTransfer::release_held() {
  const Flow flow = deliver(held_);
  parked_ = flow == Flow::pause;
  if (parked_) return {Remedy::wait, {}, {}, false};
  held_ = {};
  return verdict_ ? *verdict_ : Verdict{};
}

void RangeTransfer::resume() {
  if (parked_) {
    follow(release_held());
  } else {
    resume_attempt();
  }
}

void RangeTransfer::finished(Result<void> result) {
  on_finish_();
  receiver_->end(std::move(result));
}

}  // namespace astrofs::http
