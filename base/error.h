// What can go wrong, in one enum, and the one table from causes to errno.
// Every fallible function of the project returns Result<T>; exceptions stay inside the
// libraries that throw them and are turned into a Result at their door.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace astrofs {

enum class Errc : std::uint8_t {
  not_found,      ///< the archive says for good that there is no such thing (404, 410, not in the listing)
  not_directory,  ///< a path goes through a file
  is_directory,   ///< a directory where a file was wanted
  denied,         ///< 401, 403, a login page
  unavailable,    ///< the archive cannot serve now: 5xx, refused, reset, retries spent
  timed_out,      ///< the deadline of the call has passed
  interrupted,    ///< the caller gave up
  offline,        ///< the network was needed and the mount was started with `offline`
  stale,          ///< the version that was opened no longer exists
  corrupt,        ///< an answer or a cached block is not what it must be
  no_space,       ///< the cache's disk is full
  too_large,      ///< beyond a bound that protects memory or disk
  unsupported,    ///< this kind of thing is not offered
  invalid,        ///< the caller's argument is wrong
  internal,       ///< a bug of ours
};

struct Error {
  Errc code{Errc::internal};
  std::string message;  ///< one sentence without a trailing full stop, for logs and `astrofs why`
};

template <class T>
using Result = tl::expected<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> fail(Errc code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

/// The errno a reader sees for a cause; never 0.
[[nodiscard]] int errno_of(Errc code) noexcept;

/// "not_found", "denied", ...: for logs, metrics and JSON.
[[nodiscard]] std::string_view name_of(Errc code) noexcept;

/// Cause of a failed system call, where errno says it (ENOENT -> not_found, ENOSPC and EDQUOT -> no_space,
/// EROFS -> denied,
/// ...); all others are internal. The message is "what: text of the errno".
[[nodiscard]] Error system_error(int errno_value, std::string_view what);

}  // namespace astrofs
