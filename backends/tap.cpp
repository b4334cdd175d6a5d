#include "backends/tap.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>
#include <span>
#include <utility>

#include "backends/format/asdf_codec.h"
#include "backends/http/answer_check.h"
#include "backends/http/net_address.h"
#include "backends/http/url.h"
#include "backends/url.h"
#include "base/one_line.h"

namespace astrofs::tap {
namespace {

constexpr std::size_t kShownMessage = 500;  // of a server's explanation, which may be a stack trace

/// Of an answer in memory. The longest that is asked for, the plates of an archive, takes a tenth of it; a
/// packed answer of 4 MiB may say 300 million rows.
constexpr std::size_t kMostKept = 128ULL << 20;

class Kept final : public VoTableHandler {
 public:
  Kept(Answer& answer, std::uint64_t most_rows) : answer_(answer), most_rows_(most_rows) {}
  [[nodiscard]] bool has_more() const { return has_more_; }
  Result<void> table(const VoTable& table) override {
    answer_.table = table;
    return {};
  }
  Result<void> row(VoRow cells) override {
    has_more_ = answer_.rows.size() >= most_rows_;
    if (has_more_) return {};
    kept_ += sizeof(answer_.rows.front()) + cells.size() * sizeof(answer_.rows.front().front());
    for (const auto& cell : cells) kept_ += cell ? cell->size() : 0;
    if (kept_ > kMostKept) return fail(Errc::too_large, "an answer of too many rows");
    auto& row = answer_.rows.emplace_back();
    row.reserve(cells.size());
    for (const auto& cell : cells) {
      row.push_back(cell ? std::optional<std::string>(*cell) : std::nullopt);
    }
    return {};
  }

