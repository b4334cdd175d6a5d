// A secret from the terminal, which does not show it, or from standard input. For the control program, which
// has one thread.
#pragma once

#include <string>

#include "base/error.h"

namespace astrofs {

/// The first line. The terminal shows what is typed again when this returns, and when a signal ends the
/// program meanwhile. `prompt` is for a terminal alone.
[[nodiscard]] Result<std::string> read_unseen(const std::string& prompt);

}  // namespace astrofs
