// The bulk download scripts of the archive: one "curl ... -o NAME URL" per file, in lines of one width, so
// that the size of a script says how many files it names and any line is one range away. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace astrofs {

inline constexpr std::uint64_t kScriptHeader = 10;  ///< "#!/bin/sh\n"
inline constexpr std::uint64_t kFfiScriptLine =
    175;  ///< "curl -C - -L -o " + name of 44 + " " + URL of 69 + name + "\n"

/// Lines behind the header of a script of `size` bytes; the last newline may be missing. nullopt: not
/// fixed-width.
[[nodiscard]] std::optional<std::uint64_t> script_lines(std::uint64_t size,
                                                        std::uint64_t line = kFfiScriptLine);

/// The bytes of lines [first, last), counted from 0 behind the header. Empty when last <= first; line numbers
/// stay below 2^50.
[[nodiscard]] ByteRange script_range(std::uint64_t first, std::uint64_t last,
                                     std::uint64_t line = kFfiScriptLine);

struct ScriptLine {
  std::string name, url;
};

/// How a piece was cut out of its script. A line that is cut is left out.
struct ScriptCut {
  bool first_partial{false};  ///< the piece may begin inside a line
  bool last_partial{false};  ///< the piece may end inside a line; without a newline its last line is left out
  bool paths{false};         ///< a name may be a path below the directory that the script runs in
};

struct ScriptPiece {
  std::vector<ScriptLine> lines;
  std::size_t dropped{0};  ///< curl lines without a URL, or whose name is no single component (no path)
};

/// Comments, empty lines and anything else that is no curl command are skipped; CRLF is a newline.
/// Errors: corrupt (a page of HTML or bytes that no script has), too_large (more than 128 MiB).
[[nodiscard]] Result<ScriptPiece> parse_script(std::string_view text, ScriptCut cut = {});

}  // namespace astrofs
