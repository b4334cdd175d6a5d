// Names of the Hubble Space Telescope: data sets of nine letters (ipppssoot: instrument, program, visit,
// observation) and where they lie in the archive. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace astrofs::hst {

/// "j8pu0y010", in the small letters of the archive's folders.
[[nodiscard]] bool is_data_set(std::string_view name);
[[nodiscard]] std::string small_letters(std::string_view name);
/// As MAST's tables write it.
[[nodiscard]] std::string capital_letters(std::string_view name);
/// Below "hst/": "public/j8pu/j8pu0y010/".
[[nodiscard]] std::string folder_of(std::string_view data_set);
/// Of a proposal, as its users write it: no leading zero. 0: none.
[[nodiscard]] std::uint32_t parse_proposal(std::string_view name);
/// "public/a/b/NAME", of letters that need no percent sign in a URL.
[[nodiscard]] bool is_public_path(std::string_view path);

}  // namespace astrofs::hst
