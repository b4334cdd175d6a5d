#include "tests/support/sim_http.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <charconv>
#include <ctime>

namespace astrofs::sim {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string_view HttpRequest::header(std::string_view name) const {
  const auto found =
      std::ranges::find(headers, name, [](const auto& header) { return std::string_view(header.first); });
  return found == headers.end() ? std::string_view{} : std::string_view(found->second);
}

std::optional<std::string> HttpRequest::parameter(std::string_view name) const {
  for (auto& [key, value] : parse_form(query)) {
    if (key == name) return std::move(value);
  }
  return std::nullopt;
}

bool HttpRequest::wants_close() const {
  return lower(header("connection")).find("close") != std::string::npos;
}

std::optional<HttpRequest> parse_request(std::string_view head) {
  HttpRequest request;
  const std::string_view line = head.substr(0, head.find("\r\n"));
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || last <= first || !line.substr(last + 1).starts_with("HTTP/1.")) {
    return std::nullopt;
  }
  request.method = line.substr(0, first);
  request.target = line.substr(first + 1, last - first - 1);
  const auto question = request.target.find('?');
  request.path = percent_decode(std::string_view(request.target).substr(0, question), false);
  if (question != std::string::npos) request.query = request.target.substr(question + 1);
  std::string_view rest = head.substr(std::min(head.size(), line.size() + 2));
  while (!rest.empty()) {
    const std::string_view field = rest.substr(0, rest.find("\r\n"));
    rest.remove_prefix(std::min(rest.size(), field.size() + 2));
    const auto colon = field.find(':');
    if (colon == std::string_view::npos) continue;
    request.headers.emplace_back(lower(field.substr(0, colon)), std::string(trim(field.substr(colon + 1))));
  }
  return request;
}

std::string percent_decode(std::string_view text, bool plus_is_space) {
  const auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '%' && at + 2 < text.size() && digit(text[at + 1]) >= 0 && digit(text[at + 2]) >= 0) {
      out += static_cast<char>(digit(text[at + 1]) * 16 + digit(text[at + 2]));
      at += 2;
    } else {
      out += plus_is_space && text[at] == '+' ? ' ' : text[at];
    }
  }
  return out;
}

std::vector<std::pair<std::string, std::string>> parse_form(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> form;
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    const auto equals = pair.find('=');
    form.emplace_back(
        percent_decode(pair.substr(0, equals), true),
        equals == std::string_view::npos ? std::string{} : percent_decode(pair.substr(equals + 1), true));
  }
  return form;
}

std::string percent_encode(std::string_view text, std::string_view keep) {
  constexpr std::string_view kUnreserved =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string out;
  for (const char c : text) {
    if (kUnreserved.find(c) != std::string_view::npos || keep.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string escape_markup(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("&#x{:X};", static_cast<unsigned>(c));
        } else {
          out += c;
        }
    }
  }
  return out;
}

std::string format_utc(SysSeconds time, const char* format) {
  const std::time_t seconds_since_1970 = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds_since_1970, &parts);
  char text[64];
  return {text, std::strftime(text, sizeof text, format, &parts)};
}

std::string http_date(SysSeconds time) {
  return format_utc(time, "%a, %d %b %Y %H:%M:%S GMT");
}

std::optional<SysSeconds> parse_http_date(std::string_view text) {
  std::tm parts{};
  const std::string owned(text);
  if (::strptime(owned.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts) == nullptr) return std::nullopt;
  return SysSeconds(seconds(::timegm(&parts)));
}

RangeAnswer parse_range(std::string_view header, std::uint64_t size) {
  constexpr std::string_view kUnit = "bytes=";
  const auto dash = header.find('-');
  if (!header.starts_with(kUnit) || dash == std::string_view::npos) return {};
  const std::string_view from = trim(header.substr(kUnit.size(), dash - kUnit.size()));
  const std::string_view to = trim(header.substr(dash + 1));
  const auto first = number(from);
  const auto last = number(to);
  if ((!first && !from.empty()) || (!last && !to.empty()) || (!first && !last)) return {};
  if (!first) {
    if (*last == 0) return {RangeKind::unsatisfiable, {}};
    const std::uint64_t length = std::min(*last, size);
    return {RangeKind::part, {size - length, length}};
  }
  if (last && *last < *first) return {};
  if (*first >= size) return {RangeKind::unsatisfiable, {}};
  const std::uint64_t end = last ? std::min(*last, size - 1) + 1 : size;
  return {RangeKind::part, ByteRange::between(*first, end)};
}

std::string_view reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 412:
      return "Precondition Failed";
    case 416:
      return "Range Not Satisfiable";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Unnamed";
  }
}

}  // namespace astrofs::sim
