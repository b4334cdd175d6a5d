// Several sources can say the same thing: they are asked in order of preference, and the next one only when
// the one before it is unavailable, denied or knows nothing. A corrupt answer is reported and not papered
// over. Owned by what lists; any thread.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace astrofs {

/// One source's way to an answer.
template <class T>
struct Way {
  std::string_view name;
  bool usable{false};
  std::function<Result<T>()> ask;
};

class SourceOrder {
 public:
  /// `archive`: as it is called in the log.
  explicit SourceOrder(std::string archive) : archive_(std::move(archive)) {}

  /// The first usable way that answers. When none does, it is not there if all of them say so, or the last
  /// one, the archive's own directories, which the others are made from. `what`: for messages.
  template <class T>
  [[nodiscard]] Result<T> first_of(const std::vector<Way<T>>& ways, const std::string& what) const {
    std::optional<Error> error;
    for (std::size_t i = 0; i < ways.size(); ++i) {
      if (!ways[i].usable) continue;
      Result<T> answer = ways[i].ask();
      if (answer) {
        note(ways[i].name, what, error);
        return answer;
      }
      if (!may_fall_back(answer.error().code)) return answer;
      const bool is_last_word = i + 1 == ways.size() && answer.error().code == Errc::not_found;
      if (!error || is_last_word || weight(answer.error()) > weight(*error)) error = answer.error();
    }
    if (!error) return fail(Errc::unsupported, "no source is configured that can list " + what);
    return tl::unexpected<Error>(*error);
  }

 private:
  [[nodiscard]] static bool may_fall_back(Errc code);
  [[nodiscard]] static int weight(const Error& error);
  void note(std::string_view source, const std::string& what, const std::optional<Error>& before) const;

  const std::string archive_;
  /// Hash of the last source's name, so that a change is logged once and not at every directory; 0 = none.
  mutable std::atomic<std::size_t> last_{0};
};

}  // namespace astrofs
