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
  return std::move(open(fetcher, std::vector{std::move(url)}, std::move(stop)).front());
}

std::vector<Result<RemoteScript>> RemoteScript::open(http::Fetcher& fetcher, std::vector<std::string> urls,
                                                     std::stop_token stop) {
  std::vector<std::vector<http::Request>> jobs;
  jobs.reserve(urls.size());
  for (const std::string& url : urls) {
    jobs.push_back({request_for(url)});
    jobs.back().front().method = http::Method::head;
  }
  const auto answers = fetcher.fetch_all(std::move(jobs), stop);
  std::vector<Result<RemoteScript>> scripts;
  scripts.reserve(urls.size());
  for (std::size_t i = 0; i < urls.size(); ++i) {
    scripts.push_back(answers[i].and_then([&](const http::Response& response) -> Result<RemoteScript> {
      const auto size = response.head.content_length();
      if (!size) return fail(Errc::unavailable, urls[i] + " does not say how long it is");
      return RemoteScript(fetcher, urls[i], *size, response.head.header("accept-ranges") == "bytes", stop);
    }));
  }
  return scripts;
}

std::vector<Result<std::string>> RemoteScript::read(const std::vector<Part>& parts) {
  if (parts.empty()) return {};
  std::vector<std::vector<http::Request>> jobs;
  jobs.reserve(parts.size());
  for (const Part& part : parts) jobs.push_back({request_for(part.script->url_, part.range)});
  const RemoteScript& any = *parts.front().script;
  auto answers = any.fetcher_->fetch_all(std::move(jobs), any.stop_);
  std::vector<Result<std::string>> texts;
  texts.reserve(parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i)
    texts.push_back(checked_piece(std::move(answers[i]), parts[i].range, parts[i].script->size_));
  return texts;
}

Result<std::vector<std::string>> RemoteScript::read(const std::vector<ByteRange>& ranges) const {
  std::vector<Part> parts;
  parts.reserve(ranges.size());
  for (const ByteRange range : ranges) parts.push_back({this, range});
  auto answers = read(parts);
  std::vector<std::string> texts;
  texts.reserve(ranges.size());
  for (Result<std::string>& text : answers) {
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
