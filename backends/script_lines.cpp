#include "backends/script_lines.h"

#include <algorithm>
#include <optional>

#include "backends/http/answer_check.h"

namespace astrofs {
namespace {

http::Request request_for(const std::string& url, std::optional<ByteRange> range = {}) {
  http::Request request;
  request.url = url;
  request.range = range;
  return request;
}

/// Body of an answer to a Range request, if it is that range of the script that HEAD described.
Result<std::string> checked_piece(Result<http::Response> response, ByteRange range, std::uint64_t size) {
  if (!response) return tl::unexpected<Error>(response.error());
  if (response->head.status == 200) return fail(Errc::unsupported, response->head.url + " ignores Range");
  const auto got = http::parse_content_range(response->head.header("content-range"));
  if (response->head.status != 206 || !got || got->range != range || got->total != size ||
      response->body.size() != range.length) {
    return fail(Errc::unavailable,
                response->head.url + " changed while it was read, or answers with another range");
  }
  return std::move(response->body);
}

}  // namespace

RemoteScript::RemoteScript(http::Fetcher& fetcher, std::string url, std::uint64_t size, bool serves_ranges,
                           std::stop_token stop)
    : fetcher_(&fetcher),
      url_(std::move(url)),
      size_(size),
      serves_ranges_(serves_ranges),
      stop_(std::move(stop)) {}

Result<RemoteScript> RemoteScript::open(http::Fetcher& fetcher, std::string url, std::stop_token stop) {
  http::Request request = request_for(url);
  request.method = http::Method::head;
  const auto response = fetcher.fetch({std::move(request)}, stop);
  if (!response) return tl::unexpected<Error>(response.error());
  const auto size = response->head.content_length();
  if (!size) return fail(Errc::unavailable, url + " does not say how long it is");
  return RemoteScript(fetcher, std::move(url), *size, response->head.header("accept-ranges") == "bytes",
                      std::move(stop));
}

Result<std::vector<std::string>> RemoteScript::read(const std::vector<ByteRange>& ranges) const {
  std::vector<std::vector<http::Request>> jobs;
  jobs.reserve(ranges.size());
  for (const ByteRange range : ranges) jobs.push_back({request_for(url_, range)});
  auto answers = fetcher_->fetch_all(std::move(jobs), stop_);
  std::vector<std::string> texts;
  texts.reserve(ranges.size());
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    auto text = checked_piece(std::move(answers[i]), ranges[i], size_);
    if (!text) return tl::unexpected<Error>(text.error());
    texts.push_back(std::move(*text));
  }
  return texts;
}

Result<std::string> RemoteScript::read(ByteRange range) const {
  std::vector<ByteRange> pieces;
  for (std::uint64_t at = range.offset; at < range.end(); at += kScriptPiece) {
    pieces.push_back(ByteRange::between(at, std::min(at + kScriptPiece, range.end())));
  }
  const auto texts = read(pieces);
  if (!texts) return tl::unexpected<Error>(texts.error());
  std::string all;
  all.reserve(range.length);
  for (const std::string& text : *texts) all += text;
  return all;
}

Result<std::string> RemoteScript::whole() const {
  auto response = fetcher_->fetch({request_for(url_)}, stop_);
  if (!response) return tl::unexpected<Error>(response.error());
  if (response->body.size() != size_) return fail(Errc::unavailable, url_ + " changed while it was read");
  return std::move(response->body);
}

}  // namespace astrofs
