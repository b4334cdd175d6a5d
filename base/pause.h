// A pause that a stop ends. Any thread.
#pragma once

#include <chrono>
#include <stop_token>

namespace astrofs {

/// Waits for `time`. False: `stop` was requested, before or meanwhile.
bool pause(std::chrono::milliseconds time, const std::stop_token& stop);

}  // namespace astrofs
