// The login to an archive that gives its frames to users it knows: `astrofs login ARCHIVE`. The user opens an
// address on any machine, and brings back the code that it shows. Used by the control program, without a
// mount.
#pragma once

#include <functional>
#include <string>

#include "backends/registry.h"
#include "base/error.h"

namespace astrofs {

/// Shows the address and returns the code.
using AskCode = std::function<Result<std::string>(const std::string& address)>;

/// Leaves the login in its file, where every mount of this user finds it. Errc::denied: the code is not
/// right.
[[nodiscard]] Result<void> log_in(const LoginAddresses& addresses, const AskCode& ask);

}  // namespace astrofs
