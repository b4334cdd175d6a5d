// Text of strangers in one line: what an archive answered must not be able to forge a second line of the log
// or steer a terminal. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace astrofs {

/// `text` with its control characters written out: "\n", "\x1b", and "\u009b" for U+0080..9F, which some
/// terminals obey too.
[[nodiscard]] std::string one_line(std::string_view text);

}  // namespace astrofs
