// Where a user's files are: $HOME and the XDG directories. Read while the process has one thread (getenv).
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace astrofs {

/// $HOME, or the home of the user database; "" when neither names an absolute directory.
[[nodiscard]] std::string home_dir();

/// $`variable` when it is an absolute path (the XDG rule), else `below_home` below home_dir(); "" when there
/// is no home.
[[nodiscard]] std::string xdg_dir(const char* variable, std::string_view below_home);

/// An absolute path as it is, "~/x" below home_dir(); all else is Errc::invalid with what to write instead.
[[nodiscard]] Result<std::string> expand_home(std::string_view path);

}  // namespace astrofs
