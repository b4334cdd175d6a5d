#include "tests/support/sim_reply.h"

#include <fmt/format.h>

#include <algorithm>

namespace astrofs::sim {
namespace {

/// A strong comparison: weak validators never match.
bool names_etag(std::string_view list, const std::string& etag) {
  return list == "*" ||
         (!etag.empty() && !etag.starts_with("W/") && list.find(etag) != std::string_view::npos);
}

bool precondition_fails(const HttpRequest& request, const Resource& resource) {
  if (const auto match = request.header("if-match"); !match.empty()) return !names_etag(match, resource.etag);
  const auto since = parse_http_date(request.header("if-unmodified-since"));
  return since && resource.last_modified > *since;
}

bool unmodified(const HttpRequest& request, const Resource& resource) {
  if (const auto known = request.header("if-none-match"); !known.empty()) {
    return known == "*" || (!resource.etag.empty() && known.find(resource.etag) != std::string_view::npos);
  }
  const auto since = parse_http_date(request.header("if-modified-since"));
  return since && resource.last_modified != SysSeconds{} && resource.last_modified <= *since;
}

bool range_wanted(const HttpRequest& request, const Resource& resource) {
  const auto condition = request.header("if-range");
  if (condition.empty()) return true;
  if (const auto date = parse_http_date(condition)) return resource.last_modified == *date;
  return names_etag(condition, resource.etag);
}

std::string head_text(const HttpRequest& request, const Reply& reply, bool keep) {
  std::string head = fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\nServer: archive_sim\r\n", reply.status,
                                 reason_of(reply.status), http_date(SystemClock().wall()));
  for (const auto& [name, value] : reply.headers) head += fmt::format("{}: {}\r\n", name, value);
  switch (reply.framing) {
    case Framing::length:
      if (reply.status != 304) {
        head += fmt::format("Content-Length: {}\r\n",
                            static_cast<std::int64_t>(reply.range.length) + reply.length_lie);
      }
      break;
    case Framing::chunked:
    case Framing::chunked_endless:
      head += "Transfer-Encoding: chunked\r\n";
      break;
    case Framing::until_close:
      break;
  }
  if (request.wants_close() || !keep) head += "Connection: close\r\n";
  return head + "\r\n";
}

bool send_head(Connection& connection, const std::string& head, milliseconds spread) {
  constexpr int kPieces = 10;  // enough that every reader sees several arrivals
  if (spread == spread.zero()) return connection.send(head);
  const std::size_t step = head.size() / kPieces + 1;
  for (std::size_t at = 0; at < head.size(); at += step) {
    if (!connection.send(std::string_view(head).substr(at, step)) || !connection.pause(spread / kPieces))
      return false;
  }
  return true;
}

/// Sends the first `length` bytes of the reply's range. A piece counts before it goes, so that a client who
/// has it all finds it all in the log; one that could not be sent is taken off again.
bool send_body(Connection& connection, const Reply& reply, std::uint64_t length,
               const std::function<void(std::int64_t)>& count) {
  const bool chunks = reply.framing == Framing::chunked || reply.framing == Framing::chunked_endless;
  const SteadyTime start = std::chrono::steady_clock::now();
  Buffer buffer(static_cast<std::size_t>(std::min<std::uint64_t>(length, reply.piece)));
  for (std::uint64_t done = 0; done < length;) {
    const std::uint64_t offset = reply.range.offset + done;
    const auto piece = std::span(buffer).first(
        static_cast<std::size_t>(std::min<std::uint64_t>(length - done, buffer.size())));
    reply.body->read(offset, piece);
    if (reply.flip_at && *reply.flip_at >= offset && *reply.flip_at < offset + piece.size()) {
      piece[static_cast<std::size_t>(*reply.flip_at - offset)] ^= std::byte{1};
    }
    if (chunks && !connection.send(fmt::format("{:x}\r\n", piece.size()))) return false;
    const auto bytes = static_cast<std::int64_t>(piece.size());
    count(bytes);
    if (!connection.send(piece) || (chunks && !connection.send("\r\n"))) {
      count(-bytes);
      return false;
    }
    done += piece.size();
    if (reply.bytes_per_second == 0) continue;
    const auto due =
        start + std::chrono::nanoseconds(static_cast<std::int64_t>(
                    static_cast<double>(done) / static_cast<double>(reply.bytes_per_second) * 1e9));
    if (!connection.pause(due - std::chrono::steady_clock::now())) return false;
  }
  return true;
}

}  // namespace

