#include "fs/file_stream.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <vector>

namespace astrofs {
namespace {

/// As large as what a network brings at a time, so that it waits no longer for memory than that does.
constexpr std::uint64_t kPiece = 256 << 10;

}  // namespace

void FileStream::start(Executor& executor, UniqueFd file, ByteRange range, std::shared_ptr<Sink> sink,
                       std::stop_token stop) {
  std::make_shared<FileStream>(executor, std::move(file), range, std::move(sink), std::move(stop))->begin();
}

FileStream::FileStream(Executor& executor, UniqueFd file, ByteRange range, std::shared_ptr<Sink> sink,
                       std::stop_token stop)
    : executor_(executor),
      file_(std::move(file)),
      range_(range),
      stop_(std::move(stop)),
      position_(range.offset),
      sink_(std::move(sink)) {}

void FileStream::begin() {
  if (!sink_->begin(range_, [self = shared_from_this()] { self->resume(); }))
    return end(fail(Errc::interrupted, "not wanted any more"));
  go_on();
}

void FileStream::go_on() {
  std::vector<std::byte> piece(kPiece);
  while (position_ < range_.end()) {
    if (stop_.stop_requested()) return end(fail(Errc::interrupted, "not wanted any more"));
    const std::size_t most = static_cast<std::size_t>(std::min(kPiece, range_.end() - position_));
    const ssize_t got = ::pread(file_.get(), piece.data(), most, static_cast<off_t>(position_));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return end(tl::unexpected<Error>(system_error(errno, "reading what was brought")));
    if (got == 0) return end(fail(Errc::stale, "a file that was brought has become shorter"));
    const std::span<const std::byte> bytes(piece.data(), static_cast<std::size_t>(got));
    const Sink::Flow flow = sink_->data(position_, bytes);
    if (flow == Sink::Flow::stop) return end(fail(Errc::interrupted, "not wanted any more"));
    if (flow == Sink::Flow::proceed) {
      position_ += bytes.size();
    } else if (!may_go_on()) {
      return;
    }
  }
  end({});
}

bool FileStream::may_go_on() {
  const MutexLock lock(mutex_);
  paused_ = !resumed_;
  resumed_ = false;
  return !paused_;
}

void FileStream::resume() {
  {
    const MutexLock lock(mutex_);
    resumed_ = !paused_;
    if (!paused_) return;
    paused_ = false;
  }
  if (!executor_.submit([self = shared_from_this()] { self->go_on(); }))
    end(fail(Errc::interrupted, "the mount is ending"));
}

void FileStream::end(Result<void> result) {
  const std::shared_ptr<Sink> sink = std::exchange(sink_, nullptr);
  sink->end(std::move(result));
}

}  // namespace astrofs
