#include "backends/url.h"

#include <algorithm>
#include <optional>

namespace astrofs::url {
namespace {

bool is_unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

void append_encoded(std::string& out, char c) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  out += '%';
  out += kHex[byte >> 4U];
  out += kHex[byte & 15U];
}

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  return std::nullopt;
}

}  // namespace

Result<std::string> check_base(std::string_view text) {
  const std::string shown(text);
  const auto scheme = text.find("://");
  if (scheme == std::string_view::npos ||
      (text.substr(0, scheme) != "http" && text.substr(0, scheme) != "https")) {
    return fail(Errc::invalid, "\"" + shown + "\" is not a URL that begins with http:// or https://");
  }
  const auto bad = std::find_if(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == 0x7f || c == '"' || c == '<' || c == '>' || c == '\\';
  });
  if (bad != text.end()) {
    return fail(Errc::invalid, "the URL \"" + shown + "\" has a character that must be percent-encoded");
  }
  if (text.find_first_of("?#") != std::string_view::npos) {
    return fail(Errc::invalid, "the URL \"" + shown + "\" must not have a query or a fragment");
  }
  const std::string_view rest = text.substr(scheme + 3);
  const std::string_view authority = rest.substr(0, rest.find('/'));
  if (authority.find('@') != std::string_view::npos) {
    return fail(Errc::invalid, "a URL of an archive must not hold a user or a password");
  }
  // A host may be an IPv6 address in brackets, so the port begins at the last colon behind them.
  const auto bracket = authority.find(']');
  const auto colon = authority.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  if (has_port ? colon == 0 : authority.empty())
    return fail(Errc::invalid, "the URL \"" + shown + "\" names no host");
  if (has_port) {
    const std::string_view port = authority.substr(colon + 1);
    const bool digits = !port.empty() && port.size() <= 5 &&
                        std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!digits || std::stoul(std::string(port)) == 0 || std::stoul(std::string(port)) > 65535) {
      return fail(Errc::invalid, "the URL \"" + shown + "\" has an impossible port");
    }
  }
  while (text.ends_with('/')) text.remove_suffix(1);
  return std::string(text);
}

std::string encode_component(std::string_view raw) {
  if (raw == ".") return "%2E";
  if (raw == "..") return "%2E%2E";
  std::string out;
  out.reserve(raw.size());
  for (const char c : raw) {
    if (is_unreserved(c)) {
      out += c;
    } else {
      append_encoded(out, c);
    }
  }
  return out;
}

std::string encode_path(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  while (true) {
    const auto slash = raw.find('/');
    out += encode_component(raw.substr(0, slash));
    if (slash == std::string_view::npos) return out;
    out += '/';
    raw.remove_prefix(slash + 1);
  }
}

std::string repair(std::string_view address) {
  constexpr std::string_view kNever = "\"<>\\^`{|}";
  std::string out;
  for (const char c : address) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7F && kNever.find(c) == std::string_view::npos) {
      out += c;
    } else {
      append_encoded(out, c);
    }
  }
  return out;
}

std::string decode(std::string_view encoded) {
  std::string out;
  out.reserve(encoded.size());
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    if (encoded[i] == '%' && i + 2 < encoded.size()) {
      const auto high = hex_digit(encoded[i + 1]);
      const auto low = hex_digit(encoded[i + 2]);
      if (high && low) {
        out += static_cast<char>(*high * 16 + *low);
        i += 2;
        continue;
      }
    }
    out += encoded[i];
  }
  return out;
}

}  // namespace astrofs::url
