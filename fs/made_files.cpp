#include "fs/made_files.h"

#include <algorithm>
#include <condition_variable>
#include <span>
#include <string>
#include <utility>

#include "base/mutex.h"

namespace astrofs {
namespace {

/// What is offered to the sink at a time.
constexpr std::size_t kPiece = 64U << 10;
/// A sink that was full is offered the same again after this, whether it called or not: a fetch that was
/// stopped while it waits must end.
constexpr std::chrono::milliseconds kOfferAgain{200};

/// Rung by the sink, perhaps when nobody waits any more.
class Bell {
 public:
  void ring() EXCLUDES(mutex_) {
    {
      const MutexLock lock(mutex_);
      rung_ = true;
    }
    heard_.notify_all();
  }
  void wait() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (!rung_) lock.wait_for(heard_, kOfferAgain);
    rung_ = false;
  }

 private:
  Mutex mutex_;
  std::condition_variable heard_;
  bool rung_ GUARDED_BY(mutex_){false};
};

Result<void> pour(std::string_view bytes, ByteRange range, Sink& sink, const std::stop_token& stop) {
  const auto bell = std::make_shared<Bell>();
  const tl::unexpected<Error> unwanted = fail(Errc::interrupted, "nobody wants these bytes any more");
  if (!sink.begin(range, [bell] { bell->ring(); })) return unwanted;
  const std::span<const std::byte> all = std::as_bytes(std::span(bytes));
  for (std::uint64_t at = range.offset; at < range.end();) {
    if (stop.stop_requested()) return unwanted;
    const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, range.end() - at));
    switch (sink.data(at, all.subspan(static_cast<std::size_t>(at), length))) {
      case Sink::Flow::proceed:
        at += length;
        break;
      case Sink::Flow::pause:
        bell->wait();
        break;
      case Sink::Flow::stop:
        return unwanted;
    }
  }
  return {};
}

}  // namespace

void MadeFiles::fetch(const MountedArchive& archive, const Node& node, ByteRange range,
                      std::shared_ptr<Sink> sink, std::stop_token stop) {
  const auto make = [&archive, node, range, sink, stop] {
    const Result<std::string> made = archive.archive->make(node.locator, stop);
    if (!made) return sink->end(tl::unexpected<Error>(made.error()));
    if (made->size() != node.size || made_version(*made) != node.validator)
      return sink->end(fail(Errc::stale, node.name + " has changed at the archive since it was listed"));
    sink->end(pour(*made, range, *sink, stop));
  };
  if (!turns_.submit(&archive, make)) sink->end(fail(Errc::interrupted, "the mount is ending"));
}

void MadeFiles::ask(const MountedArchive& archive, const Node& node,
                    std::function<void(Result<Version>)> done, std::stop_token stop) {
  const auto make = [&archive, node, done, stop] {
    done(archive.archive->make(node.locator, stop).map([](const std::string& made) {
      return Version{made.size(), made_version(made)};
    }));
  };
  if (!turns_.submit(&archive, make)) done(fail(Errc::interrupted, "the mount is ending"));
}

}  // namespace astrofs
