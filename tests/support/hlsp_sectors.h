// Sectors of the light-curve pipelines for the stand-in archive, of any number of curves: ids, names,
// scripts, target lists and files follow from a few numbers and nothing is stored. Called once while the tree
// is filled.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/sim_content.h"

namespace astrofs::sim {

struct HlspOptions {
  std::vector<int> sectors{1, 23, 56};
  std::uint64_t targets{40};  ///< of QLP and of TESS-SPOC, in each sector
  std::uint64_t stars{6};     ///< of TGLC, on each of the 16 CCDs
  std::uint64_t images{3};    ///< of TICA, on each of them and in each orbit
  int rows{200};              ///< of a light curve
  bool shuffled{false};       ///< the lines of scripts are in no order
};

/// QLP's and TESS-SPOC's target `number` of a sector; the first of the first sector is TIC 1234. Sectors that
/// follow each other share most of them.
[[nodiscard]] std::uint64_t hlsp_tic(int sector, std::uint64_t number, const HlspOptions& options);
/// TGLC's star `number` of a CCD (0 to 15) as Gaia calls it, and its TIC; the same in every sector.
[[nodiscard]] std::uint64_t hlsp_gaia(int chip, std::uint64_t number, const HlspOptions& options);
[[nodiscard]] std::uint64_t hlsp_star_tic(int chip, std::uint64_t number, const HlspOptions& options);

/// Under /mast/hlsp as S3 has them (TICA: not there) and under /hlsps as the archive has them.
void put_hlsp(ContentTree& tree, const HlspOptions& options);

}  // namespace astrofs::sim
