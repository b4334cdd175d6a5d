// parse_html_index: whatever the page, an entry is one component that its locator means.
#include <cstdint>
#include <cstdlib>
#include <set>

#include "backends/format/html_index.h"
#include "backends/url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view html(reinterpret_cast<const char*>(data), size);
  const auto index = astrofs::parse_html_index(html, "http://h/da%74a/?C=N");
  if (!index) std::abort();  // a small page is never too much
  std::set<std::string_view> names;
  for (const astrofs::Entry& entry : index->entries) {
    const bool directory = entry.kind == astrofs::EntryKind::directory;
    if (entry.name.empty() || entry.name == "." || entry.name == "..") std::abort();
    if (entry.name.find('/') != std::string::npos || entry.name.find('\0') != std::string::npos) std::abort();
    if (!names.insert(entry.name).second) std::abort();
    if (astrofs::url::decode(entry.locator) != entry.name + (directory ? "/" : "")) std::abort();
    if (directory && entry.size) std::abort();
    for (const char c : entry.locator) {
      if (c <= ' ' || c > '~' || c == '?' || c == '#') std::abort();
    }
  }
  // The locator, as the link of a page, is the same entry again.
  for (const astrofs::Entry& entry : index->entries) {
    const auto again = astrofs::parse_html_index("<a href=\"./" + entry.locator + "\">", "http://h/data/");
    if (!again || again->entries.size() != 1 || again->entries[0].name != entry.name) std::abort();
    if (again->entries[0].locator != entry.locator || again->entries[0].kind != entry.kind) std::abort();
  }
  return 0;
}
