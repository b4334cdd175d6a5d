// Names of what TESS gives for one target of its input catalog (TIC): light curves, pixels and the reports of
// data validation. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace astrofs::tess {

enum class TargetKind : unsigned char { light_curve, pixels, fast_light_curve, fast_pixels, validation };

/// tess{stamp}-s{sector}-{tic}-{scid}-{cr}_lc.fits, _tp.fits, a_fast-lc.fits, a_fast-tp.fits;
/// tess{stamp}-s{first}-s{last}-{tic}[-{planet}]-{run}_dvt.fits, _dvr.xml, _dvr.pdf, _dvs.pdf, _dvm.pdf
struct TargetName {
  TargetKind kind{TargetKind::light_curve};
  std::uint64_t tic{0};
  unsigned first_sector{0}, last_sector{0};  ///< the same, but of a validation of several sectors
  friend bool operator==(const TargetName&, const TargetName&) = default;
};

/// nullopt: any other name.
[[nodiscard]] std::optional<TargetName> parse_target_name(std::string_view name);

/// First and last sector of each run of data validation over several sectors whose script a page links to
/// ("tesscurl_multisector_s0001-s0009_dv.sh"), ascending, each once. Whatever the page is written in.
[[nodiscard]] std::vector<std::pair<unsigned, unsigned>> multi_sector_scripts(std::string_view page);

/// "25132999", as users write it: no sign, no leading zero. 0: no number of the catalog.
[[nodiscard]] std::uint64_t parse_tic(std::string_view text);

/// "tid/s0001/0000/0000/2513/2999/": where a target's products of a sector lie, below missions/tess/ of the
/// archive and tess/public/ of the bucket alike.
[[nodiscard]] std::string target_folder(unsigned sector, std::uint64_t tic);

/// The folder and the name; "" for a validation of several sectors, whose folder the name does not tell, and
/// for other names.
[[nodiscard]] std::string target_path(std::string_view name);

/// Is it a folder as above, of any sector, with one name in it, which is of that target if it is a known one?
[[nodiscard]] bool is_target_path(std::string_view path);

}  // namespace astrofs::tess
