// The answer to one call of the file system, given exactly once, at once or later, from any thread.
#pragma once

#include <functional>
#include <memory>

#include "base/error.h"

namespace astrofs {

template <class T>
class Reply {
 public:
  virtual ~Reply() = default;
  virtual void send(Result<T> result) = 0;
  /// The call is being parked: `interrupted` may be called, at most once and from any thread, when the caller
  /// gives up. Called at most once, before send().
  virtual void on_interrupt(std::function<void()> interrupted) = 0;
  /// Of a caller who was interrupted: it will not come back, or it only has a signal to handle. Any thread,
  /// until the reply goes.
  [[nodiscard]] virtual bool caller_is_dying() const { return true; }
};

template <class T>
using ReplyPtr = std::unique_ptr<Reply<T>>;

}  // namespace astrofs
