// What each kind of fault does to an answer that was honest before.
#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "tests/support/gzip.h"
#include "tests/support/sim_reply.h"

namespace astrofs::sim {
namespace {

constexpr std::int64_t kMebibyte = 1 << 20;
constexpr std::string_view kFirstCard = "SIMPLE  =";
constexpr std::uint64_t kCardBytes = 80;

std::uint64_t amount(const Fault& fault, std::int64_t value) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, fault.n_or(value)));
}

void replace(Reply& reply, Reply other) {
  other.head_only = reply.head_only;
  other.delay = reply.delay;
  other.header_time = reply.header_time;
  reply = std::move(other);
}

std::string content_range(ByteRange range, std::uint64_t total) {
  return fmt::format("bytes {}-{}/{}", range.offset, range.end() - 1, total);
}

/// The same number of bytes further on in the file, or further back where it ends too early.
ByteRange shifted(const Reply& reply, std::uint64_t by) {
  const std::uint64_t last = reply.body->size - reply.range.length;
  const std::uint64_t ahead = reply.range.offset + by;
  return {ahead <= last ? ahead : reply.range.offset - std::min(by, reply.range.offset), reply.range.length};
}

std::string gzip_of(const Reply& reply) {
  std::string plain(static_cast<std::size_t>(reply.range.length), '\0');
  reply.body->read(reply.range.offset, std::as_writable_bytes(std::span(plain)));
  return gzip(plain);
}

