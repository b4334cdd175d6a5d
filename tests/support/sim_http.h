// The words of HTTP/1.1 that the stand-in archive speaks: a request as it came, dates, ranges, percent signs.
// Values and pure functions; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"

namespace astrofs::sim {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;
  std::string target;  ///< path and query as sent
  std::string path;    ///< decoded
  std::string query;   ///< as sent, without '?'
  Headers headers;     ///< names in lower case
  std::string body;

  /// Value of the first header of that lower-case name, "" when absent.
  [[nodiscard]] std::string_view header(std::string_view name) const;
  /// Decoded value of a query parameter; "" for one without a value.
  [[nodiscard]] std::optional<std::string> parameter(std::string_view name) const;
  [[nodiscard]] bool wants_close() const;
};

/// nullopt: not HTTP. `head` is everything before the empty line.
[[nodiscard]] std::optional<HttpRequest> parse_request(std::string_view head);

[[nodiscard]] std::string percent_decode(std::string_view text, bool plus_is_space);
/// Decoded names and values of a query or of a form's body, in order; a name may come again.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> parse_form(std::string_view text);
/// Keeps letters, digits, "-._~" and the characters of `keep`.
[[nodiscard]] std::string percent_encode(std::string_view text, std::string_view keep = "/");
/// & < > " and control characters for XML and HTML.
[[nodiscard]] std::string escape_markup(std::string_view text);

/// "Tue, 11 May 2021 10:22:00 GMT".
[[nodiscard]] std::string http_date(SysSeconds time);
[[nodiscard]] std::optional<SysSeconds> parse_http_date(std::string_view text);
/// strftime in UTC.
[[nodiscard]] std::string format_utc(SysSeconds time, const char* format);

enum class RangeKind : unsigned char { whole, part, unsatisfiable };
struct RangeAnswer {
  RangeKind kind{RangeKind::whole};
  ByteRange range;
};
/// "bytes=a-b", "bytes=a-" and "bytes=-n"; anything else, several ranges included, asks for the whole.
[[nodiscard]] RangeAnswer parse_range(std::string_view header, std::uint64_t size);

[[nodiscard]] std::string_view reason_of(int status);

}  // namespace astrofs::sim
