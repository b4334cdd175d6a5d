// MAST's "whoami": whom it takes the asker for. Text in, a value out; pure.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace astrofs::mast {

struct User {
  bool anonymous{true};  ///< MAST takes the asker for nobody: no token, or none that it knows
  std::string name;      ///< fit for a line of text; may be ""
};

/// Errc::corrupt: it is no such answer. Says nothing of its content, which holds the token.
[[nodiscard]] Result<User> parse_user(std::string_view json);

}  // namespace astrofs::mast
