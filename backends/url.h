// The few things archives do with URLs: check a configured base, write a raw path with percent signs, read
// one back. Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace astrofs::url {

/// A base URL as an archive keeps it: http or https, a host, no user, query or fragment, trailing slashes
/// removed. Anything else is Errc::invalid with a sentence that says what is wrong.
[[nodiscard]] Result<std::string> check_base(std::string_view text);

/// Percent-encodes every byte but A-Z a-z 0-9 - . _ ~ and '/'. Segments "." and ".." become "%2E" and
/// "%2E%2E", so that no client takes them for a way up.
[[nodiscard]] std::string encode_path(std::string_view raw);
/// The same for one component or a query value: '/' is encoded too.
[[nodiscard]] std::string encode_component(std::string_view raw);
/// A whole address as a stranger wrote it, made fit to be sent: blanks, control characters, bytes beyond
/// ASCII and what else no address may hold become %XX, and all else stays.
[[nodiscard]] std::string repair(std::string_view address);
/// Undoes %XX once; a '%' that two hex digits do not follow stays as it is.
[[nodiscard]] std::string decode(std::string_view encoded);

}  // namespace astrofs::url
