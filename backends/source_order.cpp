#include "backends/source_order.h"

#include "base/log.h"

namespace astrofs {

/// Only these let the next source answer.
bool SourceOrder::may_fall_back(Errc code) {
  return code == Errc::unavailable || code == Errc::timed_out || code == Errc::denied ||
         code == Errc::not_found;
}

/// How much a failure weighs when several sources failed: one that may pass wins over a refusal, and both
/// over "not found".
int SourceOrder::weight(const Error& error) {
  return error.code == Errc::not_found ? 0 : error.code == Errc::denied ? 1 : 2;
}

void SourceOrder::note(std::string_view source, const std::string& what,
                       const std::optional<Error>& before) const {
  const std::size_t before_it = last_.exchange(std::hash<std::string_view>{}(source));
  if (before_it == std::hash<std::string_view>{}(source)) return;
  if (before) {
    log::warning("{}: {} was listed from {}, because: {}", archive_, what, source, before->message);
  } else if (before_it != 0) {
    log::info("{}: listing from {} again", archive_, source);
  }
}

}  // namespace astrofs
