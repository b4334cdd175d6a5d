// Brings a part of a file of this machine into a Sink, as a fetch from an archive would: in pieces, pausing
// when the sink asks for it. Owned by itself from start() until the sink's end; runs on the executor.
#pragma once

#include <memory>
#include <stop_token>

#include "base/bytes.h"
#include "base/executor.h"
#include "base/mutex.h"
#include "base/unique_fd.h"
#include "cache/source.h"

namespace astrofs {

class FileStream : public std::enable_shared_from_this<FileStream> {
 public:
  /// The file has all of `range`; one that has become shorter ends with Errc::stale. From a job of
  /// `executor`, which outlives the stream.
  static void start(Executor& executor, UniqueFd file, ByteRange range, std::shared_ptr<Sink> sink,
                    std::stop_token stop);

  FileStream(Executor& executor, UniqueFd file, ByteRange range, std::shared_ptr<Sink> sink,
             std::stop_token stop);

 private:
  void begin();
  void go_on();
  void resume() EXCLUDES(mutex_);
  /// False: nobody has said yet that the sink takes more.
  [[nodiscard]] bool may_go_on() EXCLUDES(mutex_);
  void end(Result<void> result);

  Executor& executor_;
  const UniqueFd file_;
  const ByteRange range_;
  const std::stop_token stop_;
  std::uint64_t position_;
  std::shared_ptr<Sink>
      sink_;  ///< null behind its end: it knows us, and we are not to know each other for ever
  Mutex mutex_;
  bool paused_ GUARDED_BY(mutex_){false};
  bool resumed_ GUARDED_BY(mutex_){false};  ///< sooner than the pause was noticed here
};

}  // namespace astrofs
