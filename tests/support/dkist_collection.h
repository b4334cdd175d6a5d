// HTTPS of the made-up data centre's collection: /https/BUCKET/PROPOSAL/ID/NAME. Used by the thread of one
// connection.
#pragma once

#include <string_view>
#include <vector>

#include "tests/support/dkist_auth.h"
#include "tests/support/dkist_settings.h"
#include "tests/support/dkist_shelf.h"
#include "tests/support/sim_reply.h"

namespace astrofs::sim {

/// Files only. Ranges have no total and no suffixes; what is missing is a 404 that says PATH_NOT_FOUND.
[[nodiscard]] Reply dkist_collection_reply(const HttpRequest& request, DkistShelf& shelf,
                                           const DkistAuth& auth, const DkistSettings& settings,
                                           const std::vector<Fault>& faults);

}  // namespace astrofs::sim
