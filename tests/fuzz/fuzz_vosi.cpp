// parse_capabilities: interfaces no larger than the document, or a cause.
#include <cstdint>
#include <cstdlib>

#include "backends/format/vosi.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto all = astrofs::vosi::parse_capabilities({reinterpret_cast<const char*>(data), size});
  if (!all && all.error().message.empty()) std::abort();
  if (!all) return 0;
  std::size_t methods = 0;
  for (const auto& one : *all) {
    methods += one.methods.size();
    for (const auto& method : one.methods) {
      if (!method.empty() && astrofs::vosi::method_name(method).empty()) std::abort();
    }
    if (one.url.size() > size) std::abort();
  }
  if (all->size() + methods > size) std::abort();
  return 0;
}
