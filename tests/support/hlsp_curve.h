// A light curve as each pipeline writes it: the columns, types and keywords of the real files, values that
// follow from the id. Pure.
#pragma once

#include <cstdint>
#include <string>

namespace astrofs::sim {

enum class HlspPipeline : unsigned char { tglc, qlp, tess_spoc };

struct CurveSpec {
  HlspPipeline pipeline{HlspPipeline::qlp};
  int sector{1};
  std::uint64_t tic{0};
  std::uint64_t gaia{0};  ///< of TGLC
  int camera{1}, ccd{1};
  int rows{200};
};

/// Of the same length for every id.
[[nodiscard]] std::string curve_file(const CurveSpec& spec);
/// QLP's second form of the same: time, flux and quality as text.
[[nodiscard]] std::string curve_text(const CurveSpec& spec);
/// An image of TICA: it is in the primary HDU. `side`: of its pixels.
[[nodiscard]] std::string tica_file(int sector, int camera, int ccd, std::uint64_t cadence, int side);

/// Where a star is, degrees.
[[nodiscard]] double curve_ra(std::uint64_t id);
[[nodiscard]] double curve_dec(std::uint64_t id);

}  // namespace astrofs::sim
