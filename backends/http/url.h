// The parts of an http or https URL that the rest of the room needs. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace astrofs::http {

struct UrlParts {
  std::string scheme;  ///< "http" or "https"
  std::string host;    ///< lower case; IPv6 keeps its brackets
  std::uint16_t port{0};
  std::string path;  ///< "/..." as written, without query and fragment: those may carry secrets
};

/// nullopt: no http(s) URL with a host.
[[nodiscard]] std::optional<UrlParts> split_url(std::string_view url);

/// "scheme://host:port" with the default port written out, "" for what is no http(s) URL.
[[nodiscard]] std::string origin_of(std::string_view url);

/// "host:port/path" for a log line: no user, no query, no parameters (";jsessionid=...").
[[nodiscard]] std::string shown_url(std::string_view url);

}  // namespace astrofs::http
