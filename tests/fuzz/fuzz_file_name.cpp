// Names: whatever is shown is a safe directory entry and decodes to what the archive gave.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/file_name.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view raw(reinterpret_cast<const char*>(data), size);
  const std::string decoded = astrofs::decode_file_name(raw);  // any text may be asked for by a reader
  if (decoded.size() > raw.size()) std::abort();
  const auto shown = astrofs::encode_file_name(raw);
  if (!shown) return 0;
  if (shown->empty() || shown->size() > 255 || *shown == "." || *shown == "..") std::abort();
  if (shown->find('/') != std::string::npos || shown->find('\0') != std::string::npos) std::abort();
  if (astrofs::decode_file_name(*shown) != raw) std::abort();
  return 0;
}
