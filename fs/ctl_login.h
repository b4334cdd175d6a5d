// `astrofs login NAME`: the part of it that talks with the user.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"

namespace astrofs {

/// `name`: of an archive, or of a service that gives tokens. `config`: the file, as mount.astrofs takes it.
/// Asks on the terminal; the code or token may come from a pipe.
[[nodiscard]] Result<void> login_on_terminal(const std::string& name,
                                             const std::optional<std::string>& config);

}  // namespace astrofs
