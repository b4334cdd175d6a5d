// The models of the TESS pixel response: 800 names that have not changed since 2019, so a table and no
// listing. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace astrofs::tess {

/// One CCD's directory of one set: "start_s0001" serves sectors 1-3, "start_s0004" all later ones.
struct PrfChip {
  std::string set;
  unsigned camera{0}, ccd{0};  ///< 1-4
};

[[nodiscard]] const std::vector<std::string>& prf_sets();
/// "cam2_ccd3" of a known set; nullopt for anything else.
[[nodiscard]] std::optional<PrfChip> parse_prf_chip(std::string_view set, std::string_view directory);
/// The 25 names of a chip: five rows times five columns.
[[nodiscard]] std::vector<std::string> prf_names(const PrfChip& chip);

}  // namespace astrofs::tess
