// Answers of api.dkistdc.nso.edu: /datasets and /download. Used by the thread of one connection.
#pragma once

#include <vector>

#include "tests/support/dkist_settings.h"
#include "tests/support/dkist_shelf.h"
#include "tests/support/sim_reply.h"

namespace astrofs::sim {

[[nodiscard]] Reply dkist_datasets_reply(const HttpRequest& request, const DkistShelf& shelf);
/// /download/{asdf,quality,movie}?datasetId=ID, for anybody, embargoed or not.
[[nodiscard]] Reply dkist_download_reply(const HttpRequest& request, DkistShelf& shelf,
                                         const DkistSettings& settings, const std::vector<Fault>& faults);

}  // namespace astrofs::sim
