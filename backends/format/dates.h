// The dates that archives write, to seconds of UTC. Pure; any thread. What is not exactly such a date is
// nullopt.
#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"

namespace astrofs {

/// "2018-10-19T09:59:40.521Z": fraction (dropped) and zone ("Z", "+02:00", none = UTC) optional.
[[nodiscard]] std::optional<SysSeconds> parse_iso8601(std::string_view text);

/// "Tue, 11 May 2021 10:22:33 GMT", as HTTP and nginx JSON have it. The name of the weekday is not checked.
[[nodiscard]] std::optional<SysSeconds> parse_http_date(std::string_view text);

/// Two columns of a directory page: "2021-05-11" or "11-May-2021" or "2021-May-11", and "10:22" or
/// "10:22:33". Pages do not say their zone; it is taken for UTC.
[[nodiscard]] std::optional<SysSeconds> parse_index_date(std::string_view date, std::string_view time);

}  // namespace astrofs
