// An answer of the stand-in archive as a value: first the honest one is made, then the faults spoil it, then
// it is delivered. Used by the thread of one connection.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "tests/support/sim_content.h"
#include "tests/support/sim_faults.h"
#include "tests/support/sim_http.h"
#include "tests/support/sim_log.h"
#include "tests/support/sim_server.h"

namespace astrofs::sim {

enum class Framing : unsigned char { length, chunked, chunked_endless, until_close };
enum class Ending : unsigned char { keep, close, reset, hold };

struct Reply {
  int status{200};
  Headers headers;   ///< beyond Date, Server, Content-Length and Connection
  ResourcePtr body;  ///< nullptr: no body
  ByteRange range;   ///< of the body, what is sent
  bool head_only{false};

  // How it is delivered
  Framing framing{Framing::length};
  std::int64_t length_lie{0};              ///< added to Content-Length
  std::optional<std::uint64_t> send_only;  ///< of the range
  Ending ending{Ending::keep};
  milliseconds delay{0};
  milliseconds header_time{0};
  std::uint64_t bytes_per_second{0};        ///< 0: as fast as it goes
  std::size_t piece{64U << 10};             ///< bytes of one send; small for a drip
  std::optional<std::uint64_t> flip_at;     ///< byte of the body whose lowest bit is turned
  std::string junk;                         ///< behind the body
  std::optional<std::string> head_instead;  ///< replaces status line and headers
  bool never{false};                        ///< no answer at all

  void set_header(std::string_view name, std::string value);
  void remove_header(std::string_view name);
};

[[nodiscard]] ResourcePtr text_resource(std::string text, std::string content_type);
[[nodiscard]] Reply text_reply(int status, std::string text, std::string content_type);
/// An error page as Apache would write it.
[[nodiscard]] Reply error_reply(int status, std::string_view about);
/// The resource, or the part of it that the conditions and the range of the request ask for.
[[nodiscard]] Reply resource_reply(const HttpRequest& request, const ResourcePtr& resource);

/// False: the connection must not be used further.
bool deliver(Connection& connection, const HttpRequest& request, const Reply& reply, RequestLog& log,
             std::uint64_t number);

/// What the fault makes of the file before the answer is built (new_version, silent_change).
[[nodiscard]] ResourcePtr spoil_resource(const Fault& fault, ResourcePtr resource);
/// What the fault makes of the answer.
void spoil_reply(const Fault& fault, const HttpRequest& request, Reply& reply);

/// The byte that new_version and silent_change put in place of `original`. A FITS file keeps its first card.
[[nodiscard]] std::byte changed_byte(std::byte original, std::uint64_t offset);

}  // namespace astrofs::sim
