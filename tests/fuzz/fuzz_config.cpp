// parse_config: any text is a Config or an error with a place, never a crash; what is accepted keeps its
// promises.
#include <cstdint>
#include <cstdlib>

#include "base/config.h"
#include "base/file_name.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = astrofs::parse_config(text, "f");
  if (!config) {
    if (!config.error().message.starts_with("f:")) std::abort();
    return 0;
  }
  if (config->cache_size == 0 || !config->cache_dir.starts_with('/')) std::abort();
  for (const astrofs::ArchiveConfig& archive : config->archives) {
    if (archive.type.empty() || archive.name.starts_with('.')) std::abort();
    if (astrofs::encode_file_name(archive.name) != archive.name) std::abort();
  }
  return 0;
}