/// One MiB of zeros is packed once; after a full flush the same block may follow itself any number of times.
std::string gzip_bomb(std::uint64_t bytes) {
  std::string plain(kMebibyte, '\0');
  std::string block(1U << 14, '\0');
  z_stream stream{};
  ::deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(plain.data());
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(block.data());
  stream.avail_out = static_cast<uInt>(block.size());
  ::deflate(&stream, Z_FULL_FLUSH);
  block.resize(stream.total_out);
  ::deflateEnd(&stream);
  std::string bomb("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10);
  uLong sum = ::crc32(0, nullptr, 0);
  const uLong block_sum =
      ::crc32(sum, reinterpret_cast<const Bytef*>(plain.data()), static_cast<uInt>(plain.size()));
  const std::uint64_t blocks = std::max<std::uint64_t>(1, bytes / static_cast<std::uint64_t>(kMebibyte));
  for (std::uint64_t count = 0; count < blocks; ++count) {
    bomb += block;
    sum = ::crc32_combine(sum, block_sum, kMebibyte);
  }
  bomb.append("\x03\x00", 2);  // an empty last block
  const std::uint64_t trailer = sum | ((blocks << 20) << 32);
  for (unsigned byte = 0; byte < 8; ++byte) bomb += static_cast<char>(trailer >> (8 * byte));
  return bomb;
}

void set_body(Reply& reply, ResourcePtr body) {
  reply.range = {0, body->size};
  reply.body = std::move(body);
}

void multipart(Reply& reply) {
  constexpr std::string_view kBoundary = "3d6b6a416f9b5";
  const std::string front =
      fmt::format("\r\n--{}\r\nContent-Type: {}\r\nContent-Range: {}\r\n\r\n", kBoundary,
                  reply.body->content_type, content_range(reply.range, reply.body->size));
  const std::string back = fmt::format("\r\n--{}--\r\n", kBoundary);
  std::string part(static_cast<std::size_t>(reply.range.length), '\0');
  reply.body->read(reply.range.offset, std::as_writable_bytes(std::span(part)));
  const std::string type = fmt::format("multipart/byteranges; boundary={}", kBoundary);
  set_body(reply, text_resource(front + part + back, type));
  reply.remove_header("Content-Range");
  reply.set_header("Content-Type", type);
}

void spoil_range(const Fault& fault, const HttpRequest& request, Reply& reply) {
  if (reply.status != 206) return;
  const std::uint64_t by = amount(fault, 4096);
  const ByteRange other = shifted(reply, by);
  switch (fault.kind) {
    case Kind::range_shifted:
      reply.range = other;
      reply.set_header("Content-Range", content_range(other, reply.body->size));
      break;
    case Kind::range_header_shifted:
      reply.set_header("Content-Range", content_range(other, reply.body->size));
      break;
    case Kind::range_data_shifted:
      reply.range = other;
      break;
    case Kind::range_other_total:
      reply.set_header("Content-Range", content_range(reply.range, reply.body->size + by));
      break;
    case Kind::range_no_header:
      reply.remove_header("Content-Range");
      break;
    case Kind::range_multipart:
      multipart(reply);
      break;
    case Kind::range_ignored:
      reply.range = {0, reply.body->size};
      [[fallthrough]];
    case Kind::range_partial_200:
      reply.status = 200;
      reply.remove_header("Content-Range");
      break;
    default: {
      const std::string range = fmt::format("bytes */{}", reply.body->size);
      replace(reply, error_reply(416, request.path));
      reply.set_header("Content-Range", range);
    }
  }
}

void spoil_length(const Fault& fault, Reply& reply) {
  const std::uint64_t missing = std::min(amount(fault, 1000), reply.range.length);
  switch (fault.kind) {
    case Kind::length_short:
      reply.send_only = reply.range.length - missing;
      reply.length_lie = -static_cast<std::int64_t>(missing);
      break;
    case Kind::length_long:
      reply.length_lie = fault.n_or(1000);
      reply.ending = Ending::close;
      break;
    case Kind::unframed_short:
      reply.send_only = reply.range.length - missing;
      [[fallthrough]];
    case Kind::unframed:
      reply.framing = Framing::until_close;
      break;
    case Kind::chunked:
      reply.framing = Framing::chunked;
      break;
    case Kind::chunked_endless:
      reply.framing = Framing::chunked_endless;
      reply.send_only = amount(fault, static_cast<std::int64_t>(reply.range.length / 2));
      reply.ending = Ending::close;
      break;
    default:  // head_delta
      if (reply.status == 200) {
        reply.length_lie = std::max(fault.n_or(1000), -static_cast<std::int64_t>(reply.range.length));
      }
  }
}

void spoil_transfer(const Fault& fault, Reply& reply) {
  switch (fault.kind) {
    case Kind::latency:
      reply.delay += milliseconds(fault.n_or(200));
      break;
    case Kind::slow_headers:
      reply.header_time = milliseconds(fault.n_or(3000));
      break;
    case Kind::bandwidth:
      reply.bytes_per_second = std::max<std::uint64_t>(1, amount(fault, kMebibyte));
      // Twenty sends a second look like a steady stream.
      reply.piece =
          static_cast<std::size_t>(std::clamp<std::uint64_t>(reply.bytes_per_second / 20, 1, reply.piece));
      break;
    case Kind::drip:
      reply.bytes_per_second = std::max<std::uint64_t>(1, amount(fault, 100));
      reply.piece = static_cast<std::size_t>(std::clamp<std::uint64_t>(reply.bytes_per_second / 10, 1, 64));
      break;
    case Kind::stall_after:
      reply.send_only = amount(fault, 50000);
      if (*reply.send_only < reply.range.length) reply.ending = Ending::hold;
      break;
    case Kind::reset_after:
    case Kind::close_early:
      reply.send_only = amount(fault, 50000);
      if (*reply.send_only < reply.range.length)
        reply.ending = fault.kind == Kind::reset_after ? Ending::reset : Ending::close;
      break;
    case Kind::close_idle:
      reply.ending = Ending::close;
      break;
    case Kind::junk_after:
      reply.junk.assign(static_cast<std::size_t>(amount(fault, 64)), '#');
      break;
    case Kind::flip_bit:
      reply.flip_at = amount(fault, static_cast<std::int64_t>(reply.range.offset + reply.range.length / 2));
      break;
    default:
      reply.never = true;  // silent
  }
}

void spoil_status(const Fault& fault, const HttpRequest& request, Reply& reply) {
  replace(reply, error_reply(static_cast<int>(fault.n_or(503)), request.path));
  if (fault.text.empty()) return;
  std::string retry = fault.text;
  int ahead = 0;
  if (retry.starts_with('+') &&
      std::from_chars(retry.data() + 1, retry.data() + retry.size(), ahead).ec == std::errc{}) {
    retry = http_date(SystemClock().wall() + seconds(ahead));
  }
  reply.set_header("Retry-After", retry);
}

void spoil_redirect(const Fault& fault, const HttpRequest& request, Reply& reply) {
  constexpr std::string_view kHole = "{target}";
  std::string to = fault.text.empty() ? request.target : fault.text;
  if (const auto hole = to.find(kHole); hole != std::string::npos)
    to.replace(hole, kHole.size(), request.target);
  replace(reply, error_reply(static_cast<int>(fault.n_or(302)), to));
  reply.set_header("Location", to);
}

void spoil_head(const Fault& fault, Reply& reply) {
  switch (fault.kind) {
    case Kind::huge_header:
      reply.set_header("X-Filler", std::string(static_cast<std::size_t>(amount(fault, kMebibyte)), 'x'));
      break;
    case Kind::many_headers:
      for (std::uint64_t count = 0; count < amount(fault, 5000); ++count) {
        reply.headers.emplace_back(fmt::format("X-Filler-{}", count), "x");
      }
      break;
    case Kind::garbage_status:
      reply.head_instead = "%PDF-1.4 200 \x01\x02 what\r\n\r\n";
      reply.ending = Ending::close;
      break;
    default:  // http09
      reply.head_instead = "";
      reply.ending = Ending::close;
  }
}

void spoil_document(const Fault& fault, const HttpRequest& request, Reply& reply) {
  switch (fault.kind) {
    case Kind::login_page:
      replace(
          reply,
          text_reply(200,
                     "<!DOCTYPE html><html><head><title>Sign in</title></head><body><form action=\"/login\" "
                     "method=\"post\"><input name=\"user\"><input name=\"password\" type=\"password\"></form>"
                     "<p>Please log in to continue.</p></body></html>\n",
                     "text/html; charset=utf-8"));
      break;
    case Kind::empty:
      replace(reply, text_reply(200, "", "application/octet-stream"));
      break;
    case Kind::sick_connection:
      replace(reply,
              text_reply(404,
                         fault.text.empty() ? "Mapping collection to specified ID failed.\nGlobusError: v=1 "
                                              "c=ENDPOINT_ERROR\nGCS Manager Internal Error\n"
                                            : fault.text,
                         "text/plain"));
      break;
    case Kind::body:
      replace(reply, text_reply(200, fault.text, reply.body ? reply.body->content_type : "text/html"));
      break;
    case Kind::gzip:
      if (reply.body == nullptr) break;
      set_body(reply, text_resource(gzip_of(reply), reply.body->content_type));
      reply.set_header("Content-Encoding", "gzip");
      break;
    case Kind::gzip_bomb:
      set_body(reply, text_resource(gzip_bomb(amount(fault, 512 * kMebibyte)), "image/fits"));
      reply.set_header("Content-Encoding", "gzip");
      break;
    default:  // head_refused
      replace(reply, error_reply(405, request.path));
      reply.set_header("Allow", "GET");
  }
}

}  // namespace