 private:
  Answer& answer_;
  const std::uint64_t most_rows_;
  std::size_t kept_{0};
  bool has_more_{false};
};

std::string shown(std::string_view message) {
  return one_line(message.substr(0, kShownMessage));
}

bool says_one_of(std::string message, std::span<const std::string_view> words) {
  std::ranges::transform(message, message.begin(), [](unsigned char c) { return std::tolower(c); });
  return std::ranges::any_of(words,
                             [&](std::string_view word) { return message.find(word) != std::string::npos; });
}

/// Words by which services say that the same question may be answered later.
bool may_pass(const std::string& message) {
  constexpr std::array<std::string_view, 7> kWords{"timeout",        "timed out",     "time limit",
                                                   "transientfault", "too many conn", "too many clients",
                                                   "overloaded"};
  return says_one_of(message, kWords);
}

bool blames_query(const std::string& message) {
  constexpr std::array<std::string_view, 10> kWords{
      "syntax",         "parse error",   "parseexception", "unrecogni",      "unknown table",
      "unknown column", "no such table", "no such column", "does not exist", " not found"};
  return says_one_of(message, kWords);
}

Errc cause_of(int status, const std::string& message) {
  if (status == 401 || status == 403) return Errc::denied;
  // Of what was asked for, where the service itself says so (DataLink's word); else it is the service that is
  // gone, or was moved.
  if (status == 404 || status == 410)
    return message.find("NotFoundFault") != std::string::npos ? Errc::not_found : Errc::unavailable;
  if (may_pass(message)) return Errc::unavailable;
  // A server that fails blames nobody, unless it says that it cannot read the query.
  return status >= 500 && !blames_query(message) ? Errc::unavailable : Errc::invalid;
}

/// To the reader, unpacked where it is gzip.
Result<void> feed(VoTableReader& reader, std::string_view body) {
  if (!body.starts_with("\x1F\x8B")) return reader.feed(body);
  auto decoder = AsdfDecoder::make("gzip");
  if (!decoder) return tl::unexpected(decoder.error());
  Result<void> fed;
  const auto done = (*decoder)->feed(as_bytes(body), [&](std::span<const std::byte> piece) {
    fed = reader.feed({reinterpret_cast<const char*>(piece.data()), piece.size()});
    return fed.has_value();
  });
  if (!done) return tl::unexpected(done.error());
  return fed;
}

/// What came is no VOTable: whose fault that is, the status may tell, or the page.
Error no_table(const http::Response& response, Error error) {
  const int status = response.head.status;
  if (http::looks_like_login(as_bytes(response.body)) || status == 401 || status == 403) {
    return {Errc::denied, fmt::format("the service wants a login (status {})", status)};
  }
  if (status >= 400) return {Errc::unavailable, fmt::format("status {}: {}", status, shown(response.body))};
  return error;
}

}  // namespace

std::string_view Answer::text(std::size_t row, std::optional<std::size_t> column) const {
  if (!column || !rows.at(row).at(*column)) return {};
  return *rows[row][*column];
}

http::Request sync_request(const std::string& base, const Query& query) {
  http::Request request;
  request.method = http::Method::post;
  request.url = base + "/sync";
  request.headers = query.headers;
  request.headers.push_back({"Content-Type", "application/x-www-form-urlencoded"});
  request.body = "REQUEST=doQuery&LANG=" + url::encode_component(query.language) +
                 "&QUERY=" + url::encode_component(query.adql);
  if (query.most_rows) request.body += fmt::format("&MAXREC={}", *query.most_rows);
  if (!query.format.empty()) request.body += "&RESPONSEFORMAT=" + url::encode_component(query.format);
  request.body_decides = true;
  request.is_slow = query.is_slow;
  return request;
}

http::Request get_request(std::string address) {
  http::Request request;
  request.url = std::move(address);
  request.body_decides = true;
  return request;
}

bool is_strangers(std::string_view base, std::string_view address) {
  const auto service = http::split_url(base);
  const auto named = http::split_url(address);
  return !service || !named || (!http::is_local_host(service->host) && service->host != named->host);
}

bool took_too_long(const Error& error) {
  constexpr std::array<std::string_view, 4> kWords{"timeout", "timed out", "time limit", "too long"};
  return error.code == Errc::timed_out ||
         (error.code == Errc::unavailable && says_one_of(error.message, kWords));
}

Result<VoOutcome> read_answer(const http::Response& response, VoTableHandler& handler) {
  VoTableReader reader(handler);
  auto fed = feed(reader, response.body);
  auto outcome = fed ? reader.finish() : Result<VoOutcome>(tl::unexpected(fed.error()));
  if (!outcome) {
    if (outcome.error().code != Errc::corrupt) return outcome;
    return tl::unexpected(no_table(response, std::move(outcome.error())));
  }
  const int status = response.head.status;
  if (outcome->status == VoStatus::error || status >= 400) {
    const std::string said = outcome->message.empty() ? fmt::format("status {}", status) : outcome->message;
    return fail(cause_of(status, said), "the service says: " + shown(said));
  }
  if (!outcome->has_table) return fail(Errc::corrupt, "an answer without a table");
  return outcome;
}

Result<Answer> read_answer(const Result<http::Response>& response) {
  return read_answer(response, std::numeric_limits<std::uint64_t>::max());
}

Result<Answer> read_answer(const Result<http::Response>& response, std::uint64_t most_rows) {
  if (!response) {
    Error error = response.error();
    // A page that says 404 is of the service itself: nothing that it describes is missing for that.
    if (error.code == Errc::not_found) error.code = Errc::unavailable;
    return tl::unexpected(std::move(error));
  }
  Answer answer;
  Kept kept(answer, most_rows);
  auto outcome = read_answer(*response, kept);
  if (!outcome) return tl::unexpected(outcome.error());
  answer.overflow = outcome->status == VoStatus::overflow || kept.has_more();
  answer.stated = outcome->stated;
  answer.services = std::move(outcome->services);
  return answer;
}

Result<Answer> ask(http::Fetcher& fetcher, const std::string& base, const Query& query,
                   std::stop_token stop) {
  auto answer = read_answer(fetcher.fetch({sync_request(base, query)}, std::move(stop)),
                            query.most_rows.value_or(std::numeric_limits<std::uint64_t>::max()));
  if (answer && !answer->stated) return fail(Errc::corrupt, "an answer that does not say how the query went");
  return answer;
}

std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return out + '\'';
}

}  // namespace astrofs::tap
