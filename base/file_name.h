// Names that an archive gave, made safe to show in a directory and to give to a FITS tool, and back again.
// One rule, reversible: a byte is written %XX when it is '/', NUL, a control character, DEL, part of an
// invalid UTF-8 sequence, or a '%' that is followed by two hex digits; "." and ".." become "%2E" and
// "%2E%2E"; the empty name and names longer than 255 bytes when encoded are refused. Control characters are
// U+0000..1F and, as some terminals obey them too, U+0080..9F. A shown name is always valid UTF-8.
//
// What fits_open_file() and fits_create_file() would not take for a part of the name is written %XX as well,
// and only where they react (cfitsio 4.2 to 4.6):
//   '['                anywhere: a section, a filter, a table's row
//   '('                an output file to be made: where the parentheses are not flat pairs, or the name ends
//                      behind one; "frame (1).fits" stays
//   '+'                the last one, before at most five digits that end the name: the number of an HDU
//   a blank            first or last: cut off
//   the first letter   '!' overwrites, '~' is a home, "-" and "stdin..." are a stream, "stdout" is one, and
//                      "ftp: gsiftp: http: mem: shmem: file:" name a driver
// It reacts to ']', ')', '{', '}', ';' and '|' only inside of brackets, which no shown name opens. Pure; any
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