void Reply::set_header(std::string_view name, std::string value) {
  remove_header(name);
  headers.emplace_back(name, std::move(value));
}

void Reply::remove_header(std::string_view name) {
  std::erase_if(headers, [name](const auto& header) { return header.first == name; });
}

ResourcePtr text_resource(std::string text, std::string content_type) {
  auto resource = std::make_shared<Resource>();
  resource->size = text.size();
  resource->read = read_from_text(std::move(text));
  resource->content_type = std::move(content_type);
  return resource;
}

Reply text_reply(int status, std::string text, std::string content_type) {
  Reply reply;
  reply.status = status;
  reply.body = text_resource(std::move(text), std::move(content_type));
  reply.range = {0, reply.body->size};
  reply.set_header("Content-Type", reply.body->content_type);
  return reply;
}

Reply error_reply(int status, std::string_view about) {
  return text_reply(
      status,
      fmt::format(
          "<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">\n<html><head><title>{0} {1}</title></head>"
          "<body><h1>{1}</h1><p>{2}</p></body></html>\n",
          status, reason_of(status), escape_markup(about)),
      "text/html; charset=iso-8859-1");
}

Reply resource_reply(const HttpRequest& request, const ResourcePtr& resource) {
  if (precondition_fails(request, *resource)) return error_reply(412, request.path);
  Reply reply;
  reply.body = resource;
  reply.range = {0, resource->size};
  reply.set_header("Accept-Ranges", "bytes");
  reply.set_header("Content-Type", resource->content_type);
  if (!resource->etag.empty()) reply.set_header("ETag", resource->etag);
  if (resource->last_modified != SysSeconds{})
    reply.set_header("Last-Modified", http_date(resource->last_modified));
  if (unmodified(request, *resource)) {
    reply.status = 304;
    reply.body = nullptr;
    reply.range = {};
    return reply;
  }
  if (request.method != "GET" || !range_wanted(request, *resource)) return reply;
  const RangeAnswer answer = parse_range(request.header("range"), resource->size);
  if (answer.kind == RangeKind::unsatisfiable) {
    Reply refused = error_reply(416, request.path);
    refused.set_header("Content-Range", fmt::format("bytes */{}", resource->size));
    return refused;
  }
  if (answer.kind == RangeKind::part) {
    reply.status = 206;
    reply.range = answer.range;
    reply.set_header("Content-Range", fmt::format("bytes {}-{}/{}", answer.range.offset,
                                                  answer.range.end() - 1, resource->size));
  }
  return reply;
}

bool deliver(Connection& connection, const HttpRequest& request, const Reply& reply, RequestLog& log,
             std::uint64_t number) {
  if (reply.delay > reply.delay.zero() && !connection.pause(reply.delay)) return false;
  if (reply.never) {
    connection.hold();
    return false;
  }
  log.answered(number, reply.status);
  const bool promise_close = reply.framing == Framing::until_close;
  const std::string head = reply.head_instead.value_or(head_text(request, reply, !promise_close));
  if (!send_head(connection, head, reply.header_time)) return false;
  if (!reply.head_only && reply.body != nullptr) {
    const std::uint64_t length = std::min(reply.send_only.value_or(reply.range.length), reply.range.length);
    if (!send_body(connection, reply, length, [&](std::int64_t bytes) { log.sent(number, bytes); }))
      return false;
  }
  if (reply.framing == Framing::chunked && !reply.head_only && !connection.send("0\r\n\r\n")) return false;
  // Inside of what Content-Length promises it would be data.
  const bool is_behind =
      reply.length_lie == 0 && reply.send_only.value_or(reply.range.length) >= reply.range.length;
  if (is_behind && !reply.junk.empty() && !connection.send(reply.junk)) return false;
  switch (reply.ending) {
    case Ending::keep:
      return !promise_close && !request.wants_close();
    case Ending::close:
      return false;
    case Ending::reset:
      connection.reset();
      return false;
    case Ending::hold:
      connection.hold();
      return false;
  }
  return false;
}

}  // namespace astrofs::sim
