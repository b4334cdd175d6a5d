#include "backends/http/answer_check.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "backends/http/url.h"
#include "backends/url.h"

namespace astrofs::http {
namespace {

/// "SIMPLE  =": the FITS standard fixes the first nine bytes of every file.
constexpr std::string_view kFitsStart = "SIMPLE  =";

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](char c) { return lower(c); });
  return result;
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

Verdict lie(std::string message) {
  return {Remedy::distrust, {Errc::corrupt, std::move(message)}, {}, false};
}
Verdict gone_stale(std::string message) {
  return {Remedy::give_up, {Errc::stale, std::move(message)}, {}, false};
}

/// A bare number says nothing to whoever does not know which of the archive's servers was asked.
std::string said(const ResponseHead& head) {
  return fmt::format("status {} from {}", head.status, shown_url(head.url));
}

RangeAnswer refused(Verdict verdict) {
  return {Body::none, std::move(verdict)};
}
RangeAnswer suspect(Verdict verdict) {
  return {Body::page, std::move(verdict)};
}

/// Another length than the version has: changed, unless the same validator says that it has not.
Verdict other_size(const Expectation& expected, std::uint64_t got) {
  std::string message = fmt::format("{} bytes where the version has {}", got, expected.size);
  if (is_strong_etag(expected.known.etag)) return lie(message + " under the same ETag");
  return gone_stale(std::move(message));
}

std::string other_version(const Expectation& expected, const ResponseHead& head) {
  const std::string_view now = head.header("etag");
  return fmt::format("the file has changed: validator {} was {}",
                     now.empty() ? head.header("last-modified") : now,
                     expected.known.etag.empty() ? expected.known.last_modified : expected.known.etag);
}

RangeAnswer judge_partial(const ResponseHead& head, const Expectation& expected) {
  if (lower(head.header("content-type")).starts_with("multipart/")) {
    return refused(lie("several parts in answer to one range"));
  }
  if (!is_identity(head)) {
    return refused(
        lie(fmt::format("Content-Encoding {} was not asked for", head.header("content-encoding"))));
  }
  const auto range = parse_content_range(head.header("content-range"));
  if (!range || !range->range) return refused(lie("206 without a readable Content-Range"));
  if (!same_version(expected.known, head)) return refused(gone_stale(other_version(expected, head)));
  if (!range->total && !expected.hides_size) return refused(lie("206 that does not tell the file's size"));
  if (range->total && *range->total != expected.size) {
    RangeAnswer answer = refused(other_size(expected, *range->total));
    if (is_strong_etag(expected.known.etag)) answer.other_size = *range->total;
    return answer;
  }
  if (*range->range != expected.range) {
    return refused(lie(fmt::format("Content-Range {} in answer to bytes {}-{}", head.header("content-range"),
                                   expected.range.offset, expected.range.end() - 1)));
  }
  const auto length = head.content_length();
  if (length && *length != expected.range.length) {
    return refused(lie(fmt::format("Content-Length {} for {} bytes", *length, expected.range.length)));
  }
  return {Body::range, {}};
}

RangeAnswer judge_whole(const ResponseHead& head, const Expectation& expected) {
  if (!is_identity(head)) {
    return refused(
        lie(fmt::format("Content-Encoding {} was not asked for", head.header("content-encoding"))));
  }
  const auto length = head.content_length();
  if (is_html(head) && (expected.is_fits || (length && *length != expected.size))) {
    return suspect(lie("an HTML page where data were expected"));
  }
  if (length && *length == 0) return refused(lie("an empty body"));
  if (length && *length != expected.size) {
    if (*length == expected.range.length) return refused(lie("a part of the file as 200"));
    return suspect(other_size(expected, *length));
  }
  if (!same_version(expected.known, head)) return suspect(gone_stale(other_version(expected, head)));
  return {length ? Body::whole : Body::unsized, {}};
}

}  // namespace

std::optional<ContentRange> parse_content_range(std::string_view value) {
  value = trim(value);
  if (!lower(value.substr(0, 6)).starts_with("bytes ")) return std::nullopt;
  value = trim(value.substr(6));
  const std::size_t slash = value.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  ContentRange result;
  if (const std::string_view total = value.substr(slash + 1); total != "*") {
    result.total = parse_number(total);
    if (!result.total) return std::nullopt;
  }
  const std::string_view span = value.substr(0, slash);
  if (span == "*") return result.total ? std::optional(result) : std::nullopt;
  const std::size_t dash = span.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto first = parse_number(span.substr(0, dash));
  const auto last = parse_number(span.substr(dash + 1));
  if (!first || !last || *last < *first || *last == UINT64_MAX) return std::nullopt;
  if (result.total && *last >= *result.total) return std::nullopt;
  result.range = ByteRange{*first, *last - *first + 1};
  return result;
}

