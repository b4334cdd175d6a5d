// parse_ls: a listing that is taken has no more entries than the text has room for, and a tree of the same
// text says the same.
#include <cstdint>
#include <cstdlib>

#include <nlohmann/json.hpp>

#include "backends/format/globus_ls.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto entries = astrofs::globus::parse_ls(text);
  if (!entries) {
    if (entries.error().code != astrofs::Errc::corrupt || entries.error().message.empty()) std::abort();
    return 0;
  }
  const nlohmann::json tree = nlohmann::json::parse(text, nullptr, false);
  if (!tree.is_object() || !tree.contains("DATA") || tree["DATA"].size() != entries->size()) std::abort();
  for (std::size_t i = 0; i < entries->size(); ++i) {
    const nlohmann::json& row = tree["DATA"][i];
    const auto& entry = (*entries)[i];
    // Of a key that is there twice each may take another.
    if (!row.is_object() || (entry.directory && entry.size != 0)) std::abort();
  }
  return 0;
}
