// Percent-encoding as listings write it, where it differs from what backends/url.h does. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace astrofs {

/// Undoes %XX once, and '+' is a space: how S3 writes keys under encoding-type=url.
[[nodiscard]] std::string percent_decode_plus(std::string_view text);

/// A path component that is already encoded, made safe to send: its %XX stay, bytes that a URL cannot hold
/// become %XX. url::decode(percent_repair(c)) == url::decode(c).
[[nodiscard]] std::string percent_repair(std::string_view component);

}  // namespace astrofs
