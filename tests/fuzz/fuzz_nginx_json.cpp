// parse_nginx_json: whatever the text, an entry is one component that its locator means.
#include <cstdint>
#include <cstdlib>
#include <set>

#include "backends/format/nginx_json.h"
#include "backends/url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto listing = astrofs::parse_nginx_json({reinterpret_cast<const char*>(data), size});
  if (!listing) {
    if (listing.error().code == astrofs::Errc::internal || listing.error().message.empty()) std::abort();
    return 0;
  }
  std::set<std::string_view> names;
  for (const astrofs::Entry& entry : listing->entries) {
    const bool directory = entry.kind == astrofs::EntryKind::directory;
    if (entry.name.empty() || entry.name == "." || entry.name == "..") std::abort();
    if (entry.name.find('/') != std::string::npos || entry.name.find('\0') != std::string::npos) std::abort();
    if (!names.insert(entry.name).second) std::abort();
    if (astrofs::url::decode(entry.locator) != entry.name + (directory ? "/" : "")) std::abort();
    if (directory && entry.size) std::abort();
  }
  return 0;
}
