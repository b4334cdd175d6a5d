// What kind of place a numeric IP address is. Pure; any thread.
#pragma once

#include <string_view>

namespace astrofs::http {

/// Loopback, link-local or "this host", in IPv4, IPv6 or IPv4 inside IPv6: places that a public server has no
/// business to redirect to (on a cloud machine 169.254.169.254 hands out credentials).
/// What is no numeric address counts as such a place.
[[nodiscard]] bool is_local_address(std::string_view ip);

/// The same of the host of an address, as it is written: "localhost", "127.0.0.1", "[::1]". Other names may
/// turn out to be such places when they are looked up.
[[nodiscard]] bool is_local_host(std::string_view host);

}  // namespace astrofs::http
