// parse_products, parse_data_sets and parse_paths: values or a cause; no name that is empty. And what is
// taken for a name or path of HST has none but the letters that need no percent sign.
#include <cstdint>
#include <cstdlib>

#include "backends/format/hst_name.h"
#include "backends/format/mast_missions.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto products = astrofs::mast::parse_products(text)) {
    for (const auto& product : *products) {
      if (product.name.empty()) std::abort();
    }
  } else if (products.error().message.empty()) {
    std::abort();
  }
  if (const auto page = astrofs::mast::parse_data_sets(text, "sci_data_set_name")) {
    if (page->names.size() > page->rows) std::abort();
    for (const std::string& name : page->names) {
      const std::string small = astrofs::hst::small_letters(name);
      if (astrofs::hst::is_data_set(small) &&
          astrofs::hst::small_letters(astrofs::hst::capital_letters(small)) != small)
        std::abort();
    }
  }
  if (const auto paths = astrofs::mast::parse_paths(text)) {
    for (const auto& [uri, path] : *paths) {
      if (path.empty()) std::abort();
      if (astrofs::hst::is_public_path(path) && path.find_first_of("%? \n&#\\") != std::string::npos)
        std::abort();
    }
  }
  if (astrofs::hst::is_public_path(text) &&
      (text.find("..") == 0 || text.find("/.") != std::string_view::npos ||
       text.find("//") != std::string_view::npos))
    std::abort();
  return 0;
}
