// Texts that take long to make. Each is made by one caller, so many at a time, while the others wait for
// their turn; it is then kept for a moment, for whoever asks for the size of a file mostly reads it. Owned by
// what makes them; any thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "base/mutex.h"

namespace astrofs {

class KeptTexts {
 public:
  using Text = std::shared_ptr<const std::string>;
  struct Bounds {
    std::size_t bytes;  ///< of all that is kept, but for the last
    unsigned at_once;   ///< being made
  };
  /// `clock` outlives it.
  KeptTexts(const Clock& clock, Bounds bounds) : clock_(clock), bounds_(bounds) {}

  /// What is kept, else what `make` makes on this thread. timed_out: the turn did not come.
  [[nodiscard]] Result<Text> get(const std::string& key, const std::function<Result<std::string>()>& make,
                                 const std::stop_token& stop) EXCLUDES(mutex_);
  /// The next get() of that key makes it. What is being made is given to who asked for it and not kept: it
  /// may be the answer to another login.
  void forget(const std::string& key) EXCLUDES(mutex_);
  void forget_all() EXCLUDES(mutex_);
  /// Gives back the memory of what is kept longer than for a moment. get() does so too, where anybody calls
  /// it.
  void forget_old() EXCLUDES(mutex_);

 private:
  struct Kept {
    Text text;
    SteadyTime since{};
  };
  /// The text, or nothing when it is this caller's turn to make it.
  [[nodiscard]] Result<Text> await_turn(const std::string& key, const std::stop_token& stop) EXCLUDES(mutex_);
  void keep(const std::string& key, Text text) REQUIRES(mutex_);
  void drop_old() REQUIRES(mutex_);

  const Clock& clock_;
  const Bounds bounds_;
  Mutex mutex_;
  std::condition_variable turn_;
  std::map<std::string, bool> making_ GUARDED_BY(mutex_);  ///< by key; true: it is forgotten already
  std::map<std::string, Kept> kept_ GUARDED_BY(mutex_);
};

}  // namespace astrofs
