// Bytes as text (RFC 4648). Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace astrofs {

/// Padded with "=".
[[nodiscard]] std::string base64(std::string_view bytes);
/// With the two letters that URLs take as they are ("-", "_"), and no padding.
[[nodiscard]] std::string base64url(std::string_view bytes);

}  // namespace astrofs
