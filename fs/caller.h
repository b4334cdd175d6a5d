// What a call's caller is about to do, as /proc tells. Any thread.
#pragma once

#include <sys/types.h>

namespace astrofs {

/// The thread is being ended by a signal, and not only interrupted by one that it handles. Also when nothing
/// can be learnt of it: it is gone, or of another world of process numbers (0).
[[nodiscard]] bool is_dying(pid_t thread);

}  // namespace astrofs
