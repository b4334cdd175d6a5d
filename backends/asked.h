// What an archive remembers of things that are too many to list and were asked for by name: targets, data
// sets. find() asks whether there is such a thing, its listing a moment later would ask the same again, and a
// program that walks a catalog asks for the same wrong names more than once. Owned by an archive; any thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/mutex.h"

namespace astrofs {

template <class Key, class Answer>
class Asked {
 public:
  /// nullptr: there is no such thing.
  using Kept = std::shared_ptr<const Answer>;

  /// `most`: answers that are kept at one time.
  Asked(const Clock& clock, std::size_t most) : clock_(clock), most_(most) {}

  /// The last answer, however old; nullptr, too, when nobody asked.
  [[nodiscard]] Kept known(const Key& key) const EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    const auto found = rows_.find(key);
    return found == rows_.end() ? nullptr : found->second.kept;
  }
  /// One that was asked for a moment ago.
  [[nodiscard]] Kept recent(const Key& key) const EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    const auto found = rows_.find(key);
    return found == rows_.end() || age(found->second) >= kRecent ? nullptr : found->second.kept;
  }
  /// Nothing was asked: who asks now may be told something else. Answers under way are not kept either.
  void forget() EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    rows_.clear();
    ++forgotten_;
  }
  /// `question`() is Result<std::optional<Answer>>: nullopt when there is no such thing, as all sources say.
  template <class Question>
  [[nodiscard]] Result<Kept> ask(const Key& key, const Question& question) EXCLUDES(mutex_) {
    const std::uint64_t begun = times_forgotten();
    Result<std::optional<Answer>> answer = question();
    if (!answer) return tl::unexpected<Error>(answer.error());
    Kept kept = *answer ? std::make_shared<const Answer>(std::move(**answer)) : nullptr;
    const MutexLock lock(mutex_);
    if (begun != forgotten_) return kept;
    make_room(kept == nullptr);
    rows_[key] = {kept, clock_.steady()};
    return kept;
  }
  /// For find(): a moment ago will do, and for what is not there some minutes ago.
  template <class Question>
  [[nodiscard]] Result<Kept> for_finding(const Key& key, const Question& question) EXCLUDES(mutex_) {
    {
      const MutexLock lock(mutex_);
      const auto found = rows_.find(key);
      if (found != rows_.end() && age(found->second) < (found->second.kept ? kRecent : kNone))
        return found->second.kept;
    }
    return ask(key, question);
  }
  /// For list(): what find() brought a moment ago is good for one listing.
  template <class Question>
  [[nodiscard]] Result<Kept> for_listing(const Key& key, const Question& question) EXCLUDES(mutex_) {
    {
      const MutexLock lock(mutex_);
      const auto found = rows_.find(key);
      if (found != rows_.end() && found->second.kept && !found->second.listed &&
          age(found->second) < kRecent) {
        found->second.listed = true;
        return found->second.kept;
      }
    }
    Result<Kept> kept = ask(key, question);
    const MutexLock lock(mutex_);
    if (const auto found = rows_.find(key); found != rows_.end()) found->second.listed = true;
    return kept;
  }

 private:
  static constexpr std::chrono::seconds kRecent{60};
  /// What is new at the archive shows up soon.
  static constexpr std::chrono::minutes kNone{10};
  /// That there is no such thing takes next to no memory.
  static constexpr std::size_t kMostNone = 4096;

  struct Row {
    Kept kept;
    SteadyTime asked;
    bool listed{false};
  };

  [[nodiscard]] std::uint64_t times_forgotten() const EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return forgotten_;
  }
  [[nodiscard]] SteadyTime::duration age(const Row& row) const { return clock_.steady() - row.asked; }
  /// All of a kind go at once: what is remembered saves requests, and nothing depends on it.
  void make_room(bool none) REQUIRES(mutex_) {
    const auto is_kind = [none](const auto& row) { return (row.second.kept == nullptr) == none; };
    const auto kept = std::count_if(rows_.begin(), rows_.end(), is_kind);
    if (static_cast<std::size_t>(kept) >= (none ? kMostNone : most_)) std::erase_if(rows_, is_kind);
  }

  const Clock& clock_;
  const std::size_t most_;
  mutable Mutex mutex_;
  std::unordered_map<Key, Row> rows_ GUARDED_BY(mutex_);
  std::uint64_t forgotten_ GUARDED_BY(mutex_){0};  ///< times
};

}  // namespace astrofs
