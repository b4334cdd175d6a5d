// The bulk scripts of a sector's targets: which targets it has, and what one of them has. Their lines are
// sorted by target and searched by Range, whatever their widths. Names only. Blocks; any thread but the
// client's.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "backends/http/fetcher.h"
#include "base/error.h"

namespace astrofs::tess {

/// First and last sector of a data validation over several.
using SectorRun = std::pair<unsigned, unsigned>;

/// TICs of the sector's 2-minute targets, ascending. not_found: it has no script of light curves.
[[nodiscard]] Result<std::vector<std::uint64_t>> script_targets(http::Fetcher& fetcher,
                                                                const std::string& archive, unsigned sector,
                                                                std::stop_token stop);

/// Runs of data validation over several sectors that have a script of their own, as the archive's page of
/// scripts says. None where the archive has no such page.
[[nodiscard]] Result<std::vector<SectorRun>> scripted_runs(http::Fetcher& fetcher, const std::string& archive,
                                                           std::stop_token stop);

/// Names of a target's products in all scripts of the sector, and in those of `runs`, as far as these end
/// with it; empty when none names it. Three requests one after the other where a script has 4 MiB.
[[nodiscard]] Result<std::vector<std::string>> script_products(http::Fetcher& fetcher,
                                                               const std::string& archive, unsigned sector,
                                                               std::uint64_t tic,
                                                               const std::vector<SectorRun>& runs,
                                                               std::stop_token stop);

}  // namespace astrofs::tess
