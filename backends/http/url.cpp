#include "backends/http/url.h"

#include <fmt/format.h>

#include <charconv>

namespace astrofs::http {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

}  // namespace

std::optional<UrlParts> split_url(std::string_view url) {
  const std::size_t colon = url.find("://");
  if (colon == std::string_view::npos) return std::nullopt;
  UrlParts parts;
  parts.scheme = lower(url.substr(0, colon));
  if (parts.scheme != "http" && parts.scheme != "https") return std::nullopt;
  parts.port = parts.scheme == "https" ? 443 : 80;
  url.remove_prefix(colon + 3);
  std::string_view authority = url.substr(0, url.find_first_of("/?#"));
  url.remove_prefix(authority.size());
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos)
    authority.remove_prefix(at + 1);
  std::size_t host_end = authority.rfind(':');
  if (authority.starts_with('[')) {  // the colons inside the brackets are not the port's
    const std::size_t bracket = authority.find(']');
    if (bracket == std::string_view::npos) return std::nullopt;
    host_end = bracket + 1 < authority.size() ? bracket + 1 : std::string_view::npos;
  }
  if (host_end != std::string_view::npos) {
    const std::string_view digits = authority.substr(host_end + 1);
    if (authority[host_end] != ':') return std::nullopt;
    if (!digits.empty()) {
      const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), parts.port);
      if (error != std::errc{} || stop != digits.data() + digits.size() || parts.port == 0)
        return std::nullopt;
    }
    authority = authority.substr(0, host_end);
  }
  if (authority.empty()) return std::nullopt;
  parts.host = lower(authority);
  parts.path = std::string(url.substr(0, url.find_first_of("?#")));
  if (parts.path.empty()) parts.path.push_back('/');
  return parts;
}

std::string origin_of(std::string_view url) {
  const auto parts = split_url(url);
  return parts ? fmt::format("{}://{}:{}", parts->scheme, parts->host, parts->port) : std::string{};
}

std::string shown_url(std::string_view url) {
  const auto parts = split_url(url);
  if (!parts) return "(no http URL)";
  std::string shown = fmt::format("{}:{}", parts->host, parts->port);
  bool is_parameter = false;
  for (const char c : parts->path) {
    is_parameter = c != '/' && (is_parameter || c == ';');
    if (!is_parameter) shown += c;
  }
  return shown;
}

}  // namespace astrofs::http
