#include "fs/made_files.h"

#include <algorithm>
#include <condition_variable>
#include <span>
#include <string>
#include <utility>

#include "base/joined_stop.h"
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

tl::unexpected<Error> unwanted() {
  return fail(Errc::interrupted, "nobody wants these bytes any more");
}

/// All of `bytes`, into a sink that has begun; `bell` is what it rings.
Result<void> pour(std::string_view bytes, Sink& sink, Bell& bell, const std::stop_token& stop) {
  const std::span<const std::byte> all = std::as_bytes(std::span(bytes));
  for (std::size_t at = 0; at < all.size();) {
    if (stop.stop_requested()) return unwanted();
    const std::size_t length = std::min(kPiece, all.size() - at);
    switch (sink.data(at, all.subspan(at, length))) {
      case Sink::Flow::proceed:
        at += length;
        break;
      case Sink::Flow::pause:
        bell.wait();
        break;
      case Sink::Flow::stop:
        return unwanted();
    }
  }
  return {};
}

}  // namespace

void MadeFiles::fetch(const MountedArchive& archive, const Node& node, ByteRange, std::shared_ptr<Sink> sink,
                      std::stop_token stop) {
  // Before it is made: who else wants some of it waits for this one.
  const auto bell = std::make_shared<Bell>();
  if (!sink->begin({0, node.size.value_or(0)}, [bell] { bell->ring(); })) return sink->end(unwanted());
  const auto make = [this, &archive, node, sink, bell, stop] {
    const JoinedStop either(stop, ending_);
    const Result<std::string> made = archive.archive->make(node.locator, either.token());
    if (!made) return sink->end(tl::unexpected<Error>(made.error()));
    if (made->size() != node.size || made_version(*made) != node.validator)
      return sink->end(fail(Errc::stale, node.name + " has changed at the archive since it was listed"));
    sink->end(pour(*made, *sink, *bell, either.token()));
  };
  if (!turns_.submit(&archive, make)) sink->end(fail(Errc::interrupted, "the mount is ending"));
}

void MadeFiles::ask(const MountedArchive& archive, const Node& node,
                    std::function<void(Result<Version>)> done, std::stop_token stop) {
  const auto make = [this, &archive, node, done, stop] {
    const JoinedStop either(stop, ending_);
    done(archive.archive->make(node.locator, either.token()).map([](const std::string& made) {
      return Version{made.size(), made_version(made)};
    }));
  };
  if (!turns_.submit(&archive, make)) done(fail(Errc::interrupted, "the mount is ending"));
}

}  // namespace astrofs
