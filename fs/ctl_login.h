// `astrofs login ARCHIVE`: the part of it that talks with the user.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"

namespace astrofs {

/// `config`: the file, as mount.astrofs takes it. Asks on the terminal; the code may come from a pipe.
[[nodiscard]] Result<void> login_on_terminal(const std::string& archive,
                                             const std::optional<std::string>& config);

}  // namespace astrofs
