// Puts the files of made-up TESS targets, and the bulk scripts that name them, into the stand-in archive's
// tree.
#pragma once

#include <vector>

#include "tests/support/mast_target.h"
#include "tests/support/sim_content.h"

namespace astrofs::sim {

/// Products below /tess/public/tid; scripts tesscurl_sector_N_{lc,tp,fast-lc,fast-tp,dv}.sh and
/// tesscurl_multisector_sAAAA-sBBBB_dv.sh below /missions/tess/download_scripts/sector, and the page that
/// links to them.
void put_targets(ContentTree& tree, const std::vector<Target>& targets, int rows);

}  // namespace astrofs::sim