std::byte changed_byte(std::byte original, std::uint64_t offset) {
  return original ^ static_cast<std::byte>(1 + offset % 7);  // 1..7: never the same byte
}

ResourcePtr spoil_resource(const Fault& fault, ResourcePtr resource) {
  if (fault.kind != Kind::new_version && fault.kind != Kind::silent_change) return resource;
  auto changed = std::make_shared<Resource>(*resource);
  std::byte start[kFirstCard.size()]{};
  if (resource->size >= kCardBytes) resource->read(0, start);
  const std::uint64_t kept = std::memcmp(start, kFirstCard.data(), sizeof start) == 0 ? kCardBytes : 0;
  if (fault.kind == Kind::new_version) {
    changed->size += amount(fault, 0);
    if (!changed->etag.empty()) changed->etag = etag_of("new version of " + resource->etag);
    if (changed->last_modified != SysSeconds{}) changed->last_modified += seconds(86400);
  }
  changed->read = [resource, kept](std::uint64_t offset, std::span<std::byte> into) {
    std::ranges::fill(into, std::byte{0});
    if (offset < resource->size) {
      resource->read(offset, into.first(static_cast<std::size_t>(
                                 std::min<std::uint64_t>(into.size(), resource->size - offset))));
    }
    for (std::size_t at = 0; at < into.size(); ++at) {
      if (offset + at >= kept) into[at] = changed_byte(into[at], offset + at);
    }
  };
  return changed;
}

void spoil_reply(const Fault& fault, const HttpRequest& request, Reply& reply) {
  switch (fault.kind) {
    case Kind::latency:
    case Kind::slow_headers:
    case Kind::bandwidth:
    case Kind::drip:
    case Kind::stall_after:
    case Kind::silent:
    case Kind::reset_after:
    case Kind::close_early:
    case Kind::close_idle:
    case Kind::junk_after:
    case Kind::flip_bit:
      spoil_transfer(fault, reply);
      break;
    case Kind::length_short:
    case Kind::length_long:
    case Kind::unframed_short:
    case Kind::unframed:
    case Kind::chunked:
    case Kind::chunked_endless:
    case Kind::head_delta:
      spoil_length(fault, reply);
      break;
    case Kind::range_shifted:
    case Kind::range_header_shifted:
    case Kind::range_data_shifted:
    case Kind::range_other_total:
    case Kind::range_no_header:
    case Kind::range_multipart:
    case Kind::range_ignored:
    case Kind::range_partial_200:
    case Kind::range_refused:
      spoil_range(fault, request, reply);
      break;
    case Kind::status:
      spoil_status(fault, request, reply);
      break;
    case Kind::redirect:
      spoil_redirect(fault, request, reply);
      break;
    case Kind::huge_header:
    case Kind::many_headers:
    case Kind::garbage_status:
    case Kind::http09:
      spoil_head(fault, reply);
      break;
    case Kind::gzip:
    case Kind::gzip_bomb:
    case Kind::head_refused:
    case Kind::login_page:
    case Kind::empty:
    case Kind::sick_connection:
    case Kind::body:
      spoil_document(fault, request, reply);
      break;
    case Kind::refuse:
    case Kind::new_version:
    case Kind::silent_change:
    case Kind::token_repeats:
      break;  // done before the answer was made
  }
}

}  // namespace astrofs::sim
