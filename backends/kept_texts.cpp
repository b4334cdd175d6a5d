#include "backends/kept_texts.h"

#include <algorithm>

namespace astrofs {
namespace {

using std::chrono::milliseconds;

/// From a look at its size to the last byte of a file, or to the same rows in another form.
constexpr std::chrono::seconds kMoment{120};
/// Who waits for his turn looks whether he is still wanted.
constexpr milliseconds kLookAgain{200};
/// And gives it up after so long, a mount's usual patience: what takes an hour must not keep every thread
/// that lists. Who asks again waits again.
constexpr milliseconds kLongestTurn{60'000};

}  // namespace

Result<KeptTexts::Text> KeptTexts::await_turn(const std::string& key, const std::stop_token& stop) {
  MutexLock lock(mutex_);
  for (const SteadyTime until = clock_.steady() + kLongestTurn;;) {
    drop_old();
    if (const auto found = kept_.find(key); found != kept_.end()) return found->second.text;
    if (stop.stop_requested()) return fail(Errc::interrupted, "the mount is ending");
    if (making_.size() < bounds_.at_once && !making_.contains(key)) break;
    if (clock_.steady() >= until) return fail(Errc::timed_out, "other tables are still being made");
    lock.wait_for(turn_, kLookAgain);
  }
  making_[key] = false;
  return nullptr;
}

Result<KeptTexts::Text> KeptTexts::get(const std::string& key,
                                       const std::function<Result<std::string>()>& make,
                                       const std::stop_token& stop) {
  if (Result<Text> known = await_turn(key, stop); !known || *known != nullptr) return known;
  Result<Text> text =
      make().map([](std::string&& made) { return std::make_shared<const std::string>(std::move(made)); });
  {
    const MutexLock lock(mutex_);
    const bool forgotten = making_[key];
    making_.erase(key);
    if (text && !forgotten) keep(key, *text);
  }
  turn_.notify_all();
  return text;
}

void KeptTexts::keep(const std::string& key, Text text) {
  drop_old();
  std::size_t bytes = text->size();
  for (const auto& [name, kept] : kept_) bytes += kept.text->size();
  while (bytes > bounds_.bytes && !kept_.empty()) {
    const auto oldest = std::ranges::min_element(kept_, {}, [](const auto& row) { return row.second.since; });
    bytes -= oldest->second.text->size();
    kept_.erase(oldest);
  }
  kept_[key] = {std::move(text), clock_.steady()};
}

void KeptTexts::drop_old() {
  const SteadyTime now = clock_.steady();
  std::erase_if(kept_, [now](const auto& row) { return now - row.second.since >= kMoment; });
}

void KeptTexts::forget(const std::string& key) {
  const MutexLock lock(mutex_);
  kept_.erase(key);
  if (const auto made = making_.find(key); made != making_.end()) made->second = true;
}

void KeptTexts::forget_all() {
  const MutexLock lock(mutex_);
  kept_.clear();
  for (auto& [key, forgotten] : making_) forgotten = true;
}

void KeptTexts::forget_old() {
  const MutexLock lock(mutex_);
  drop_old();
}

}  // namespace astrofs
