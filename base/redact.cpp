#include "base/redact.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <utility>

namespace astrofs {
namespace {

constexpr std::string_view kBlank = "***";

/// Headers whose whole line is a secret; also without the hyphenated words in front (Proxy-Authorization).
constexpr std::array<std::string_view, 5> kSecretHeaders{"authorization", "cookie", "x-amz-security-token",
                                                         "x-auth-token", "x-api-key"};

/// Ends of the names of secret parameters: "token" also means access_token and X-Amz-Security-Token.
constexpr std::array<std::string_view, 10> kSecretNames{"token",   "signature", "credential", "password",
                                                        "passwd",  "secret",    "apikey",     "api_key",
                                                        "api-key", "sig"};

char lower(char letter) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
}

bool same_letters(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

bool starts_with(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && same_letters(text.substr(0, prefix.size()), prefix);
}

bool ends_with(std::string_view text, std::string_view suffix) {
  return text.size() >= suffix.size() && same_letters(text.substr(text.size() - suffix.size()), suffix);
}

bool is_name_letter(char letter) {
  return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_' || letter == '-';
}

std::size_t skip_spaces(std::string_view text, std::size_t at) {
  while (at < text.size() && (text[at] == ' ' || text[at] == '\t')) ++at;
  return at;
}

/// What part of the text is a secret: [first, last).
struct Secret {
  std::size_t first, last;
};

std::size_t find_end(std::string_view text, std::size_t from, std::string_view enders) {
  return std::min(text.find_first_of(enders, from), text.size());
}

/// The value that follows a name which ends at `at`, if one does.
std::optional<Secret> value_after(std::string_view text, std::size_t at) {
  if (starts_with(text.substr(at),
                  "%3d")) {  // '=' inside an encoded URL: the value ends at an encoded '&' too
    const std::size_t first = at + 3;
    std::size_t last = find_end(text, first, "& \t\r\n\"'<>");
    for (std::size_t i = first; i < last; ++i) {
      if (starts_with(text.substr(i), "%26")) last = i;
    }
    return Secret{first, last};
  }
  const bool quoted_name = at < text.size() && (text[at] == '"' || text[at] == '\'');
  std::size_t sign = skip_spaces(text, quoted_name ? at + 1 : at);
  if (sign >= text.size()) return std::nullopt;
  // A bare "token: ..." is prose of a parser; with quotes it is JSON.
  if (text[sign] != '=' && !(quoted_name && text[sign] == ':')) return std::nullopt;
  const std::size_t first = skip_spaces(text, sign + 1);
  if (first < text.size() && (text[first] == '"' || text[first] == '\'')) {
    return Secret{first + 1, std::min(text.find(text[first], first + 1), text.size())};
  }
  return Secret{first, find_end(text, first, "& \t\r\n\"'<>;,)]}#")};
}

/// The secret that belongs to the name [begin, end), if that name has one.
std::optional<Secret> secret_of_name(std::string_view text, std::size_t begin, std::size_t end) {
  const std::string_view name = text.substr(begin, end - begin);
  const auto ends_name = [name](std::string_view known) { return ends_with(name, known); };
  if (std::any_of(kSecretHeaders.begin(), kSecretHeaders.end(), ends_name)) {
    std::size_t sign = end;
    if (sign < text.size() && (text[sign] == '"' || text[sign] == '\'')) ++sign;
    sign = skip_spaces(text, sign);
    if (sign < text.size() && (text[sign] == ':' || text[sign] == '=')) {
      const std::size_t first = skip_spaces(text, sign + 1);
      return Secret{first, find_end(text, first, "\r\n")};
    }
  }
  if (std::any_of(kSecretNames.begin(), kSecretNames.end(), ends_name)) return value_after(text, end);
  return std::nullopt;
}

/// Writes "***" for each secret that `find` meets: find(at) gives the secret that is named at `at`, if one
/// is, and where to look next.
template <typename Find>
std::string blank(std::string_view text, const Find& find) {
  std::string out;
  out.reserve(text.size());
  std::size_t at = 0;
  while (at < text.size()) {
    const auto [secret, next] = find(at);
    if (!secret || secret->first >= secret->last) {
      out.append(text.substr(at, next - at));
      at = next;
      continue;
    }
    out.append(text.substr(at, secret->first - at)).append(kBlank);
    at = secret->last;
  }
  return out;
}

using Found = std::pair<std::optional<Secret>, std::size_t>;

std::string blank_values(std::string_view text) {
  return blank(text, [text](std::size_t at) -> Found {
    std::size_t next = at + 1;
    if (!is_name_letter(text[at])) return {std::nullopt, next};
    while (next < text.size() && is_name_letter(text[next])) ++next;
    return {secret_of_name(text, at, next), next};
  });
}

/// The user information of URLs.
std::string blank_users(std::string_view text) {
  return blank(text, [text](std::size_t at) -> Found {
    if (text.substr(at, 3) != "://") return {std::nullopt, at + 1};
    const std::size_t first = at + 3;
    const std::size_t host_end = find_end(text, first, "/?# \t\r\n\"'<>\\");
    const std::size_t sign = text.substr(0, host_end).rfind('@');
    if (sign == std::string_view::npos || sign < first) return {std::nullopt, first};
    return {Secret{first, sign}, first};
  });
}

}  // namespace

/// Values first: a '/' in one would else hide the '@' behind it.
std::string redact(std::string_view text) {
  return blank_users(blank_values(text));
}

}  // namespace astrofs
