// parse_script: whatever the text and however it was cut, a line is a name of one component and a URL.
#include <cstdint>
#include <cstdlib>

#include "backends/format/curl_script.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto whole = astrofs::parse_script(text);
  for (const bool first : {false, true}) {
    for (const bool last : {false, true}) {
      const auto piece = astrofs::parse_script(text, {.first_partial = first, .last_partial = last});
      if (!piece) continue;
      if (whole && piece->lines.size() > whole->lines.size()) std::abort();
      for (const astrofs::ScriptLine& line : piece->lines) {
        if (line.name.empty() || line.name.find_first_of("/ \n\r\t") != std::string::npos) std::abort();
        if (!line.url.starts_with("http") || line.url.find_first_of(" \n\r\t") != std::string::npos)
          std::abort();
      }
    }
  }
  const auto lines = astrofs::script_lines(size);
  if (lines && *lines > 0 && astrofs::script_range(*lines - 1, *lines).end() > size + 1) std::abort();
  return 0;
}
