#include "backends/http/body_transfer.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "backends/http/url.h"

namespace astrofs::http {
namespace {

/// The first part of an error's body says enough for a message; the rest is not read.
constexpr std::size_t kErrorBody = 64 << 10;
/// Of a page: enough to find the form in it that wants a password.
constexpr std::size_t kPageStart = 16 << 10;

Transfer::Terms terms(std::vector<Request> mirrors, const FetcherOptions& options, bool confirm_missing) {
  std::chrono::milliseconds timeout = options.body_timeout;
  for (const Request& mirror : mirrors) {
    timeout = std::min(timeout, mirror.patience.value_or(timeout));
    if (mirror.large) timeout = std::max(timeout, mirror.large->time);
  }
  return {std::move(mirrors), Urgency::demand, timeout, false, confirm_missing};
}

bool is_conditional(const Request& request) {
  return std::any_of(request.headers.begin(), request.headers.end(), [](const Header& one) {
    std::string name = one.name;
    for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return name == "if-none-match" || name == "if-modified-since";
  });
}

/// Statuses of a server that is overloaded: what stands in their bodies is of no interest.
bool may_pass(int status) {
  return status == 408 || status == 425 || status == 429 || (status > 501 && status < 505);
}

/// {"code": "ClientError.NotFound", ...}
bool is_word_of_globus(std::string_view body) {
  return body.find("\"code\"") != std::string_view::npos && body.find("NotFound") != std::string_view::npos;
}

bool is_gzip(const ResponseHead& head) {
  const std::string_view encoding = head.header("content-encoding");
  return encoding == "gzip" || encoding == "x-gzip";
}

bool is_xml(const Response& response) {
  const auto start = response.body.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  return start != std::string::npos && response.body[start] == '<' && !is_html(response.head) &&
         !starts_like_html(std::as_bytes(std::span(response.body)));
}

}  // namespace

BodyTransfer::BodyTransfer(std::shared_ptr<Exchange> shared, std::vector<Request> mirrors, Done done)
    : Transfer(shared, terms(std::move(mirrors), shared->options, false)), done_(std::move(done)) {}

void BodyTransfer::prepare(Request& request) {
  conditional_ = is_conditional(request);
  body_decides_ = request.body_decides;
  is_oauth_ = request.is_oauth;
  globus_ = request.globus_collection;
  largest_ = request.large ? request.large->bytes : exchange().options.largest_body;
  is_head_ = request.method == Method::head;
  response_ = {};
  verdict_.reset();
}

Flow BodyTransfer::head(const ResponseHead& head) {
  const bool not_modified = head.status == 304 && conditional_;
  const bool success = (head.status >= 200 && head.status < 300) || not_modified;
  if (!success) {
    verdict_ = judge_status(head, exchange().clock.wall());
  } else if (!is_identity(head) && !(body_decides_ && is_gzip(head))) {
    verdict_ =
        Verdict{Remedy::distrust, {Errc::corrupt, "a compressed body that was not asked for"}, {}, false};
  } else if (!is_head_ && !not_modified && head.content_length().value_or(0) > largest_) {
    verdict_ = Verdict{Remedy::give_up, {Errc::too_large, "the body is too large for a listing"}, {}, false};
    return Flow::stop;
  } else if (!is_head_ && !not_modified) {
    // A string that grows as it fills is there twice at the end: of a long listing that is 60 MB.
    response_.body.reserve(head.content_length().value_or(0));
  }
  response_.head = head;
  return Flow::proceed;
}

Flow BodyTransfer::data(std::span<const std::byte> data) {
  const std::uint64_t limit = verdict_ ? kErrorBody : largest_;
  if (response_.body.size() + data.size() > limit) {
    if (!verdict_) {
      verdict_ =
          Verdict{Remedy::give_up, {Errc::too_large, "the body is too large for a listing"}, {}, false};
    }
    return Flow::stop;
  }
  response_.body.append(reinterpret_cast<const char*>(data.data()), data.size());
  return Flow::proceed;
}

Verdict BodyTransfer::ended(const Result<void>& transport) {
  const int status = response_.head.status;
  if (body_decides_ && transport && status >= 400 && !may_pass(status) && is_xml(response_)) return {};
  if (is_oauth_ && transport && status == 400 && response_.body.starts_with('{')) return {};
  if (globus_ && status == 404 && !is_word_of_globus(response_.body))
    return {Remedy::retry,
            {Errc::unavailable, "status 404 of a gateway before Globus, " + shown_url(response_.head.url)},
            {},
            false};
  if (verdict_) return *verdict_;
  if (!transport) return judge_transport(transport.error());
  return {};
}

void BodyTransfer::finished(Result<void> result) {
  if (result) {
    done_(std::move(response_));
  } else {
    done_(tl::unexpected(std::move(result.error())));
  }
}

ProbeTransfer::ProbeTransfer(std::shared_ptr<Exchange> shared, std::vector<Request> mirrors, Done done)
    // A listed file that is denied may be shown as lost: that is asked twice, like its bytes.
    : Transfer(shared, terms(std::move(mirrors), shared->options, true)), done_(std::move(done)) {}

bool ProbeTransfer::is_page(const ResponseHead& head) const {
  return is_html(head) && !is_markup_name(url_);
}

void ProbeTransfer::prepare(Request& request) {
  url_ = request.url;
  globus_ = request.globus_collection;
  by_get_ = by_get_ || request.no_head;
  sick_or_gone_ = false;
  request.method = by_get_ || globus_ ? Method::get : Method::head;
  request.body.clear();
  // A collection's answer to a range does not tell the size: the length of the whole does, and is not read
  // on.
  if (by_get_ && !globus_) request.range = ByteRange{0, doubtful_ ? kPageStart : 1};
  known_ = page_ = false;
  dropped_ = 0;
  start_.clear();
  verdict_.reset();
}

Flow ProbeTransfer::head(const ResponseHead& head) {
  info_ = content_info(head);
  // An empty file has no byte 0: 416 with "bytes */0" is its way to say so.
  const bool empty_file = by_get_ && head.status == 416 && info_.size == 0;
  const bool success = head.status == 200 || (by_get_ && head.status == 206) || empty_file;
  const bool head_refused =
      !by_get_ && !globus_ && (head.status == 403 || head.status == 405 || head.status == 501);
  page_ = success && is_page(head);
  const bool doubt = page_ && !doubtful_;
  // That a file has not a single byte is believed when it was said twice.
  if (globus_ && head.status == 404) {
    sick_or_gone_ = true;
  } else if (head_refused || doubt || (success && !by_get_ && !globus_ && info_.size.value_or(0) == 0)) {
    by_get_ = true;
    doubtful_ = doubtful_ || doubt;
    verdict_ = Verdict{Remedy::again, {}, {}, false};
  } else if (success) {
    known_ = true;
  } else {
    verdict_ = judge_status(head, exchange().clock.wall());
  }
  return Flow::proceed;
}

Flow ProbeTransfer::data(std::span<const std::byte> data) {
  // One byte was asked for, and an error has little to say; more is the file itself, from a server that
  // ignores ranges.
  dropped_ += data.size();
  if ((page_ || sick_or_gone_) && start_.size() < kPageStart)
    start_.append(reinterpret_cast<const char*>(data.data()), data.size());
  return dropped_ > kErrorBody ? Flow::stop : Flow::proceed;
}

Verdict ProbeTransfer::ended(const Result<void>& transport) {
  if (sick_or_gone_) return judge_globus_404(start_);
  if (known_ && page_ && (transport || !start_.empty()))
    return judge_unsized_page(std::as_bytes(std::span(start_)), url_);
  if (known_ && !page_) return {};
  if (verdict_) return *verdict_;
  if (!transport) return judge_transport(transport.error());
  return {Remedy::distrust, {Errc::corrupt, "an answer without a head"}, {}, false};
}

void ProbeTransfer::finished(Result<void> result) {
  if (result) {
    done_(std::move(info_));
  } else {
    done_(tl::unexpected(std::move(result.error())));
  }
}

}  // namespace astrofs::http
