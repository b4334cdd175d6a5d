// parse_ffi_name: what is accepted is written back the same, and so are its neighbours in time. Scripts of
// runs that are found on a page stand there.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "backends/format/tess_name.h"
#include "backends/format/tess_target_name.h"

namespace {

void find_scripts(std::string_view page) {
  const auto runs = astrofs::tess::multi_sector_scripts(page);
  if (!std::is_sorted(runs.begin(), runs.end())) std::abort();
  for (const auto& [first, last] : runs) {
    const std::string script = fmt::format("tesscurl_multisector_s{:04}-s{:04}_dv.sh", first, last);
    if (first == 0 || last <= first || page.find(script) == std::string_view::npos) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace tess = astrofs::tess;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  find_scripts(text);
  const auto name = tess::parse_ffi_name(text);
  const auto shifted = tess::shifted_names(text);
  if (!name) {
    if (!shifted.empty() || !tess::ffi_path(text).empty()) std::abort();
    return 0;
  }
  if (name->text() != text || name->at(name->stamp()) != *name) std::abort();
  if (!name->path().ends_with(text)) std::abort();
  if (shifted.size() != 6) std::abort();
  for (const std::string& other : shifted) {
    const auto parsed = tess::parse_ffi_name(other);
    // Only the first and the last seconds of what four digits of a year can say have neighbours outside.
    if (!parsed && name->year != 0 && name->year != 9999) std::abort();
    if (parsed && parsed->scid != name->scid) std::abort();
  }
  return 0;
}