std::optional<SysSeconds> parse_http_date(std::string_view value) {
  const std::string text(trim(value));
  // RFC 9110 5.6.7: today's form, RFC 850's, asctime's.
  for (const char* format :
       {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"}) {
    std::tm parts{};
    const char* stop = strptime(text.c_str(), format, &parts);
    if (stop != nullptr && *stop == '\0') return SysSeconds(std::chrono::seconds(timegm(&parts)));
  }
  return std::nullopt;
}

std::optional<std::chrono::seconds> parse_retry_after(const ResponseHead& head, SysSeconds now) {
  const std::string_view value = trim(head.header("retry-after"));
  constexpr std::chrono::seconds kNone{0};
  constexpr std::chrono::seconds kDay{86'400};  // longer is nobody's meaning, and seconds may overflow
  std::chrono::seconds pause = kNone;
  if (const auto number = parse_number(value)) {
    pause = std::chrono::seconds(std::min<std::uint64_t>(*number, kDay.count()));
  } else if (const auto date = parse_http_date(value)) {
    pause = std::min(*date - parse_http_date(head.header("date")).value_or(now), kDay);
  }
  return pause > kNone ? std::optional(pause) : std::nullopt;
}

std::string disposition_name(std::string_view value) {
  std::string plain;
  std::string extended;
  while (!value.empty()) {
    const std::size_t equals = std::min(value.find_first_of("=;"), value.size());
    const std::string key = lower(trim(value.substr(0, equals)));
    const bool has_value = equals < value.size() && value[equals] == '=';
    value = trim(value.substr(std::min(equals + 1, value.size())));
    if (!has_value) continue;
    std::string text;
    if (value.starts_with('"')) {
      std::size_t at = 1;
      for (; at < value.size() && value[at] != '"'; ++at) {
        if (value[at] == '\\' && at + 1 < value.size()) ++at;
        text += value[at];
      }
      value.remove_prefix(std::min(at + 1, value.size()));
      value.remove_prefix(std::min(value.find(';'), value.size()));
    } else {
      text = trim(value.substr(0, value.find(';')));
      value.remove_prefix(std::min(value.find(';'), value.size()));
    }
    value.remove_prefix(value.empty() ? 0 : 1);
    if (key == "filename") plain = text;
    if (key == "filename*") {
      const std::size_t quote = text.find('\'', std::min(text.find('\''), text.size() - 1) + 1);
      if (quote != std::string::npos) extended = url::decode(std::string_view(text).substr(quote + 1));
    }
  }
  const std::string& name = extended.empty() ? plain : extended;
  return name.substr(name.find_last_of("/\\") + 1);
}

bool is_strong_etag(std::string_view etag) {
  return etag.size() >= 2 && etag.front() == '"' && etag.back() == '"';
}

bool is_html(const ResponseHead& head) {
  const std::string type = lower(head.header("content-type"));
  return type.starts_with("text/html") || type.starts_with("application/xhtml");
}

bool is_markup_name(std::string_view url) {
  const auto parts = split_url(url);
  const std::string name = lower(parts ? std::string_view(parts->path) : url);
  constexpr std::array<std::string_view, 9> kEnds = {"/",    ".htm", ".html", ".xhtml", ".shtml",
                                                     ".mht", ".php", ".asp",  ".aspx"};
  return std::any_of(kEnds.begin(), kEnds.end(), [&](std::string_view end) { return name.ends_with(end); });
}

bool is_identity(const ResponseHead& head) {
  const std::string encoding = lower(trim(head.header("content-encoding")));
  if (encoding.empty() || encoding == "identity") return true;
  // Apache's AddEncoding labels stored .gz files; the bytes are the file's own and the size check sees to
  // that.
  const auto url = split_url(head.url);
  return (encoding == "gzip" || encoding == "x-gzip") && url &&
         (url->path.ends_with(".gz") || url->path.ends_with(".tgz"));
}

bool starts_like_fits(std::span<const std::byte> start) {
  return start.size() >= kFitsStart.size() &&
         std::equal(kFitsStart.begin(), kFitsStart.end(), start.begin(),
                    [](char c, std::byte b) { return static_cast<std::byte>(c) == b; });
}

bool starts_like_html(std::span<const std::byte> start) {
  std::string_view text(reinterpret_cast<const char*>(start.data()), start.size());
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n\xef\xbb\xbf"), text.size()));
  const std::string first = lower(text.substr(0, 16));
  return first.starts_with("<!doctype html") || first.starts_with("<html") || first.starts_with("<head");
}

bool looks_like_login(std::span<const std::byte> text) {
  constexpr std::array<std::string_view, 9> kWords = {"password", "login",   "log in",  "log-in", "log on",
                                                      "sign in",  "sign-in", "sign on", "signin"};
  const std::string page = lower({reinterpret_cast<const char*>(text.data()), text.size()});
  // Only markup can be a login page: "login" among binary bytes or in a README means nothing.
  const std::size_t first = page.find_first_not_of(" \t\r\n\xef\xbb\xbf");
  if (first == std::string::npos || page[first] != '<') return false;
  return std::any_of(kWords.begin(), kWords.end(),
                     [&](std::string_view word) { return page.find(word) != std::string::npos; });
}

ContentInfo content_info(const ResponseHead& head) {
  ContentInfo info;
  info.etag = head.header("etag");
  info.last_modified = head.header("last-modified");
  info.origin = origin_of(head.url);
  info.url = head.url;
  info.file_name = disposition_name(head.header("content-disposition"));
  if (head.status == 206 || head.status == 416) {
    if (const auto range = parse_content_range(head.header("content-range"))) info.size = range->total;
  } else if (head.status == 200 && is_identity(head)) {
    info.size = head.content_length();
  }
  return info;
}

bool same_version(const Validators& known, const ResponseHead& head) {
  const std::string_view etag = head.header("etag");
  if (is_strong_etag(known.etag)) return etag == known.etag;  // also when it is not sent any more
  if (!known.etag.empty() && !etag.empty() && etag != known.etag) return false;
  const std::string_view modified = head.header("last-modified");
  return known.last_modified.empty() || modified.empty() || modified == known.last_modified;
}

Verdict judge_status(const ResponseHead& head, SysSeconds now) {
  const int status = head.status;
  if (status == 404 || status == 410) return {Remedy::confirm, {Errc::not_found, said(head)}, {}, false};
  if (status == 401 || status == 403 || status == 407 || status == 451) {
    return {Remedy::next_mirror, {Errc::denied, said(head)}, {}, false};
  }
  if (status == 412) return gone_stale(said(head) + ": the file has changed");
  if (status == 408 || status == 425 || status == 429 || (status >= 500 && status != 501 && status != 505)) {
    Verdict verdict{Remedy::retry, {Errc::unavailable, said(head)}, {}, false};
    // A server that asks for a pause is alive; one that only fails may be left alone for a while.
    verdict.retry_after = parse_retry_after(head, now);
    verdict.origin_failed = status >= 500 && !verdict.retry_after;
    return verdict;
  }
  if (status >= 400) return {Remedy::next_mirror, {Errc::unavailable, said(head)}, {}, false};
  return lie(said(head) + " is no answer to this request");
}

RangeAnswer judge_range(const ResponseHead& head, const Expectation& expected, SysSeconds now) {
  if (head.status == 206) return judge_partial(head, expected);
  if (head.status == 200) return judge_whole(head, expected);
  if (head.status == 416) {
    const auto range = parse_content_range(head.header("content-range"));
    if (range && range->total && *range->total != expected.size)
      return refused(other_size(expected, *range->total));
    return refused(lie(said(head) + " for a range inside the file"));
  }
  return refused(judge_status(head, now));
}

Verdict judge_page(std::span<const std::byte> start, bool is_fits, Verdict suspicion) {
  if (is_fits && starts_like_fits(start)) return suspicion;
  if (looks_like_login(start)) {
    return {Remedy::next_mirror, {Errc::denied, "a login page where data were expected"}, {}, false};
  }
  if (is_fits) return lie("the body does not begin like a FITS file");
  return suspicion;
}

Verdict judge_unsized_page(std::span<const std::byte> start, std::string_view url) {
  if (looks_like_login(start)) {
    return {Remedy::next_mirror, {Errc::denied, "a login page where data were expected"}, {}, false};
  }
  // A name without an extension may be a page; one with another's is not. Binary data and plain text under a
  // wrong label are what they are.
  const auto parts = split_url(url);
  const std::string path = parts ? parts->path : std::string(url);
  const bool has_extension = path.find('.', path.find_last_of('/') + 1) != std::string::npos;
  if (!has_extension || !starts_like_html(start)) return {};
  return lie("an HTML page where data were expected");
}

Verdict judge_known_size(std::uint64_t known, std::uint64_t said) {
  return gone_stale(
      fmt::format("the file has {} bytes, not the {} that were said of it before", said, known));
}

Verdict judge_globus_404(std::string_view body) {
  for (const std::string_view gone : {"PATH_NOT_FOUND", "GridFTP-Errno: 2"}) {
    if (body.find(gone) != std::string_view::npos)
      return {Remedy::confirm, {Errc::not_found, "the collection has no such file"}, {}, false};
  }
  // A back end that is sick is so for as long as the connection lasts.
  Verdict verdict{Remedy::retry, {Errc::unavailable, "the collection's back end is sick (404)"}, {}, false};
  verdict.fresh = true;
  return verdict;
}

Verdict judge_transport(const Error& error) {
  switch (error.code) {
    case Errc::interrupted:
      return {Remedy::give_up, error, {}, false};
    case Errc::corrupt:  // not HTTP, a redirect that is not followed, a certificate that is not believed
      return {Remedy::distrust, error, {}, false};
    case Errc::invalid:
    case Errc::unsupported:
      return {Remedy::next_mirror, error, {}, false};
    default:
      return {Remedy::retry, error, {}, true};
  }
}

}  // namespace astrofs::http
