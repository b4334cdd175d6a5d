// Is an answer what was asked for, and if not, what should be done about it? Pure judgement, no state; any
// thread. Nobody who trusts an archive's server is right for long: of 46 ways a server can lie, common tools
// notice half.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "backends/http/client.h"
#include "backends/http/fetcher.h"

namespace astrofs::http {

/// What an attempt's outcome asks for.
enum class Remedy : unsigned char {
  accept,       ///< it is what was asked for
  retry,        ///< a failure that may pass
  distrust,     ///< a lie: once more, then this mirror is out
  confirm,      ///< gone (404, 410): one fresh request before it is believed
  next_mirror,  ///< this mirror will not do
  give_up,      ///< no mirror will do
  again,        ///< no failure: the same mirror at once, asked in another way
  wait,         ///< the receiver has paused; it will say when to go on
};

struct Verdict {
  Remedy remedy{Remedy::accept};
  Error error{};
  std::optional<std::chrono::milliseconds> retry_after{};  ///< the server asked for this pause
  bool origin_failed{false};                               ///< counts towards the origin's breaker
  bool fresh{false};                                       ///< to be retried over another connection
};

struct Validators {
  std::string etag, last_modified;  ///< as sent; empty = not known
};

/// What the answer to a Range request must look like.
struct Expectation {
  ByteRange range;
  std::uint64_t size{0};
  bool is_fits{false};
  Validators known;        ///< of this version at the origin that answered
  bool hides_size{false};  ///< of a Globus collection, which never tells the file's size beside a range
};

/// How the body of an answer is to be read.
enum class Body : unsigned char {
  range,    ///< exactly the range asked for
  whole,    ///< the whole file, of the right length
  unsized,  ///< perhaps the whole file: its length is not announced
  page,     ///< not data; its first bytes tell what it is (judge_page)
  none,     ///< not wanted
};

struct RangeAnswer {
  Body body{Body::none};
  Verdict verdict;  ///< for page and none: what is wrong
  /// The size that the answer gives the very version that is expected, when it is another.
  std::optional<std::uint64_t> other_size{};
};

struct ContentRange {
  std::optional<ByteRange> range;  ///< absent in "bytes */N"
  std::optional<std::uint64_t> total;
};

[[nodiscard]] std::optional<ContentRange> parse_content_range(std::string_view value);
/// The three forms of an HTTP date.
[[nodiscard]] std::optional<SysSeconds> parse_http_date(std::string_view value);
/// Seconds or a date; a date is compared with the server's own Date where there is one, else with `now`. None
/// when it is over: that is what a cache in front of a server says of an error page.
[[nodiscard]] std::optional<std::chrono::seconds> parse_retry_after(const ResponseHead& head, SysSeconds now);

/// The file's name in a Content-Disposition: `filename*` before `filename`, without folders; "" for none.
[[nodiscard]] std::string disposition_name(std::string_view value);
[[nodiscard]] bool is_strong_etag(std::string_view etag);
[[nodiscard]] bool is_html(const ResponseHead& head);
/// Does the URL's name promise markup: .html and its like, a script, a directory?
[[nodiscard]] bool is_markup_name(std::string_view url);
/// False when the bytes are compressed for transport. A file that is a .gz itself may be labelled so.
[[nodiscard]] bool is_identity(const ResponseHead& head);
[[nodiscard]] bool starts_like_fits(std::span<const std::byte> start);
[[nodiscard]] bool starts_like_html(std::span<const std::byte> start);
[[nodiscard]] bool looks_like_login(std::span<const std::byte> text);
[[nodiscard]] ContentInfo content_info(const ResponseHead& head);
/// May `head` speak of the version that has these validators?
[[nodiscard]] bool same_version(const Validators& known, const ResponseHead& head);

/// A status that is not the wanted one.
[[nodiscard]] Verdict judge_status(const ResponseHead& head, SysSeconds now);
/// The head of an answer to a Range request.
[[nodiscard]] RangeAnswer judge_range(const ResponseHead& head, const Expectation& expected, SysSeconds now);
/// The start of a body that is not what it should be: `suspicion` unless the page says more.
[[nodiscard]] Verdict judge_page(std::span<const std::byte> start, bool is_fits, Verdict suspicion);
/// The start of an HTML page under a name that does not promise one, and nothing known to hold it against.
[[nodiscard]] Verdict judge_unsized_page(std::span<const std::byte> start, std::string_view url);
/// Two answers agree on a size of the expected version that is not the known one.
[[nodiscard]] Verdict judge_known_size(std::uint64_t known, std::uint64_t said);
/// The start of the body of a Globus collection's 404.
[[nodiscard]] Verdict judge_globus_404(std::string_view body);
/// A failure of the connection, as Client::on_end reports it.
[[nodiscard]] Verdict judge_transport(const Error& error);

}  // namespace astrofs::http
