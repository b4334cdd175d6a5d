// parse_curve, parse_image: what is accepted is written back the same, below its own sector.
#include <cstdint>
#include <cstdlib>

#include "backends/format/hlsp_names.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace hlsp = astrofs::hlsp;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto curve = hlsp::parse_curve(text)) {
    if (curve->name() != text || hlsp::parse_curve(curve->name()) != curve) std::abort();
    if (curve->path().find("/" + hlsp::sector_directory(curve->sector) + "/") == std::string::npos)
      std::abort();
  }
  if (const auto image = hlsp::parse_image(text)) {
    if (image->name() != text || hlsp::parse_image(image->name()) != image) std::abort();
  }
  if (const auto sector = hlsp::sector_in(text)) {
    if (hlsp::sector_directory(*sector) != text) std::abort();
  }
  return 0;
}
