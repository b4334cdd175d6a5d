// Names that an archive gave, made safe to show in a directory, and back again.
// One rule, reversible: a byte is written %XX when it is '/', NUL, a control character, DEL, part of an
// invalid UTF-8 sequence, or a '%' that is followed by two hex digits; "." and ".." become "%2E" and
// "%2E%2E"; the empty name and names longer than 255 bytes when encoded are refused. Control characters are
// U+0000..1F and, as some terminals obey them too, U+0080..9F. A shown name is always valid UTF-8. Pure; any
// thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace astrofs {

/// nullopt: cannot be shown (empty, or longer than 255 bytes).
[[nodiscard]] std::optional<std::string> encode_file_name(std::string_view raw);
/// The name the archive gave: decode(encode(n)) == n.
[[nodiscard]] std::string decode_file_name(std::string_view shown);

}  // namespace astrofs
