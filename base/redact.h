// Takes secrets out of text before it is logged or shown. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace astrofs {

/// `text` with each secret replaced by "***":
///   the rest of the line after `Authorization:`, `Cookie:` and other headers that carry credentials;
///   the value of `token=`, `X-Amz-Signature=`, `password=` and their like, also as JSON ("token": "...") and
///   inside a percent-encoded URL (token%3D...);
///   the user information of a URL (https://user:password@host/).
/// Case matters not. What is already redacted stays as it is. Rather blanks too much than too little.
[[nodiscard]] std::string redact(std::string_view text);

}  // namespace astrofs
